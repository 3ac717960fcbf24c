"""`doctor --selftest`: tests what only a Mac can show, without changing anything. The output can be pasted back.

Each line gives what was expected and what was seen. Nothing outside a temporary folder is written, and no job is
loaded. The expectations come from shared facts on packaging, section 9, and on launchd, section 12.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Mapping, Tuple

from llamabar.doctor.checks.redact import redacted
from llamabar.doctor.collect.gathering import Gathering, Unknown
from llamabar.doctor.collect.private import private_now
from llamabar.macos import launchctl, swiftbar, tools
from llamabar.macos.paths import places, start_words
from llamabar.sources import processes

LONGEST_S = 20.0
TRIAL_S = 6.0
START_S = 5.0
SETTLE_S = 1.5
FIRST_FRAME_S, END_S, LOADS_MIB = 1.0, 0.5, 60
NOWHERE = "org.llamabar.not-there"
NOT_TRIED = (
    "starting a file in quarantine (macOS would show a dialog)",
    "a copy made by Finder, and the header's com.apple.TextEncoding (both need a hand and an eye)",
    "whether kickstart ignores the ThrottleInterval, and whether launchd makes a log's folder (both need a job)",
)
Seen = Tuple[bool, str]  # whether it was as expected, and what was seen
Trials = Dict[Tuple[str, str], Callable[[], Seen]]  # by name and what is expected
SAYS: Tuple[Tuple[str, str, str, str], ...] = (  # name, what is expected, command, pattern for its output
    ("session", "Aqua", "launchctl managername", "Aqua"),
    ("print of Finder", "state running, with a pid", "launchctl print {domain}/com.apple.Finder",
     r"(?s)\tstate = running.*\tpid = \d|\tpid = \d.*\tstate = running"),
    ("print of nothing", "113, Could not find service", "launchctl print {domain}/org.llamabar.not-there",
     "Could not find service"),
    ("print-disabled", "words enabled or disabled (before 13: true, false)", "launchctl print-disabled {domain}",
     r"disabled services = \{\s*(}|\".*\" => (enabled|disabled|true|false)\n)"),
    ("list", "a table PID Status Label", "launchctl list", "PID\tStatus\tLabel"),
    ("error 113", "Could not find specified service", "launchctl error 113", "113"),
    ("error 161", "any text", "launchctl error 161", "161"),
    ("processor", "hw.optional.arm64 told", "sysctl -n hw.optional.arm64", r"^\d+$"),
    ("memory pressure", "1, 2 or 4", "sysctl -n kern.memorystatus_vm_pressure_level", "^[124]$"),
)  # fmt: skip


def run(environment: Mapping[str, str], *, say: Callable[[str], None], config: str = "") -> int:
    """Run every test and report each line at once; return the exit code, 1 if anything was not as expected."""
    private = private_now(environment, option=config, server="")
    gathering, odd = Gathering(LONGEST_S), 0
    with tempfile.TemporaryDirectory(prefix="llamabar-selftest-") as folder:
        anywhere, on_a_mac = _anywhere(environment, Path(folder)), _on_a_mac(environment, Path(folder))
        for (name, expected), trial in {**anywhere, **on_a_mac}.items():
            if (name, expected) in on_a_mac and not launchctl.available():
                say(f"– {name}: does not apply here (no launchctl)")
                continue
            well, seen = _tried(gathering, name, trial)
            odd += not well
            say(redacted(f"{'✓' if well else '?'} {name}: expected {expected}; seen {seen}", private))
    say(f"{odd} not as expected." if odd else "Everything that could be tried was as expected.")
    for what in NOT_TRIED:
        say(f"- not tried: {what}")
    return 1 if odd else 0


def _tried(gathering: Gathering, name: str, trial: Callable[[], Seen]) -> Seen:
    gathering.begin(name, trial, source=name, limit_s=TRIAL_S)
    try:
        found: Seen = gathering.get(name)
    except Unknown as error:
        return False, f"unknown: {error}"
    return found


def _anywhere(environment: Mapping[str, str], folder: Path) -> Trials:
    start = f"the first frame within a second, clicks taken, an end within half a second, less than {LOADS_MIB} MiB"
    return {
        ("Python", "3.9 or newer"): _python,
        ("bytecode", "a folder of its own (pycache_prefix) with Apple's Python"): _bytecode,
        ("psutil", "its module loads"): _psutil,
        ("start", start): lambda: _start(environment, folder),
    }


def _on_a_mac(environment: Mapping[str, str], folder: Path) -> Trials:
    garbage = folder / f"{NOWHERE}.plist"
    garbage.write_bytes(b"no property list")
    return {
        ("psutil for both processors", "x86_64 arm64, and its signature holds"): _fused,
        ("attribute", "kept through a link and cp"): lambda: _attribute(folder),
        ("SwiftBar", "2.0.1 or newer, with a folder"): lambda: _swiftbar(environment),
        **{(name, expected): partial(_says, words, pattern) for name, expected, words, pattern in SAYS},
        ("bootstrap of no file", "2 or 5"): lambda: _refused(folder / "none.plist", (2, 5)),
        ("bootstrap of no plist", "5 or 109"): lambda: _refused(garbage, (5, 109)),
    }  # fmt: skip


def _says(words: str, pattern: str) -> Seen:
    """Run a program and match its output. Only the first line is shown, since a long output may name anything."""
    said = tools.run(*words.format(domain=launchctl.domain()).split())
    text = (said.out + said.err).strip() or said.words
    return re.search(pattern, text) is not None, f"{text.splitlines()[0][:200]!r} (exit {said.code})"


def _python() -> Seen:
    version = ".".join(map(str, sys.version_info[:3]))
    flags = f"isolated {sys.flags.isolated}, no_site {sys.flags.no_site}"
    return sys.version_info >= (3, 9), f"{version} at {sys.executable} ({os.uname().machine}; {flags})"


def _bytecode() -> Seen:
    apple = "CommandLineTools" in sys.executable or "Xcode" in sys.executable
    return bool(sys.pycache_prefix) or not apple, sys.pycache_prefix or "beside the files"


def _psutil() -> Seen:
    memory, connections = processes.memory_of(os.getpid()), processes.own_connections()
    own = f"own memory {memory >> 20} MiB" if memory is not None else "own memory unknown"
    return memory is not None, f"{processes.library()[0] or 'none'}; {own}, connections {connections}"


def _fused() -> Seen:
    module = next(iter(Path(processes.library()[1]).glob("_psutil_osx*.so")), None)
    if module is None:
        return False, "no module for macOS"
    kinds = tools.run("lipo", "-archs", str(module)).words
    signed = tools.run("codesign", "-v", str(module)).code
    return {"x86_64", "arm64"} <= set(kinds.split()) and signed == 0, f"{kinds}; codesign ends with {signed}"


def _attribute(folder: Path) -> Seen:
    file, link, copied = (folder / name for name in ("file", "link", "copied"))
    file.write_bytes(b"PK\xff")
    trouble = swiftbar.set_attribute(file)
    link.symlink_to(file)
    tools.run("cp", str(file), str(copied))
    kept = {path.name: bool(swiftbar.attribute_of(path)) for path in (link, copied)}
    return not trouble and all(kept.values()), trouble or ", ".join(f"{name} {held}" for name, held in kept.items())


def _swiftbar(environment: Mapping[str, str]) -> Seen:
    found = swiftbar.find_swiftbar(places(environment))
    well = found.installed and found.folder is not None and not found.folder_trouble
    return well, f"{found.version or 'no version'}, running {found.running}, link {found.link}, {found.folder}"


def _refused(plist: Path, codes: Tuple[int, ...]) -> Seen:
    """Try to load a missing or invalid plist. Neither can be loaded: only the refusal matters."""
    said = launchctl.bootstrap(str(plist))
    return said.code in codes, f"exit {said.code}, {said.err.strip()!r}"


def _start(environment: Mapping[str, str], folder: Path) -> Seen:
    """Run the plugin as SwiftBar does, with a data folder of its own."""
    words = [*start_words(environment), "stream"]
    told = {**environment, "SWIFTBAR": "1", "SWIFTBAR_VERSION": "2.1.1", "LLAMABAR_DATA_DIR": str(folder / "data")}
    began_s = time.monotonic()
    with subprocess.Popen(
        words, env=told, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as plugin:
        try:
            assert plugin.stdout is not None and plugin.stdin is not None
            first = plugin.stdout.readline()
            first_s = time.monotonic() - began_s
            time.sleep(SETTLE_S)
            plugin.stdin.write(b"a click that means nothing\n")
            memory_mib = (processes.memory_of(plugin.pid) or 0) >> 20
            lives, ended_s = plugin.poll() is None, time.monotonic()
            plugin.send_signal(signal.SIGTERM)
            plugin.wait(START_S)
            end_s = time.monotonic() - ended_s
        finally:
            plugin.kill()
    well = bool(first) and first_s < FIRST_FRAME_S and lives and end_s < END_S and memory_mib < LOADS_MIB
    times = f"first frame after {first_s * 1000:.0f} ms, lives {lives}, end {end_s * 1000:.0f} ms"
    return well, f"{times}, {memory_mib} MiB"
