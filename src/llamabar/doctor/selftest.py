"""`doctor --selftest`: what only a Mac can tell, tried without changing anything, to be pasted back.

Each line says what was expected and what was seen. Nothing outside a temporary folder is written, and no job is loaded.
Source of what is expected: shared facts on packaging, section 9, and on launchd, section 12.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, List, Mapping, NamedTuple, Tuple

from llamabar.doctor.checks.redact import redacted
from llamabar.doctor.collect.gathering import Gathering, Unknown
from llamabar.doctor.report import private_now
from llamabar.macos import launchctl, swiftbar, tools
from llamabar.macos.paths import places
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
Seen = Tuple[bool, str]


class Trial(NamedTuple):
    """One thing to try. `seen` returns whether it was as expected, and what was seen."""

    name: str
    expected: str
    seen: Callable[[], Seen]
    only_mac: bool = True


def run(environment: Mapping[str, str], *, say: Callable[[str], None], config: str = "") -> int:
    """Try everything and say each line as it is known; return the exit code: 1 if anything was not as expected."""
    private = private_now(environment, option=config, server="")
    gathering = Gathering(LONGEST_S)
    mac, odd = launchctl.available(), 0
    with tempfile.TemporaryDirectory(prefix="llamabar-selftest-") as folder:
        for trial in _trials(environment, Path(folder)):
            well, line = _line(trial, gathering, mac=mac)
            odd += not well
            say(redacted(line, private))
    say(f"{odd} not as expected." if odd else "Everything that could be tried was as expected.")
    for what in NOT_TRIED:
        say(f"- not tried: {what}")
    return 1 if odd else 0


def _line(trial: Trial, gathering: Gathering, *, mac: bool) -> Seen:
    if trial.only_mac and not mac:
        return True, f"– {trial.name}: does not apply here (no launchctl)"
    gathering.begin(trial.name, trial.seen, source=trial.name, limit_s=TRIAL_S)
    try:
        well, seen = gathering.get(trial.name)
    except Unknown as error:
        well, seen = False, f"unknown: {error}"
    return well, f"{'✓' if well else '?'} {trial.name}: expected {trial.expected}; seen {seen}"


def _trials(environment: Mapping[str, str], folder: Path) -> List[Trial]:
    return [
        Trial("Python", "3.9 or newer", _python, only_mac=False),
        Trial("bytecode", "a folder of its own (pycache_prefix) with Apple's Python", _bytecode, only_mac=False),
        Trial("psutil", "its module loads", _psutil, only_mac=False),
        Trial("psutil for both processors", "x86_64 arm64, and its signature holds", _fused),
        Trial("attribute", "kept through a link and cp", lambda: _attribute(folder)),
        Trial("SwiftBar", "2.0.1 or newer, with a folder", lambda: _swiftbar(environment)),
        Trial("session", "Aqua", lambda: _launchctl("managername", part="Aqua")),
        Trial("print of Finder", "state running, with a pid", _finder),
        Trial("print of nothing", "113, Could not find service",
              lambda: _launchctl("print", launchctl.target(NOWHERE), part="Could not find service")),
        Trial("print-disabled", "words enabled or disabled (before 13: true, false)", _disabled),
        Trial("list", "a table PID Status Label", lambda: _launchctl("list", part="PID\tStatus\tLabel")),
        Trial("error 113", "Could not find specified service", lambda: _launchctl("error", "113", part="113")),
        Trial("error 161", "any text", lambda: _launchctl("error", "161", part="161")),
        Trial("bootstrap of no file", "2 or 5", lambda: _refused(folder / "none.plist", (2, 5))),
        Trial("bootstrap of no plist", "5 or 109", lambda: _refused(_garbage(folder), (5, 109))),
        Trial("processor", "hw.optional.arm64 told", lambda: _sysctl("hw.optional.arm64")),
        Trial("memory pressure", "1, 2 or 4", lambda: _sysctl("kern.memorystatus_vm_pressure_level")),
        Trial("start", "the first frame within a second, clicks taken, an end within half a second, "
              f"less than {LOADS_MIB} MiB", lambda: _start(environment, folder), only_mac=False),
    ]  # fmt: skip


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


def _launchctl(*words: str, part: str) -> Seen:
    said = tools.run("launchctl", *words)
    text = (said.out + said.err).strip()
    return part in text, f"{text[:200]!r} (exit {said.code})"


def _finder() -> Seen:
    said = tools.run("launchctl", "print", launchctl.target("com.apple.Finder"))
    job = launchctl.parse("com.apple.Finder", said.out)
    well = said.code == 0 and job.running and bool(job.path)
    return well, f"exit {said.code}, state {job.state!r}, pid {job.pid}, runs {job.runs}, path {bool(job.path)}"


def _disabled() -> Seen:
    said = tools.run("launchctl", "print-disabled", launchctl.domain()).out
    words = sorted({line.rpartition("=> ")[2] for line in said.split("\t}", 1)[0].split("\n") if "=>" in line})
    return launchctl.disabled() is not None and set(words) <= {"enabled", "disabled", "true", "false"}, f"{words}"


def _refused(plist: Path, codes: Tuple[int, ...]) -> Seen:
    """Nothing can be loaded from what is not there or no property list: only the refusal is looked at."""
    said = launchctl.bootstrap(str(plist))
    return said.code in codes, f"exit {said.code}, {said.err.strip()!r}"


def _garbage(folder: Path) -> Path:
    path = folder / f"{NOWHERE}.plist"
    path.write_bytes(b"no property list")
    return path


def _sysctl(name: str) -> Seen:
    said = tools.run("sysctl", "-n", name)
    return said.code == 0 and said.out.strip().isdigit(), said.words


def _start(environment: Mapping[str, str], folder: Path) -> Seen:
    """Run the plugin as SwiftBar does, its data in a folder of its own."""
    file = environment.get("LLAMABAR_FILE", "")
    words = [file, "stream"] if file else [sys.executable, "-m", "llamabar", "stream"]
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
