"""All facts about this computer, within five seconds whatever hangs."""

import os
import shutil
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple

from llamabar.core.events import Fault
from llamabar.doctor.checks.facts import Facts, Packages, Server
from llamabar.doctor.checks.finding import quoted
from llamabar.doctor.checks.redact import Private
from llamabar.doctor.collect import agents, background_items, computer, disk, servers, service
from llamabar.doctor.collect.gathering import Gathering, Unknown
from llamabar.doctor.collect.private import private_of
from llamabar.errors import LlamabarError
from llamabar.macos import launchctl
from llamabar.macos.paths import Places, places
from llamabar.settings import discover
from llamabar.settings.load import Settings
from llamabar.sources.processes import failures

LONGEST_S = 4.3
SETTINGS_S = 1.5
REACH_S = 4.0
IN_FORCE, WATCHED = "in force", "watched"  # not facts themselves: others are found by them
OF_A_SILENT_SERVER: FrozenSet[str] = frozenset({  # nothing that starts llama-swap: watching never does
    "program", "settings", "launchd", "agents", "service", "job", "background", "servers", "processes", "packages",
    "computer",
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
    """Return the facts; raise LlamabarError for an option that cannot be followed.

    `settings` are those in force, and `fault` is why their one server does not answer, if that is known already.
    """
    gathering = Gathering(LONGEST_S)
    found = places({**environment, **({"LLAMABAR_CONFIG": option} if option else {})})
    loaded = partial(discover.settings, environment, option=option, server=server)
    _Sources(gathering, environment, found, fault).begin(wanted, loaded if settings is None else lambda: settings)
    return _joined(gathering, environment, str(found.home), wanted)


def command(environment: Mapping[str, str], home: str) -> str:
    """Return how this program is called, ready for a shell: its file's path only where no `llamabar` is on PATH."""
    if shutil.which("llamabar", path=environment.get("PATH")):
        return "llamabar"
    file = environment.get("LLAMABAR_FILE", "")
    return quoted(os.path.abspath(file), home) if file else f"{quoted(sys.executable or 'python3', home)} -m llamabar"


@dataclass(frozen=True)
class _Sources:
    """Each fact with its source and how it is found out; some wait for others."""

    gathering: Gathering
    environment: Mapping[str, str]
    places: Places
    fault: Optional[Fault]

    def begin(self, wanted: FrozenSet[str], settings: Callable[[], Settings]) -> None:
        """Start to find out what is wanted."""
        self.gathering.begin(IN_FORCE, settings, source="the settings", limit_s=SETTINGS_S)
        for name, (source, work) in self._works().items():
            if name in wanted or name == WATCHED:
                self.gathering.begin(name, work, source=source, limit_s=REACH_S)

    def _works(self) -> Dict[str, Tuple[str, Callable[[], Any]]]:
        environment, found = self.environment, self.places
        return {
            "program": ("this program", lambda: disk.program(environment, found)),
            "cache": ("the unpacked program", lambda: disk.cache(environment, found)),
            "data": ("the data folder", lambda: disk.data(found)),
            "settings": ("the settings", lambda: disk.settings(found, self._in_force())),
            "swiftbar": ("SwiftBar", lambda: computer.swiftbar(found)),
            "launchd": ("launchd", computer.launchd),
            "agents": ("the LaunchAgents folder", lambda: agents.agents(found)),
            WATCHED: ("the LaunchAgents", self._watched),
            "service": ("the LaunchAgent", lambda: service.on_disk(self._service(), found, self._private())),
            "binary": ("llama-swap's program", lambda: service.in_program(self._service(), self._private())),
            "job": ("launchd", lambda: service.in_launchd(self._service())),
            "background": (
                "macOS's list of background items", lambda: background_items.background(self._service().agent.label),
            ),
            "servers": ("llama-swap", self._servers),
            "processes": ("the list of processes", lambda: computer.processes(self._url())),
            "packages": ("the programs on this Mac", self._packages),
            "computer": ("this computer", computer.computer),
            "watcher": ("the plugin's state file", lambda: disk.watcher(found)),
        }

    def _in_force(self) -> Settings:
        found: Settings = self.gathering.get(IN_FORCE)
        return found

    def _private(self) -> Private:
        return private_of(self.environment, self._in_force())

    def _servers(self) -> Tuple[Server, ...]:
        if self.fault is not None:
            return (servers.silent(self._in_force().servers[0], self.fault),)
        return servers.servers(self._in_force(), self._private())

    def _watched(self) -> agents.Watched:
        return agents.watched(self._in_force().servers, self.gathering.get("agents"))

    def _service(self) -> agents.Watched:
        found: agents.Watched = self.gathering.get(WATCHED)
        return found

    def _packages(self) -> Packages:
        listed, table = self.gathering.get("agents").agents, self.gathering.get("processes")
        return computer.packages(self.environment, self.places, listed, table.llama_swaps)

    def _url(self) -> str:
        """Return the address of the service, else of the first server."""
        try:
            return self._service().server.url
        except Unknown:
            return self._in_force().servers[0].url


def _joined(gathering: Gathering, environment: Mapping[str, str], home: str, wanted: FrozenSet[str]) -> Facts:
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
    more = {**known.pop("job", {}), **known.pop("binary", {})}
    known["agents"] = known["agents"].facts if "agents" in known else Facts().agents
    known["mac"] = known.pop("computer", Facts().mac)
    known["service"] = replace(known.get("service", Facts().service), **more)
    if "processes" in known:  # the others have read their figures by now as well
        unread = tuple(f"{what} ({error})" for what, error in sorted(failures.items()))
        known["processes"] = replace(known["processes"], unreadable=unread)
    return Facts(command(environment, home), home, os.getuid(), troubles=troubles, sources=gathering.sources, **known)
