"""Everything that belongs to the connection with one server: client, threads, processes, service."""

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Callable, FrozenSet, List, Mapping, Optional

from llamabar.app import services
from llamabar.core import events as ev
from llamabar.core.address import is_local
from llamabar.core.backoff import Rediscovery
from llamabar.core.capabilities import Capability
from llamabar.core.decode import version_of
from llamabar.core.queries import Answer, Kind, Query
from llamabar.core.readings import servers_missed, unloads_in_s
from llamabar.core.run import UNPLACED, RunEnded
from llamabar.core.state import READY, Model, Snapshot, at_work, loaded, requests_of
from llamabar.core.status import Cause
from llamabar.settings.discover import client_of
from llamabar.settings.load import ServerSettings
from llamabar.sources import clock, host
from llamabar.sources.call_worker import CallWorker, call_once
from llamabar.sources.client import Client
from llamabar.sources.inbox import Inbox, Moved, ServiceLooked
from llamabar.sources.listening import last_words
from llamabar.sources.processes import Identity, lives
from llamabar.sources.query_answers import NO_VERSION_ROUTE, answer
from llamabar.sources.stream import EventStream
from llamabar.store.known_servers import NO_VERSION, Known, KnownServers

SERVICE_SOON_S = 3.0  # in the first half minute of an outage
SERVICE_EVERY_S = 30.0
OUTAGE_S = 3.0
SLEPT_S = 8.0  # between two checks of a loop that waits for five at most
NEVER_S = math.inf
UNLISTED_EVERY_S, UNLISTED_CPU_RATIO = 10.0, 0.05  # for requests that are not listed; an idle server uses less
COUNTDOWN_S = 60.0
LOOK_EVERY_S = 2.0  # at llama-swap's own connections
HURRIED_S = 0.25  # a tenth of a core is enough to be seen

Rediscover = Callable[[], "Optional[tuple[str, str]]"]
Explain = Callable[[ServerSettings, ev.Fault], Cause]


