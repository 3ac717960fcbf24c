"""Which queries to send next: every request that watching ever makes, and when each is due.

Law: never a route that loads a model, counts as use, or starts an answer. In the steady state, only routes that
llama-swap doesn't log: its heartbeat, `/running` only after a model became ready, and finished requests once a burst. A
model server's `/slots` is asked only while its model is ready and may have a request, and only if the server was found
to be a process of the watched llama-swap (`server_url`): behind a tunnel or in a container, the same port belongs to
another program.

`schedule` states every rule once: a query is due when its time is past, and the next wake-up is the minimum.
"""

import math
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.capabilities import Capability
from llamabar.core.events import Event
from llamabar.core.state import READY, Model, Snapshot, in_flight, in_use, requests_of

SETTLE_S = 0.15  # events come in bursts
BURST_S = 1.0  # finished requests are fetched this long after the first of a burst
HEARTBEAT_S = 18.0  # with two missed answers of 3 s, silence is reported after 24 s
BUSY_HEARTBEAT_S = 2.5  # while a request is in flight: after 8.5 s
MISSED_HEARTBEATS = 2
SLOTS_EVERY_S = 1.0
SLOTS_IDLE_EVERY_S = 3.0
IDLE_AFTER_S = 10.0
SLOTS_SOON_S = 0.5  # once, for the first speed of an answer
SPARING = 2.0  # figures are fetched half as often while saving power
NO_GPU_EVERY_S = 300.0
GPU_EVERY_S = 10.0  # llama-swap itself samples every 5 s
LONGEST_BACKOFF_S = 30.0
LONGEST_RETRY = 9  # as a power of two: a query that keeps failing, each a line in a log, is sent every eight minutes
ALL_ROWS = 999  # llama-swap's largest page


class Kind(str, Enum):
    """The kinds of queries. Those in PROBES are sent once per connection."""

    VERSION = "version"
    RUNNING = "running"
    HEALTH = "health"
    FINISHED = "finished"
    PROFILES = "profiles"
    CANCEL_PROBE = "cancel probe"
    UNLOAD_PROBE = "unload probe"
    PERFORMANCE = "performance"
    SLOTS = "slots"


PROBES = (
    Kind.VERSION, Kind.FINISHED, Kind.PROFILES, Kind.CANCEL_PROBE, Kind.UNLOAD_PROBE, Kind.HEALTH, Kind.PERFORMANCE,
)  # fmt: skip
LEARNED = {  # what each probe finds out; it may already be known for the same version at the same address
    Kind.FINISHED: {Capability.ACTIVITY, Capability.METRICS},
    Kind.PROFILES: {Capability.PROFILES},
    Kind.CANCEL_PROBE: {Capability.CANCEL},
    Kind.UNLOAD_PROBE: {Capability.UNLOAD_ONE},
    Kind.HEALTH: {Capability.WOL_HEALTH},
    Kind.PERFORMANCE: {Capability.PERFORMANCE},
}


Kinds = FrozenSet[Kind]


class Query(NamedTuple):
    """One query; `model` and `url` only for a model server's slots, `rows` for finished requests."""

    kind: Kind
    model: str = ""
    url: str = ""
    rows: int = 0


class Answer(NamedTuple):
    """An answer as events; `failed` if the query should be sent again later."""

    query: Query
    events: Tuple[Event, ...] = ()
    failed: bool = False


class Sent(NamedTuple):
    """When a query was last sent and answered, and how many times in a row it failed."""

    connection: int
    sent_s: float
    answered_s: Optional[float] = None
    failures: int = 0


NEVER = Sent(-1, 0.0, answered_s=0.0)


