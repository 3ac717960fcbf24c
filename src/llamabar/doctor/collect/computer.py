"""SwiftBar, the processes, the package managers, and the computer itself."""

import os
import re
import shutil
from typing import Mapping, Sequence

from llamabar.core.address import is_local, port_of
from llamabar.core.fields import whole
from llamabar.core.mac import Agent, Running, SwiftBar
from llamabar.doctor.checks import facts
from llamabar.doctor.collect.gathering import Unknown
from llamabar.macos import binaries, tools
from llamabar.macos.agents import flag
from llamabar.macos.paths import Places
from llamabar.macos.swiftbar import find_swiftbar
from llamabar.sources import processes as table

MODEL_SERVER = "llama-server"
FIRST_MODEL_PORT, LAST_MODEL_PORT = 5800, 5999
BREW_FOLDERS = "/opt/homebrew/bin:/usr/local/bin"


def swiftbar(found: Places) -> SwiftBar:
    """Return SwiftBar, its folder and our plugin; raise Unknown if its settings can't be read."""
    seen = find_swiftbar(found)
    if seen.trouble:
        raise Unknown(seen.trouble)
    return seen


def processes(url: str) -> facts.Processes:
    """Return the process that holds a server's port, every running llama-swap, and model servers left behind."""
    port = port_of(url)
    holder = table.holder(port) if port is not None and is_local(url) else None
    return facts.Processes(
        url=url,
        holder=facts.Process(*holder) if holder is not None else None,
        llama_swaps=tuple(table.running()),
        orphans=tuple(pid for pid, words in table.left_behind(MODEL_SERVER) if _has_model_port(words)),
    )


def packages(
    environment: Mapping[str, str], found: Places, agents: Sequence[Agent], running: Sequence[Running]
) -> facts.Packages:
    """Return whether Homebrew is here, and which llama-swap is in use: a running one, a service's, else any."""
    named = (*(one.program for one in running), *(agent.arguments[0] for agent in agents))
    there = (one for one in named if os.path.isabs(one) and os.path.isfile(one))
    program = next(there, None) or next(binaries.find_programs(found.home, environment), "")
    brew = shutil.which("brew") or shutil.which("brew", path=BREW_FOLDERS)
    return facts.Packages(bool(brew), program, binaries.origin_of(program) if program else "")


def computer(environment: Mapping[str, str]) -> facts.Computer:
    """Return this computer's memory and macOS version; None or "" for what its tools don't tell."""
    total_bytes, available_bytes = table.memory()
    version = tools.run("sw_vers", "-productVersion").out.strip()
    pressure = tools.run("sysctl", "-n", "kern.memorystatus_vm_pressure_level")
    return facts.Computer(
        macos=version if re.fullmatch(r"[0-9][0-9.]*", version) else "",
        exempt="SSH_CONNECTION" in environment or environment.get("TERM_PROGRAM") == "Apple_Terminal",
        memory_total_bytes=total_bytes,
        memory_available_bytes=available_bytes,
        pressure=whole(pressure.out.strip()) if pressure.code == 0 else None,
    )


def _has_model_port(words: Sequence[str]) -> bool:
    """Tell whether a model server uses a port that llama-swap assigns."""
    port = whole(flag(words, "port"))
    return port is not None and FIRST_MODEL_PORT <= port <= LAST_MODEL_PORT
