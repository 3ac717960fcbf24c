"""SwiftBar, launchd, the processes, and the computer itself."""

import fnmatch
import os
import re
import sys
from pathlib import Path
from typing import Iterator, List, Mapping, Optional

from llamabar.core.address import is_local, port_of
from llamabar.doctor.checks import facts
from llamabar.doctor.collect.gathering import Unknown
from llamabar.macos import launchctl, tools
from llamabar.macos import swiftbar as bar
from llamabar.macos.agents import listen_of
from llamabar.macos.paths import PLUGIN, Places
from llamabar.sources import processes as table

FILES_COUNTED = 500
MODEL_SERVER = "llama-server"
FIRST_MODEL_PORT, LAST_MODEL_PORT = 5800, 5999
_SLEEP = re.compile(r"^\s*sleep\s+(\d+)", re.MULTILINE)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def python() -> str:
    """Return the Python that runs this."""
    return sys.executable or "python3"


def swiftbar(found: Places) -> facts.SwiftBar:
    """Return SwiftBar, its folder and our plugin; raise Unknown where its settings could not be read."""
    seen = bar.find_swiftbar(found)
    if seen.trouble:
        raise Unknown(seen.trouble)
    numbers = bar.version_numbers(seen.version)
    attribute = bar.attribute_of(found.program)
    folder = seen.folder
    return facts.SwiftBar(
        seen.installed,
        seen.version,
        bar.is_too_old(seen.version),
        not numbers or numbers >= bar.FIRST_WITH_CLICKS,
        seen.running,
        str(folder) if folder is not None else "",
        seen.folder_trouble,
        seen.link,
        str(folder / PLUGIN) if folder is not None else "",
        seen.disabled,
        folder is not None and _is_ignored(folder),
        tuple(map(str, seen.copies)),
        tuple(map(str, seen.rust_plugins)),
        sum(1 for _ in _plugins(folder)) if folder is not None else 0,
        attribute,
        attribute == bar.attribute_value(),
        folder is not None and bar.holds(folder, found.cache),
    )


def launchd() -> facts.Launchd:
    """Return whether launchd answers, and whether this user is logged in at the screen."""
    gui = launchctl.has_gui()
    return facts.Launchd("launchctl gave no answer" if gui is None else "", gui)


def processes(url: str) -> facts.Processes:
    """Return who holds the port of a server on this computer, its fellows, and model servers left behind."""
    port = port_of(url)
    holder = table.holder(port) if port is not None and is_local(url) else None
    return facts.Processes(
        url,
        facts.Process(*holder) if holder is not None else None,
        tuple(facts.Process(one.pid, os.path.basename(one.program)) for one in table.running(listen_of)),
        tuple(_left_behind()),
    )


def computer() -> facts.Mac:
    """Return memory, sleep and system of this computer; what its tools do not tell is None."""
    import psutil

    memory = psutil.virtual_memory()
    sleep = _SLEEP.search(tools.run("pmset", "-g").out)
    version = tools.run("sw_vers", "-productVersion").out.strip()
    return facts.Mac(
        version if re.fullmatch(r"[0-9][0-9.]*", version) else "",
        memory.total,
        memory.available,
        _sysctl("kern.memorystatus_vm_pressure_level"),
        _flag(_sysctl("sysctl.proc_translated")),
        int(sleep.group(1)) if sleep else None,
    )


def surroundings(environment: Mapping[str, str]) -> facts.Surroundings:
    """Return the proxies that the environment names, and whether they spare this computer."""
    spared = environment.get("NO_PROXY", "") + "," + environment.get("no_proxy", "")
    spares = any(name in spared for name in ("localhost", "127.0.0.1", "*"))
    return facts.Surroundings(tuple(name for name in _PROXIES if environment.get(name)), spares)


def is_apple_silicon() -> bool:
    """Tell whether this is a Mac with Apple silicon."""
    return _sysctl("hw.optional.arm64") == 1


def _sysctl(name: str) -> Optional[int]:
    said = tools.run("sysctl", "-n", name)
    text = said.out.strip()
    return int(text) if said.code == 0 and text.isdigit() else None


def _flag(value: Optional[int]) -> Optional[bool]:
    return None if value is None else value == 1


def _is_ignored(folder: Path) -> bool:
    try:
        lines = (folder / ".swiftbarignore").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(fnmatch.fnmatchcase(PLUGIN, line.strip()) for line in lines if not line.strip().startswith("#"))


def _plugins(folder: Path) -> Iterator[str]:
    """Yield the files that SwiftBar takes for plugins, at most FILES_COUNTED."""
    found: List[str] = []
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [name for name in names if not name.startswith(".") and not name.endswith(".json")]
        if len(found) >= FILES_COUNTED:
            break
    yield from found[:FILES_COUNTED]


def _left_behind() -> Iterator[facts.Process]:
    """Yield model servers whose llama-swap is gone: children of launchd, on a port that llama-swap gives out."""
    import psutil

    for process in psutil.process_iter(["name", "uids", "ppid", "cmdline"]):
        uids, words = process.info["uids"], process.info["cmdline"] or []
        if process.info["ppid"] != 1 or uids is None or uids.real != os.getuid():
            continue
        if any(os.path.basename(word) == MODEL_SERVER for word in words[:2]) and _has_model_port(words):
            yield facts.Process(process.pid, MODEL_SERVER)


def _has_model_port(words: List[str]) -> bool:
    after = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--port"]
    ports = after + [word[len("--port=") :] for word in words if word.startswith("--port=")]
    return any(port.isdigit() and FIRST_MODEL_PORT <= int(port) <= LAST_MODEL_PORT for port in ports)
