"""What one server is reached through: its client, its threads, its processes, its service."""

import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import Callable, FrozenSet, Optional

from llamabar.app import services
from llamabar.core import queries
from llamabar.core.address import is_local
from llamabar.core.events import Fault, MemoryMeasured
from llamabar.core.queries import Answer, Kind
from llamabar.core.rediscovery import Rediscovery
from llamabar.core.state import Snapshot, in_flight, loaded
from llamabar.settings.discover import client_of
from llamabar.settings.load import ServerSettings
from llamabar.sources import host
from llamabar.sources.call_worker import Asker
from llamabar.sources.client import Client
from llamabar.sources.inbox import Diagnosed, Inbox, Moved
from llamabar.sources.query_answers import answer
from llamabar.sources.stream import EventStream

SERVICE_SOON_S = 3.0  # in the first half minute of an outage
SERVICE_EVERY_S = 30.0
OUTAGE_S = 3.0

Rediscover = Callable[[], "Optional[tuple[str, str]]"]
Explain = Callable[[ServerSettings, Fault], Diagnosed]


@dataclass
class Link:
    """The threads of one server, and what was last looked at through them."""

    server: ServerSettings
    inbox: Inbox
    client: Client
    stream: EventStream
    asker: Asker
    slots_asker: Asker
    processes: Optional[host.Processes]
    search: Optional[Rediscovery] = None  # only of a server that was found by itself
    found_for: object = None  # the loaded models and their ports when processes were last looked up
    measuring: bool = False
    gone_before: FrozenSet[str] = frozenset()
    service_seen: object = None  # whether it answered when its service was last asked for
    refreshed_for: object = None  # what was loaded when the stream was last opened anew
    diagnosed_for: object = None  # the outage whose cause was looked for
    service_looked: bool = False
    clients_s: float = 0.0  # when llama-swap's connections were last looked at

    def start(self) -> None:
        """Start every thread."""
        for thread in (self.stream, self.asker, self.slots_asker):
            thread.start()

    def ask(self, ask: queries.Ask) -> None:
        """Ask a question; its answer comes to the inbox."""
        asker = self.slots_asker if ask.kind is Kind.SLOTS else self.asker
        asker.ask(partial(self._answer, ask))

    def _answer(self, ask: queries.Ask) -> Answer:
        """One that still waited when the stream ended is not sent: nobody knows then who is there now."""
        try:
            return answer(self.client, ask) if self.stream.is_open else Answer(ask, failed=True)
        except Exception:
            return Answer(ask, failed=True)

    def move(self, url: str) -> None:
        """Watch the server at another address from now on."""
        self.server = replace(self.server, url=url)
        self.processes = host.Processes(url) if is_local(url) else None
        self.client = self.client.moved(url)
        self.stream.move(self.client)

    def find_processes(self, snapshot: Snapshot) -> None:
        """Look the processes up; what they use comes to the inbox."""
        if self.processes is not None:
            self.found_for, self.measuring = process_key(snapshot), True
            self.asker.ask(partial(_find, self.processes, snapshot))

    def look_for_server(self, rediscover: Rediscover) -> None:
        """Look where the server is now; that comes to the inbox."""
        self.asker.ask(partial(_look_for, rediscover))

    def look_at_service(self, snapshot: Snapshot, *, now_s: float) -> None:
        """Ask for the service when the server began or ceased to answer, and now and then while it does not."""
        if not snapshot.connected and snapshot.fault is None:
            return
        early = snapshot.connection_since_s is None or now_s - snapshot.connection_since_s < SERVICE_EVERY_S
        every_s = SERVICE_SOON_S if early else SERVICE_EVERY_S
        seen = (snapshot.connected, 0 if snapshot.connected else int(now_s // every_s))
        if seen != self.service_seen:
            self.service_seen = seen
            threading.Thread(target=self._look_at_service, args=(snapshot.connected,), daemon=True).start()

    def look_for_cause(self, explain: Explain, snapshot: Snapshot, *, now_s: float) -> None:
        """Ask why the server does not answer: not at the very beginning, and anew when that changes."""
        since_s = snapshot.connection_since_s
        if snapshot.connected or snapshot.fault is None or since_s is None or now_s - since_s < OUTAGE_S:
            return
        outage = (since_s, snapshot.fault.kind, snapshot.service.state if snapshot.service is not None else "")
        if outage != self.diagnosed_for:
            self.diagnosed_for = outage
            threading.Thread(target=self._look_for_cause, args=(explain, snapshot.fault), daemon=True).start()

    def _look_for_cause(self, explain: Explain, fault: Fault) -> None:
        try:
            found = explain(self.server, fault)
        except Exception:
            found = Diagnosed("")
        self.inbox.put(self.server.name, found)

    def stop(self) -> None:
        """Close the connection and end every thread; returns at once."""
        self.stream.stop()
        self.asker.stop()
        self.slots_asker.stop()

    def _look_at_service(self, answering: bool) -> None:
        try:
            found = services.look(self.server, answering=answering)
        except Exception:
            found = None
        if found is not None:
            self.inbox.put(self.server.name, found)
        self.service_looked = True
        self.inbox.wake()


def link_to(server: ServerSettings, inbox: Inbox, *, follows: bool) -> Link:
    """Return the link to a server, not started yet. `follows`: it is looked for where it moves to."""
    client = client_of(server)
    return Link(
        server,
        inbox,
        client,
        EventStream(server.name, client, inbox),
        Asker(server.name, inbox),
        Asker(server.name, inbox),
        host.Processes(server.url) if is_local(server.url) else None,
        search=Rediscovery() if follows else None,
    )


def needs_clients(snapshot: Snapshot) -> bool:
    """Tell whether only llama-swap's own connections can say that a model is at work."""
    untold = snapshot.connected and not snapshot.table_is_new and in_flight(snapshot) is None
    return untold and any(model.server_url is not None for model in loaded(snapshot))


def process_key(snapshot: Snapshot) -> object:
    """Return what the processes that were looked up depend on."""
    return snapshot.connections, tuple((model.id, model.state, model.proxy) for model in loaded(snapshot))


def _find(processes: host.Processes, snapshot: Snapshot) -> MemoryMeasured:
    try:
        return processes.find(snapshot)
    except Exception:
        return MemoryMeasured(None, {})


def _look_for(rediscover: Rediscover) -> Moved:
    try:
        return Moved(*(rediscover() or (None,)))
    except Exception:
        return Moved(None)