@dataclass
class Connection:
    """The threads of one server, and what they last checked. Nothing starts before `start`."""

    server: ServerSettings
    inbox: Inbox
    known: Optional[KnownServers] = None
    search: Optional[Rediscovery] = None  # only for a server that no setting names
    measuring: bool = False
    service_looked: bool = False
    looks: int = 0  # how often llama-swap's connections were checked since processes were last looked up
    looked_s: float = 0.0  # when that was last
    hurries: bool = False  # somebody waits for the next two checks
    _looked_for: object = None  # the server's in-flight count at that time
    _found_for: object = None  # the loaded models and their ports when processes were last looked up
    _missed: int = 0  # the model servers that were missed then
    _gone: FrozenSet[str] = frozenset()
    _refreshed_for: object = None  # what was loaded when the stream was last reopened
    _service_seen: object = None  # whether the server was connected when its service was last looked up
    _diagnosed_for: object = None  # the outage whose cause was looked for
    _build: str = ""
    _passing_s: float = field(default_factory=clock.passing_s)
    _process: Optional[Identity] = None  # the process that listens here, if it is a llama-swap
    _recalled: Optional[Known] = None  # what is known about it
    _learned: object = None
    _quit_s: Mapping[str, Optional[float]] = field(default_factory=dict)  # of each model, at the last look-up
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        server = self.server
        self.client = client_of(server)
        self.stream = EventStream(server.name, self.client, self.inbox)
        self.worker = CallWorker(server.name, self.inbox)
        self.quick_worker = CallWorker(server.name, self.inbox)  # slow calls must not delay a heartbeat
        self.processes = host.Processes(server.url) if is_local(server.url) else None

    def start(self) -> None:
        """Start every thread."""
        for thread in (self.stream, self.worker, self.quick_worker):
            thread.start()

    def stop(self) -> None:
        """Close the connection and end every thread; returns at once."""
        for thread in (self.stream, self.worker, self.quick_worker):
            thread.stop()

    def ask(self, query: Query, snapshot: Snapshot) -> None:
        """Send a query; its answer goes to the inbox."""
        worker = self.quick_worker if query.kind in (Kind.SLOTS, Kind.HEALTH) else self.worker
        worker.do(partial(self._answer, query, snapshot), Answer(query, failed=True))

    def _answer(self, query: Query, snapshot: Snapshot) -> Answer:
        """Return the answer. A query still queued when the stream ended isn't sent: another server may listen there
        now."""
        if not self.stream.is_open:
            return Answer(query, failed=True)
        if self.known is None or query.kind not in (Kind.VERSION, Kind.RUNNING):
            return answer(self.client, query)
        if query.kind is Kind.RUNNING:
            return self._recalled_models(query, snapshot) or answer(self.client, query)
        return self._version(self.known, query)

    def _version(self, known: KnownServers, query: Query) -> Answer:
        """Return the version, from the known process if possible, else by query; and what is known about that build."""
        url = self.client.url
        self._process = self.processes.identity() if self.processes is not None else None
        self._recalled = known.of_process(url, self._process) if self._process is not None else None
        if self._recalled is not None:
            self._build = self._recalled.build
            read = ev.VersionRead(version_of(self._build), self._build)
            return Answer(query, (NO_VERSION_ROUTE if self._build == NO_VERSION else read, self._recalled.found))
        found = answer(self.client, query)
        if not found.events:
            return found
        self._build = found.events[0].build if isinstance(found.events[0], ev.VersionRead) else NO_VERSION
        recalled = known.recall(url, self._build)
        return found if recalled is None else found._replace(events=(*found.events, recalled))

    def _recalled_models(self, query: Query, snapshot: Snapshot) -> Optional[Answer]:
        """Return what `/running` reported for the processes of the ready models, if all were ready before this program
        started."""
        known = snapshot.refuted | (self._recalled.refuted if self._recalled is not None else frozenset())
        if Capability.RUNNING_DETAILS in known:
            return Answer(query, (ev.RunningListed(()),))
        ready = [model for model in loaded(snapshot) if model.state == READY]
        if self._recalled is None or any(model.state_since_s is not None for model in ready):
            return None
        alive = {model.id: model for model, process in self._recalled.models if lives(process)}
        if not alive.keys() >= {model.id for model in ready}:
            return None
        return Answer(query, (ev.RunningListed(tuple(alive.values())),))

    def learn(self, snapshot: Snapshot) -> None:
        """Store what was found out about the server for the next time that this version answers here, and look up why a
        model quit."""
        self._look_for_last_words(snapshot)
        found = ev.CapabilitiesFound(snapshot.confirmed, snapshot.refuted)
        served = self.processes.found if self.processes is not None and self._process is not None else {}
        models = tuple(
            (ev.RunningModel(one.id, one.state, one.proxy, one.ttl_s, one.may_sleep), served[one.id])
            for one in loaded(snapshot)
            if one.state == READY and one.running_read and one.id in served
        )
        learned = (found, models, self._build, self._process)
        if self.known is not None and snapshot.connected and learned != self._learned:
            self._learned = learned
            self.known.learn(self.client.url, self._build, found, process=self._process, models=models)

    def _look_for_last_words(self, snapshot: Snapshot) -> None:
        """Search llama-swap's own output once for the reason why a model quit; that takes no request."""
        quit_s = {one.id: one.quit_at_s for one in snapshot.models.values() if one.quit_at_s is not None}
        for model_id in [one for one, at_s in quit_s.items() if at_s != self._quit_s.get(one)]:
            if self._process is not None:
                call_once(self.server.name, self.inbox, partial(_last_words, self._process.pid, model_id))
        self._quit_s = quit_s

    def move(self, url: str) -> None:
        """Watch the server at another address from now on."""
        self.server = replace(self.server, url=url)
        self.processes = host.Processes(url) if is_local(url) else None
        self.client = self.client.moved(url)
        self.stream.move(self.client)

    def find_processes(self, snapshot: Snapshot, *, now_s: float) -> bool:
        """Look up the processes if the loaded models changed; the result goes to the inbox.

        With `checkEndpoint: none` a model is ready before its server listens, so those not found are looked up again.
        """
        missed_before, self._missed = self._missed, servers_missed(snapshot, now_s=now_s)
        if self.processes is None or (self._found_for == process_key(snapshot) and self._missed <= missed_before):
            return False
        self._found_for, self.measuring = process_key(snapshot), True
        self.looks, self.looked_s = 0, 0.0
        self.worker.do(partial(self.processes.find, snapshot), ev.MemoryMeasured(None, {}, servers={}))
        return True

    def measured(self, event: ev.MemoryMeasured, snapshot: Snapshot) -> ev.MemoryMeasured:
        """Return the measurement, without servers if they were looked up for other loaded models."""
        return event if self._found_for == process_key(snapshot) else event._replace(servers=None)

    def note_gone(self, event: ev.MemoryMeasured, snapshot: Snapshot) -> None:
        """Reopen the stream, once, if a model's processes are gone at two checks: then it isn't loaded, whatever the
        last event said."""
        key = process_key(snapshot)
        gone, self._gone = event.gone & self._gone, event.gone
        if key != self._refreshed_for and gone & {UNPLACED, *(model.id for model in loaded(snapshot))}:
            self._refreshed_for = key
            self.stream.refresh()

    @property
    def misses_a_process(self) -> bool:
        """Tell whether a model's process may have ended and that is to be checked again soon."""
        unsure = bool(self._gone) and self._refreshed_for != self._found_for
        return unsure or (self.processes is not None and self.processes.misses)

    def look(self, snapshot: Snapshot, *, now_s: float) -> Optional[ev.ConnectionsSeen]:
        """Return llama-swap's connections if a check is due, also when its in-flight count changed; None if not."""
        changed = self._looked_for != snapshot.inflight_total
        if self.processes is None or not (changed or now_s >= self.looked_s + self.look_every_s(snapshot, now_s=now_s)):
            return None
        since_s, self.looked_s, self._looked_for = self.looked_s, now_s, snapshot.inflight_total
        self.looks += 1
        least_cpu_s = None if needs_look(snapshot) else UNLISTED_CPU_RATIO * (now_s - since_s)
        seen = self.processes.connections(least_cpu_s=least_cpu_s)
        return None if seen is None else seen._replace(since_s=since_s)

    def look_every_s(self, snapshot: Snapshot, *, now_s: float) -> float:
        """Return how often to check llama-swap's connections; infinity if they tell nothing."""
        every_s = look_every_s(snapshot, now_s=now_s)
        return HURRIED_S if self.hurries and every_s < NEVER_S else every_s

    def lacks_a_look(self, snapshot: Snapshot, *, now_s: float) -> bool:
        """Tell whether another check may show a model at work: the first shows connections, the second CPU time."""
        if self.processes is None or self.look_every_s(snapshot, now_s=now_s) == NEVER_S:
            return False
        untold = any(one.connections and one.meter.slots is None for one in loaded(snapshot))
        return self.looks < 1 + (untold or snapshot.unplaced_works is not None)

    def note_sleep(self) -> None:
        """Reconnect after the computer or this process was asleep: nothing reports that a connection has died."""
        before_s, self._passing_s = self._passing_s, clock.passing_s()
        if self._passing_s > before_s + SLEPT_S:
            self.stream.wake()

    def follow(self, rediscover: Optional[Rediscover], snapshot: Snapshot, *, now_s: float) -> None:
        """Search for a server that no setting names while it isn't responding at its last address; the result goes to
        the inbox."""
        if self.search is None or rediscover is None:
            return
        self.search = self.search.seen(answers=snapshot.connected or snapshot.fault is None, now_s=now_s)
        if self.search.due(now_s):
            self.search = self.search.looked(now_s)
            self.worker.do(lambda: Moved((rediscover() or (None, ""))[0]), Moved(None))

    def look_at_service(self, snapshot: Snapshot, *, now_s: float) -> None:
        """Look up the service when the server connects or disconnects, and now and then while it is disconnected."""
        if not snapshot.connected and snapshot.fault is None:
            return
        early = snapshot.connection_since_s is None or now_s - snapshot.connection_since_s < SERVICE_EVERY_S
        every_s = SERVICE_SOON_S if early else SERVICE_EVERY_S
        seen = (snapshot.connected, 0 if snapshot.connected else int(now_s // every_s))
        if seen != self._service_seen:
            self._service_seen = seen
            look = partial(services.look, self.server, answering=snapshot.connected)
            call_once(self.server.name, self.inbox, lambda: ServiceLooked(look()), ServiceLooked(None))

    def look_at_service_again(self) -> None:
        """Look up the service at the next turn, after an action on it."""
        self._service_seen = None

    def look_for_cause(self, explain: Explain, snapshot: Snapshot, *, now_s: float) -> None:
        """Diagnose why the server isn't responding: not at the very beginning, and again if the outage changes."""
        since_s = snapshot.connection_since_s
        if snapshot.connected or snapshot.fault is None or since_s is None or now_s - since_s < OUTAGE_S:
            return
        outage = (since_s, snapshot.fault.kind, snapshot.service.state if snapshot.service is not None else "")
        if outage != self._diagnosed_for:
            self._diagnosed_for = outage
            call_once(self.server.name, self.inbox, partial(explain, self.server, snapshot.fault), Cause())


def _last_words(pid: int, model_id: str) -> Optional[RunEnded]:
    line = last_words(pid, model_id)
    return RunEnded(model_id, line) if line else None


def needs_look(snapshot: Snapshot) -> bool:
    """Tell whether only llama-swap's own connections show which model is at work."""
    untold = snapshot.connected and not snapshot.table_is_new and Capability.INFLIGHT_LIST not in snapshot.confirmed
    return untold and (bool(_ready_here(snapshot)) or snapshot.unplaced_works is not None)


def _ready_here(snapshot: Snapshot) -> List[Model]:
    return [one for one in loaded(snapshot) if one.state == READY and one.server_url is not None]


def look_every_s(snapshot: Snapshot, *, now_s: float) -> float:
    """Return how often to check llama-swap's connections.

    Where requests are listed, only for those under /upstream that are not, and while they might be misjudged soon.
    """
    if needs_look(snapshot):
        return LOOK_EVERY_S
    idle = [one for one in _ready_here(snapshot) if not requests_of(snapshot, one.id)]
    if not snapshot.connected or snapshot.table_is_new or not idle:
        return NEVER_S
    rests = (unloads_in_s(snapshot, one, now_s=now_s) for one in idle)
    soon = any(map(at_work, idle)) or any(rest is not None and rest < COUNTDOWN_S for rest in rests)
    return LOOK_EVERY_S if soon else UNLISTED_EVERY_S


def process_key(snapshot: Snapshot) -> object:
    """Return what the looked-up processes depend on."""
    return snapshot.connections, tuple((model.id, model.state, model.proxy) for model in loaded(snapshot))
