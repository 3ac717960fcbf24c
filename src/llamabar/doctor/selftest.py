"""`doctor --selftest`: what only a Mac can tell, tried without changing anything, to be pasted back.

Each line says what was expected and what was seen. Nothing outside a temporary folder is written, and no job is loaded.
Source of what is expected: shared facts on packaging, section 9, and on launchd, section 12.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, List, Mapping, NamedTuple, Tuple

from llamabar.doctor.checks.redact import redacted
from llamabar.doctor.collect import background_items
from llamabar.doctor.collect.gathering import Gathering, Unknown
from llamabar.doctor.report import private_now
from llamabar.macos import launchctl, swiftbar, tools
from llamabar.macos.paths import OWN_LABEL, places

LONGEST_S = 20.0
TRIAL_S = 6.0
START_S = 5.0
SETTLE_S = 1.5
LOADS_MIB = 60
NOWHERE = "org.llamabar.not-there"


class Trial(NamedTuple):
    """One thing to try. `seen` returns whether it was as expected, and what was seen."""

    name: str
    expected: str
    seen: Callable[[], Tuple[bool, str]]
    only_mac: bool = True
    may_fail: bool = False  # not to be found out is as good


def run(environment: Mapping[str, str], *, say: Callable[[str], None], config: str = "") -> int:
    """Try everything and say each line as it is known; return the exit code: 1 if anything was not as expected."""
    private = private_now(environment, option=config, server="")
    gathering = Gathering(LONGEST_S)
    mac, odd = launchctl.available(), 0
    with tempfile.TemporaryDirectory(prefix="llamabar-selftest-") as folder:
        for trial in _trials(environment, Path(folder)):
            line, well = _line(trial, gathering, mac=mac)
            odd += not well
            say(redacted(line, private))
    say(f"{odd} not as expected." if odd else "Everything that could be tried was as expected.")
    for what in NOT_TRIED:
        say(f"- not tried: {what}")
    return 1 if odd else 0


NOT_TRIED = (
    "starting a file in quarantine (macOS would show a dialog)",
    "a copy made by Finder, and the header's com.apple.TextEncoding (both need a hand and an eye)",
    "whether kickstart jumps the ThrottleInterval, and whether launchd makes a log's folder (both need a job)",
)


def _line(trial: Trial, gathering: Gathering, *, mac: bool) -> "tuple[str, bool]":
    if trial.only_mac and not mac:
        return f"– {trial.name}: does not apply here (no launchctl)", True
    gathering.begin(trial.name, trial.seen, source=trial.name, limit_s=TRIAL_S)
    try:
        well, seen = gathering.get(trial.name)
    except Unknown as error:
        well, seen = trial.may_fail, f"not found out: {error}"
    return f"{'✓' if well else '?'} {trial.name}: expected {trial.expected}; seen {seen}", well


def _trials(environment: Mapping[str, str], folder: Path) -> List[Trial]:
    return [
        Trial("Python", "3.9 or newer", _python, only_mac=False),
        Trial("bytecode", "a folder of its own (pycache_prefix) with Apple's Python", _bytecode, only_mac=False),
        Trial("psutil", "its module loads", _psutil, only_mac=False),
        Trial("psutil for both processors", "x86_64 arm64, and its signature holds", _fused),
        Trial("own connections", "readable without root", _connections, only_mac=False),
        Trial("attribute", "kept through a link and cp", lambda: _attribute(folder)),
        Trial("SwiftBar", "2.0.1 or newer, with a folder", lambda: _swiftbar(environment)),
        Trial("session", "Aqua", lambda: _said(_launchctl("managername"), "Aqua")),
        Trial("print of Finder", "state running, with a pid", _finder),
        Trial("print of nothing", "113, Could not find service", _missing),
        Trial("print-disabled", "words enabled or disabled (before 13: true, false)", _disabled),
        Trial("list", "a table PID Status Label", lambda: _said(_launchctl("list"), "PID\tStatus\tLabel")),
        Trial("error 113", "Could not find specified service", lambda: _said(_launchctl("error", "113"), "113")),
        Trial("error 161", "any text", lambda: _said(_launchctl("error", "161"), "161")),
        Trial("bootstrap of no file", "2 or 5", lambda: _refused(folder / "none.plist", (2, 5))),
        Trial("bootstrap of no plist", "5 or 109", lambda: _refused(_garbage(folder), (5, 109))),
        Trial("disabled store", "readable or not, either will do", _store),
        Trial("background items", "macOS's own list, or why it cannot be read", _background, may_fail=True),
        Trial("processor", "hw.optional.arm64 told", lambda: _sysctl("hw.optional.arm64")),
        Trial("memory pressure", "1, 2 or 4", lambda: _sysctl("kern.memorystatus_vm_pressure_level")),
        Trial("start", "the first frame within a second, clicks taken, an end within half a second, "
              f"less than {LOADS_MIB} MiB", lambda: _start(environment, folder), only_mac=False),
    ]  # fmt: skip


def _python() -> "tuple[bool, str]":
    version = ".".join(map(str, sys.version_info[:3]))
    flags = f"isolated {sys.flags.isolated}, no_site {sys.flags.no_site}"
    return sys.version_info >= (3, 9), f"{version} at {sys.executable} ({os.uname().machine}; {flags})"


def _bytecode() -> "tuple[bool, str]":
    apple = "CommandLineTools" in sys.executable or "Xcode" in sys.executable
    return bool(sys.pycache_prefix) or not apple, sys.pycache_prefix or "beside the files"


def _psutil() -> "tuple[bool, str]":
    import psutil

    full = psutil.Process().memory_full_info()
    return full.rss > 0, f"{psutil.__version__}; own memory {full.rss >> 20} MiB, footprint {full.uss >> 20} MiB"


def _fused() -> "tuple[bool, str]":
    import psutil

    module = next(iter(Path(psutil.__file__).parent.glob("_psutil_osx*.so")), None)
    if module is None:
        return False, "no module for macOS"
    kinds = tools.run("lipo", "-archs", str(module)).words
    signed = tools.run("codesign", "-v", str(module))
    return {"x86_64", "arm64"} <= set(kinds.split()) and signed.code == 0, f"{kinds}; codesign ends with {signed.code}"


def _connections() -> "tuple[bool, str]":
    import psutil

    try:
        return True, f"{len(psutil.Process().net_connections())} of this process"
    except psutil.Error as error:
        return False, type(error).__name__


def _attribute(folder: Path) -> "tuple[bool, str]":
    file, link, copied, python = (folder / name for name in ("file", "link", "copied", "python"))
    file.write_bytes(b"PK\xff")
    trouble = swiftbar.set_attribute(file)
    link.symlink_to(file)
    tools.run("cp", str(file), str(copied))
    shutil.copy2(file, python)
    kept = {
        name: bool(swiftbar.attribute_of(path)) for name, path in (("link", link), ("cp", copied), ("copy2", python))
    }
    return not trouble and kept["link"] and kept["cp"], trouble or ", ".join(f"{name} {kept[name]}" for name in kept)


def _swiftbar(environment: Mapping[str, str]) -> "tuple[bool, str]":
    found = swiftbar.find_swiftbar(places(environment))
    well = found.installed and found.folder is not None and not found.folder_trouble
    return well, f"{found.version or 'no version'}, running {found.running}, link {found.link}, {found.folder}"


def _launchctl(*words: str) -> tools.Output:
    return tools.run("launchctl", *words)


def _said(said: tools.Output, part: str) -> "tuple[bool, str]":
    first = (said.out.strip() or said.words).split("\n")[0]
    return part in said.out, f"{first!r} (exit {said.code})"


def _finder() -> "tuple[bool, str]":
    said = _launchctl("print", launchctl.target("com.apple.Finder"))
    job = launchctl.parse("com.apple.Finder", said.out)
    well = said.code == 0 and job.running and bool(job.path)
    return well, f"exit {said.code}, state {job.state!r}, pid {job.pid}, runs {job.runs}, path {bool(job.path)}"


def _missing() -> "tuple[bool, str]":
    said = _launchctl("print", launchctl.target(NOWHERE))
    words = (said.err + said.out).strip().split("\n")
    return said.code == launchctl.NOT_FOUND and "Could not find service" in words[-1], f"exit {said.code}, {words}"


def _disabled() -> "tuple[bool, str]":
    found = launchctl.disabled()
    said = _launchctl("print-disabled", launchctl.domain()).out
    words = sorted({line.rpartition("=> ")[2] for line in said.split("\t}", 1)[0].split("\n") if "=>" in line})
    return found is not None and set(words) <= {"enabled", "disabled", "true", "false"}, f"{words}"


def _refused(plist: Path, codes: Tuple[int, ...]) -> "tuple[bool, str]":
    """Nothing can be loaded from what is not there or no property list: only the refusal is looked at."""
    said = launchctl.bootstrap(str(plist))
    return said.code in codes, f"exit {said.code}, {said.err.strip()!r}"


def _garbage(folder: Path) -> Path:
    path = folder / f"{NOWHERE}.plist"
    path.write_bytes(b"no property list")
    return path


def _store() -> "tuple[bool, str]":
    path = Path(f"/var/db/com.apple.xpc.launchd/disabled.{os.getuid()}.plist")
    return True, "readable" if os.access(path, os.R_OK) else "there" if path.exists() else "not readable"


def _background() -> "tuple[bool, str]":
    found = background_items.background(OWN_LABEL)
    return True, f"our service switched off {found.off}, managed {found.managed}"


def _sysctl(name: str) -> "tuple[bool, str]":
    said = tools.run("sysctl", "-n", name)
    return said.code == 0 and said.out.strip().isdigit(), said.words


def _start(environment: Mapping[str, str], folder: Path) -> "tuple[bool, str]":
    """Run the plugin as SwiftBar does, its data in a folder of its own."""
    file = environment.get("LLAMABAR_FILE", "")
    words = [file, "stream"] if file else [sys.executable, "-m", "llamabar", "stream"]
    told = {**environment, "SWIFTBAR": "1", "SWIFTBAR_VERSION": "2.1.1", "LLAMABAR_DATA_DIR": str(folder / "data")}
    import psutil

    began_s = time.monotonic()
    plugin = subprocess.Popen(words, env=told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert plugin.stdout is not None and plugin.stdin is not None
        first = plugin.stdout.readline()
        first_s = time.monotonic() - began_s
        time.sleep(SETTLE_S)
        plugin.stdin.write(b"a click that means nothing\n")
        plugin.stdin.flush()
        memory = psutil.Process(plugin.pid).memory_info().rss >> 20
        lives, ended_s = plugin.poll() is None, time.monotonic()
        plugin.send_signal(signal.SIGTERM)
        plugin.wait(START_S)
        end_s = time.monotonic() - ended_s
    finally:
        plugin.kill()
        plugin.wait()
        for pipe in (plugin.stdin, plugin.stdout, plugin.stderr):
            if pipe is not None:
                pipe.close()
    well = bool(first) and first_s < 1.0 and lives and end_s < 0.5 and memory < LOADS_MIB
    return well, f"first frame after {first_s * 1000:.0f} ms, lives {lives}, end {end_s * 1000:.0f} ms, {memory} MiB"
