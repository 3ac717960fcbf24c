"""SwiftBar, launchd, the processes, what installs programs, and the computer itself."""

import fnmatch
import os
import re
import shutil
from pathlib import Path
from typing import Iterator, Mapping, Optional, Sequence

from llamabar.core.address import is_local, port_of
from llamabar.doctor.checks import facts
from llamabar.doctor.collect.gathering import Unknown, same
from llamabar.macos import binaries, files, launchctl, tools
from llamabar.macos import swiftbar as bar
from llamabar.macos.agents import Agent
from llamabar.macos.launchctl import whole
from llamabar.macos.paths import PLUGIN, Places
from llamabar.sources import processes as table

MODEL_SERVER = "llama-server"
FIRST_MODEL_PORT, LAST_MODEL_PORT = 5800, 5999
BREW_FOLDERS = ("/opt/homebrew/bin", "/usr/local/bin")


def swiftbar(found: Places) -> facts.SwiftBar:
    """Return SwiftBar, its folder and our plugin; raise Unknown where its settings could not be read."""
    seen = bar.find_swiftbar(found)
    if seen.trouble:
        raise Unknown(seen.trouble)
    numbers = bar.version_numbers(seen.version)
    attribute, folder = bar.attribute_of(found.program), seen.folder
    return facts.SwiftBar(
        too_old=bar.is_too_old(seen.version),
        has_stdin=not numbers or numbers >= bar.FIRST_WITH_CLICKS,
        plugin=str(folder / PLUGIN) if folder is not None else "",
        ignored=folder is not None and _is_ignored(folder),
        attribute=attribute,
        attribute_right=attribute == bar.attribute_value(),
        cache_inside=folder is not None and bar.holds(folder, found.cache),
        **{
            **same(seen, facts.SwiftBar),
            "folder": str(folder or ""),
            "copies": tuple(map(str, seen.copies)),
            "rust_plugins": tuple(map(str, seen.rust_plugins)),
        },
    )


def launchd() -> facts.Launchd:
    """Return whether launchd answers, and whether this user is logged in at the screen."""
    gui = launchctl.has_gui()
    return facts.Launchd(gui is not None, gui)


def processes(url: str) -> facts.Processes:
    """Return who holds the port of a server on this computer, its fellows, and model servers left behind."""
    port = port_of(url)
    holder = table.holder(port) if port is not None and is_local(url) else None
    running = table.running()
    orphans = (pid for pid, words in table.left_behind(MODEL_SERVER) if _has_model_port(words))
    return facts.Processes(
        url=url,
        holder=facts.Process(*holder) if holder is not None else None,
        llama_swaps=tuple(facts.Process(one.pid, os.path.basename(one.program), one.program) for one in running),
        orphans=tuple(facts.Process(pid, MODEL_SERVER) for pid in orphans),
    )


def packages(
    environment: Mapping[str, str], found: Places, agents: Sequence[Agent], running: Sequence[facts.Process]
) -> facts.Packages:
    """Return whether there is Homebrew, and which llama-swap is meant: the running one, the service's, any other."""
    named = [one.program for one in running if os.path.isabs(one.program)]
    named += [agent.arguments[0] for agent in agents if os.path.isfile(agent.arguments[0])]
    program = next(iter(named), None) or next(binaries.find_programs(found.home, environment), "")
    brew = shutil.which("brew") or any(os.access(f"{folder}/brew", os.X_OK) for folder in BREW_FOLDERS)
    return facts.Packages(bool(brew), program, binaries.origin_of(program) if program else "")


def computer() -> facts.Mac:
    """Return memory and system of this computer; what its tools do not tell is None."""
    total_bytes, available_bytes = table.memory()
    version = tools.run("sw_vers", "-productVersion").out.strip()
    translated = _sysctl("sysctl.proc_translated")
    return facts.Mac(
        macos=version if re.fullmatch(r"[0-9][0-9.]*", version) else "",
        memory_total_bytes=total_bytes,
        memory_available_bytes=available_bytes,
        pressure=_sysctl("kern.memorystatus_vm_pressure_level"),
        translated=None if translated is None else translated == 1,
    )


def is_apple_silicon() -> bool:
    """Tell whether this is a Mac with Apple silicon."""
    return _sysctl("hw.optional.arm64") == 1


def _sysctl(name: str) -> Optional[int]:
    said = tools.run("sysctl", "-n", name)
    text = said.out.strip()
    return whole(text) if said.code == 0 else None


def _is_ignored(folder: Path) -> bool:
    lines = (files.read(folder / ".swiftbarignore") or b"").decode("utf-8", "replace").splitlines()
    return any(fnmatch.fnmatchcase(PLUGIN, line.strip()) for line in lines if not line.strip().startswith("#"))


def _has_model_port(words: Sequence[str]) -> bool:
    """Tell whether a model server uses a port that llama-swap gives out."""
    return any(FIRST_MODEL_PORT <= (whole(port) or 0) <= LAST_MODEL_PORT for port in _ports(words))


def _ports(words: Sequence[str]) -> Iterator[str]:
    for word, after in zip(words, [*words[1:], ""]):
        if word == "--port":
            yield after
        elif word.startswith("--port="):
            yield word[len("--port=") :]