@dataclass(frozen=True)
class QueryLog:
    """When every query was last sent, by kind and model."""

    last: Mapping["tuple[Kind, str]", Sent] = field(default_factory=dict)

    def of(self, kind: Kind, model: str = "") -> Sent:
        """Return how a query was last sent and answered; NEVER if it wasn't sent."""
        return self.last.get((kind, model), NEVER)

    def sent(self, query: Query, connection: int, *, now_s: float) -> "QueryLog":
        """Return the log with a query sent now."""
        failures = self.of(query.kind, query.model).failures
        return self._with(query.kind, query.model, Sent(connection, now_s, None, failures))

    def answered(self, kind: Kind, model: str, *, now_s: float, failed: bool) -> "QueryLog":
        """Return the log with an answer that came now."""
        last = self.of(kind, model)
        if last is NEVER:
            return self
        return self._with(kind, model, last._replace(answered_s=now_s, failures=last.failures + 1 if failed else 0))

    def _with(self, kind: Kind, model: str, sent: Sent) -> "QueryLog":
        return replace(self, last={**self.last, (kind, model): sent})

    def is_pending(self, kind: Kind, model: str = "") -> bool:
        """Tell whether a query has been sent and not answered."""
        return self.of(kind, model).answered_s is None

    def was_sent(self, kind: Kind, connection: int) -> bool:
        """Tell whether a query was sent in this connection."""
        return self.of(kind).connection == connection

    def was_answered(self, kind: Kind, connection: int) -> bool:
        """Tell whether a query of this connection has its answer."""
        return self.was_sent(kind, connection) and not self.is_pending(kind)

    def retry_s(self, kind: Kind) -> float:
        """Return when a failed query may be sent again; 0 if it didn't fail."""
        last = self.of(kind)
        return last.sent_s + 2.0 ** min(last.failures, LONGEST_RETRY) if last.failures else 0.0


def schedule(
    snapshot: Snapshot, log: QueryLog, *, unwanted: Kinds = frozenset(), sparing: bool = False
) -> List[Tuple[float, Query]]:
    """Return all foreseeable queries with the time each is due; none while disconnected.

    `unwanted`: probes whose answers aren't needed, except for what they show about the server. `sparing`: saving power.
    """
    if not snapshot.connected or snapshot.table_is_new:
        return []
    found = [
        *_probes(snapshot, log, unwanted), *_running(snapshot, log), *_finished(snapshot, log),
        *_heartbeat(snapshot, log), *_performance(snapshot, log), *_slots(snapshot, log, slower(sparing)),
    ]  # fmt: skip
    return [(at_s, query) for at_s, query in found if not log.is_pending(query.kind, query.model)]


class Plan:
    """Caches `schedule` until the snapshot or the log changes: the loop calls it twice per turn."""

    def __init__(self) -> None:
        self._of: Tuple[object, ...] = ()
        self._found: List[Tuple[float, Query]] = []

    def __call__(
        self, snapshot: Snapshot, log: QueryLog, *, unwanted: Kinds, sparing: bool
    ) -> Sequence[Tuple[float, Query]]:
        of = (snapshot, log, unwanted, sparing)
        if len(of) != len(self._of) or any(one is not before for one, before in zip(of, self._of)):
            self._of, self._found = of, schedule(snapshot, log, unwanted=unwanted, sparing=sparing)
        return self._found


def slower(sparing: bool) -> float:
    """Return by what factor to lengthen the interval of figures while saving power."""
    return SPARING if sparing else 1.0


def due(scheduled: Sequence[Tuple[float, Query]], *, now_s: float) -> List[Query]:
    """Return the queries that are due, each once."""
    return list(dict.fromkeys(query for at_s, query in scheduled if at_s <= now_s))


def next_s(scheduled: Sequence[Tuple[float, Query]]) -> float:
    """Return when the next query is due, infinity if there is none."""
    return min((at_s for at_s, _ in scheduled), default=math.inf)


def heartbeat_failed(snapshot: Snapshot) -> bool:
    """Tell whether a connection that still seems open has no server behind it."""
    return snapshot.connected and snapshot.missed_heartbeats >= MISSED_HEARTBEATS


_Scheduled = Iterator[Tuple[float, Query]]


def _probes(snapshot: Snapshot, log: QueryLog, unwanted: Kinds) -> _Scheduled:
    """Yield the probes, the version first: it tells what was already learned about the same version."""
    connection = snapshot.connections
    for kind in PROBES if log.was_answered(Kind.VERSION, connection) else (Kind.VERSION,):
        if log.was_sent(kind, connection):
            if log.retry_s(kind):
                yield log.retry_s(kind), _query(kind, snapshot)
        elif not _is_needless(snapshot, kind, unwanted):
            yield 0.0, _query(kind, snapshot)


