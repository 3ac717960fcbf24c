"""All facts about this computer, within five seconds whatever hangs."""

import os
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple

from llamabar.core.events import Fault
from llamabar.doctor.checks.facts import Facts, Server, Service
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
from llamabar.sources import clock

LONGEST_S = 4.3
SETTINGS_S = 1.5
REACH_S = 4.0
IN_FORCE, WATCHED = "in force", "watched"  # no facts themselves: others are found by them
EVERYTHING: FrozenSet[str] = frozenset({
    "program", "cache", "data", "settings", "swiftbar", "launchd", "agents", "service", "binary", "job", "background",
    "servers", "processes", "computer", "watcher", "surroundings",
})  # fmt: skip
OF_A_SILENT_SERVER: FrozenSet[str] = frozenset({
    "program", "settings", "launchd", "agents", "service", "binary", "job", "background", "servers", "processes",
    "computer",
})  # fmt: skip
NO_MAC = "this is not a Mac (launchctl was not found)"


def collect(
    environment: Mapping[str, str],
    *,
    option: str = "",
    server: str = "",
    wanted: FrozenSet[str] = EVERYTHING,
    settings: Optional[Settings] = None,
    fault: Optional[Fault] = None,
    longest_s: float = LONGEST_S,
) -> Facts:
    """Return the facts; raise LlamabarError for an option that cannot be followed.

    `settings` are those in force, and `fault` is why their one server does not answer, if that is known already.
    """
    gathering = Gathering(longest_s)
    found = places({**environment, **({"LLAMABAR_CONFIG": option} if option else {})})
    loaded = partial(discover.settings, environment, option=option, server=server)
    _Sources(gathering, environment, found, fault).begin(wanted, loaded if settings is None else lambda: settings)
    return _joined(gathering, environment, wanted)


def command(environment: Mapping[str, str]) -> str:
    """Return how this program is called, ready for a shell."""
    file = environment.get("LLAMABAR_FILE", "")
    if file:
        return quoted(os.path.abspath(file))
    return f"{quoted(computer.python())} -m llamabar"


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
            "binary": ("llama-swap's program", lambda: service.asked(self._service(), self._private())),
            "job": ("launchd", lambda: service.in_launchd(self._service())),
            "background": (
                "macOS's list of background items", lambda: background_items.background(self._service().agent.label),
            ),
            "servers": ("llama-swap", self._servers),
            "processes": ("the list of processes", lambda: computer.processes(self._url())),
            "computer": ("this computer", computer.computer),
            "watcher": ("the plugin's state file", lambda: disk.watcher(found)),
            "surroundings": ("the environment", lambda: computer.surroundings(environment)),
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

    def _url(self) -> str:
        """Return the address of the service, else of the first server."""
        try:
            return self._service().server.url
        except Unknown:
            return self._in_force().servers[0].url


def _joined(gathering: Gathering, environment: Mapping[str, str], wanted: FrozenSet[str]) -> Facts:
    known: Dict[str, Any] = {}
    troubles = dict.fromkeys(EVERYTHING - wanted, "it was not asked for")
    for name in gathering.names():
        try:
            known[name] = gathering.get(name)
        except Unknown as error:
            troubles[name] = str(error)
        except LlamabarError as error:
            if name == IN_FORCE:
                raise
            troubles[name] = error.message
    for name in (IN_FORCE, WATCHED):
        known.pop(name, None)
        troubles.pop(name, None)
    job, said = known.pop("job", None), known.pop("binary", None)
    listed: Optional[agents.FoundAgents] = known.pop("agents", None)
    facts = Facts(
        command(environment), os.getuid(), now_s=clock.unix_s(), troubles=troubles, sources=gathering.sources,
        agents=listed.facts if listed is not None else Facts().agents,
        mac=known.pop("computer", Facts().mac), **known,
    )  # fmt: skip
    return _with_marks(replace(facts, service=_with_answers(facts.service, job, said)))


def _with_answers(found: Service, job: Optional[service.Loaded], said: Optional[service.Asked]) -> Service:
    found = service.with_job(found, job) if job is not None else found
    return service.with_answer(found, said) if said is not None else found


def _with_marks(facts: Facts) -> Facts:
    """Return the facts with the troubles that follow from the others."""
    troubles = dict(facts.troubles)
    if not launchctl.available():
        troubles["mac"] = NO_MAC
    if not facts.trouble("servers") and all(server.fault for server in facts.servers):
        troubles["reachable"] = "llama-swap is not reachable"
    return replace(facts, troubles=troubles)
