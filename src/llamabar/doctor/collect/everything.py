"""Collects all facts about this computer, within five seconds whatever hangs."""

import os
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple

from llamabar.core.events import Fault
from llamabar.doctor.checks.facts import Facts, Processes, Server
from llamabar.doctor.checks.redact import Private
from llamabar.doctor.collect import computer, disk, servers, service
from llamabar.doctor.collect.gathering import Gathering, Unknown
from llamabar.doctor.collect.private import private_of
from llamabar.errors import LlamabarError
from llamabar.macos import launchctl
from llamabar.macos.paths import Places, command_name, places
from llamabar.settings import discover
from llamabar.settings.load import Settings
from llamabar.sources.processes import failures

LONGEST_S = 4.3
SETTINGS_S = 1.5
REACH_S = 4.0
IN_FORCE, WATCHED = "in force", "watched"  # not facts themselves: other facts depend on them
OF_A_SILENT_SERVER: FrozenSet[str] = frozenset({  # nothing that starts llama-swap: watching never does
    "program", "settings", "logged_in", "agents", "service", "job", "servers", "processes", "packages", "computer",
})  # fmt: skip
EVERYTHING = OF_A_SILENT_SERVER | {"cache", "data", "swiftbar", "binary", "watcher"}
NO_MAC = "this isn't a Mac (no launchctl)"
NOT_ASKED = "not asked for"


def collect(
    environment: Mapping[str, str],
    *,
    option: str = "",
    server: str = "",
    wanted: FrozenSet[str] = EVERYTHING,
    settings: Optional[Settings] = None,
    fault: Optional[Fault] = None,
) -> Facts:
    """Return the facts; raise LlamabarError for an option that can't be used.

    `settings` are the effective ones, and `fault` is why their one server doesn't answer, if that is already known.
    """
    gathering = Gathering(LONGEST_S)
    found = places(environment, option=option)
    loaded = partial(discover.settings, environment, option=option, server=server)
    gathering.begin(IN_FORCE, (lambda: settings) if settings else loaded, source="the settings", limit_s=SETTINGS_S)
    for name, (source, work) in _sources(gathering, environment, found, fault).items():
        if name in wanted or name == WATCHED:
            gathering.begin(name, work, source=source, limit_s=REACH_S)
    return _joined(gathering, str(found.home), wanted)


def _sources(
    gathering: Gathering, environment: Mapping[str, str], found: Places, fault: Optional[Fault]
) -> Dict[str, Tuple[str, Callable[[], Any]]]:
    """Return each fact's source, and the function that collects it. Some wait for others."""
    get = gathering.get

    def private() -> Private:
        """Return what is private, according to the settings."""
        return private_of(environment, get(IN_FORCE))

    def answering() -> Tuple[Server, ...]:
        """Return the servers' answers. If the fault is known, the server isn't queried."""
        in_force = get(IN_FORCE)
        return servers.servers(in_force, private()) if fault is None else (servers.silent(in_force.servers[0], fault),)

    def port_holder() -> Processes:
        """Return the processes around the port of the service, else of the first server."""
        try:
            return computer.processes(get(WATCHED).server.url)
        except Unknown:
            return computer.processes(get(IN_FORCE).servers[0].url)

    return {
        "program": ("this program", lambda: disk.program(environment, found)),
        "cache": ("the unpacked program", lambda: disk.cache(environment, found)),
        "data": ("the data folder", lambda: disk.data(found)),
        "settings": ("the settings", lambda: disk.settings(found, get(IN_FORCE))),
        "swiftbar": ("SwiftBar", lambda: computer.swiftbar(found)),
        "logged_in": ("logged_in", launchctl.has_gui),
        "agents": ("the LaunchAgents folder", lambda: service.all_agents(found)),
        WATCHED: ("the LaunchAgents", lambda: service.watched(get(IN_FORCE).servers, get("agents"))),
        "service": ("the LaunchAgent", lambda: service.on_disk(get(WATCHED), private())),
        "binary": ("llama-swap's program", lambda: service.in_program(get(WATCHED), private())),
        "job": ("logged_in", lambda: service.in_launchd(get(WATCHED))),
        "servers": ("llama-swap", answering),
        "processes": ("the list of processes", port_holder),
        "packages": ("the programs on this Mac", lambda: computer.packages(
            environment, found, get("agents").found, get("processes").llama_swaps)),
        "computer": ("this computer", lambda: computer.computer(environment)),
        "watcher": ("the plugin's state file", lambda: disk.watcher(found)),
    }  # fmt: skip


def _joined(gathering: Gathering, home: str, wanted: FrozenSet[str]) -> Facts:
    known: Dict[str, Any] = {}
    troubles = dict.fromkeys(EVERYTHING - wanted, NOT_ASKED)
    for name in gathering.names():
        try:
            known[name] = gathering.get(name)
        except Unknown as error:
            troubles[name] = str(error)
        except LlamabarError as error:
            if name == IN_FORCE:
                raise
            troubles[name] = error.message
    if not launchctl.available():
        troubles["mac"] = NO_MAC
    if "servers" in known and all(server.fault for server in known["servers"]):
        troubles["reachable"] = "llama-swap isn't reachable"
    for name in (IN_FORCE, WATCHED):
        known.pop(name, None)
        troubles.pop(name, None)
    if "processes" in known:  # by now the other sources have read their figures too
        unread = tuple(f"{what} ({error})" for what, error in sorted(failures.items()))
        known["processes"] = replace(known["processes"], unreadable=unread)
    return Facts(command_name(), home, os.getuid(), troubles=troubles, sources=gathering.sources, **known)