def _is_needless(snapshot: Snapshot, kind: Kind, unwanted: Kinds) -> bool:
    """Tell whether a probe would tell nothing new; existing rows or profiles must be read once."""
    known = bool(LEARNED.get(kind, set()) & (snapshot.confirmed | snapshot.refuted))
    if kind is Kind.FINISHED:
        return known and kind in unwanted and not _ready(snapshot)
    return known and (kind is not Kind.PROFILES or kind in unwanted or Capability.PROFILES in snapshot.refuted)


def _ready(snapshot: Snapshot) -> List[Model]:
    return [model for _, model in sorted(snapshot.models.items()) if model.state == READY]


def _query(kind: Kind, snapshot: Snapshot) -> Query:
    """Return the query of a kind. The first fetch wants all rows that the server keeps, a later one those of a burst;
    the older route returns all at once (`rows` is 0)."""
    if kind is not Kind.FINISHED or Capability.METRICS in snapshot.confirmed:
        return Query(kind)
    first = snapshot.newest_row_id is None
    return Query(kind, rows=ALL_ROWS if first else min(ALL_ROWS, max(10, 2 * snapshot.activity_count)))


def _running(snapshot: Snapshot, log: QueryLog) -> _Scheduled:
    unread = [model for model in _ready(snapshot) if not model.running_read]
    if unread:
        settled_s = max((model.state_since_s or -SETTLE_S) + SETTLE_S for model in unread)
        yield max(settled_s, log.retry_s(Kind.RUNNING)), Query(Kind.RUNNING)


def _finished(snapshot: Snapshot, log: QueryLog) -> _Scheduled:
    noted_s = snapshot.activity_noted_s
    if noted_s is not None and not {Capability.ACTIVITY, Capability.METRICS} <= snapshot.refuted:
        yield max(noted_s + BURST_S, log.retry_s(Kind.FINISHED)), _query(Kind.FINISHED, snapshot)


def _heartbeat(snapshot: Snapshot, log: QueryLog) -> _Scheduled:
    """Yield the heartbeat: not while the stream delivers events, and again at once if one is missed.

    Without an unlogged route, or if a request could wake a sleeping machine, the connection itself is the heartbeat.
    """
    if Capability.WOL_HEALTH in snapshot.confirmed and not snapshot.wakes:
        busy = in_flight(snapshot) or any(in_use(snapshot, model) for model in _ready(snapshot))
        every_s = BUSY_HEARTBEAT_S if busy or snapshot.missed_heartbeats else HEARTBEAT_S
        heard_s = 0.0 if snapshot.missed_heartbeats else snapshot.last_event_s or 0.0
        yield max(log.of(Kind.HEALTH).sent_s, heard_s) + every_s, Query(Kind.HEALTH)


def _performance(snapshot: Snapshot, log: QueryLog) -> _Scheduled:
    """Yield the GPU query, only if it isn't logged and requests are in flight. A server without a GPU so far may just
    have had no sample yet."""
    if Capability.PERFORMANCE in snapshot.confirmed and in_flight(snapshot):
        every_s = GPU_EVERY_S if Capability.GPU in snapshot.confirmed else NO_GPU_EVERY_S
        sent_s = log.of(Kind.PERFORMANCE).sent_s
        yield sent_s + every_s if sent_s else 0.0, Query(Kind.PERFORMANCE)


def _slots(snapshot: Snapshot, log: QueryLog, times: float) -> _Scheduled:
    for model in _ready(snapshot):
        if model.server_url is not None and not model.sleeps and not model.slots_closed and in_use(snapshot, model):
            last, query = log.of(Kind.SLOTS, model.id), Query(Kind.SLOTS, model=model.id, url=model.server_url)
            yield 0.0 if last is NEVER else last.sent_s + times * _pause_s(snapshot, model, last), query


def _pause_s(snapshot: Snapshot, model: Model, last: Sent) -> float:
    """Return the interval for a model's slots: longer once it has been idle for a while and a connection is merely kept
    open."""
    idle_s = 0.0 if requests_of(snapshot, model.id) else last.sent_s - (model.last_use_s or 0.0)
    every_s = SLOTS_SOON_S if model.meter.unpaced() else SLOTS_EVERY_S if idle_s < IDLE_AFTER_S else SLOTS_IDLE_EVERY_S
    return min(every_s * 2.0 ** min(last.failures, 6), LONGEST_BACKOFF_S)
