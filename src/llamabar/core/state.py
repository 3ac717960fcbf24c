"""Everything known about one server, as values. Unknown is None; times are seconds of one monotonic clock."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from operator import attrgetter
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core import events as ev
from llamabar.core import speed
from llamabar.core.capabilities import WITH_EVENTS, Capability
from llamabar.core.path_kind import PathKind, path_kind
from llamabar.core.pressure import Pressure
from llamabar.core.server_clock import ServerClock

READY, STARTING, STOPPING, STOPPED = "ready", "starting", "stopping", "stopped"
LOADED_STATES = (READY, STARTING, STOPPING)


class Swap(NamedTuple):
    """What happened to the other loaded models when one was loaded."""

    unloaded: Tuple[str, ...] = ()
    beside: Tuple[str, ...] = ()  # they stayed


@dataclass(frozen=True)
class Model:
    """One model. `state_since_s` is None if the state began before this program started."""

    info: ev.ModelInfo
    state_since_s: Optional[float] = None
    running_read: bool = False  # `/running` was read since the model became ready
    proxy: Optional[str] = None
    ttl_s: Optional[float] = None
    may_sleep: bool = False
    process: Optional[ev.ModelServer] = None  # its server's process; None until it was looked up
    connections: Optional[Tuple[int, ...]] = None  # llama-swap's, where no event reports use; None: unknown
    computing: bool = False  # its processes used CPU time between the last two checks
    slots_closed: bool = False  # its server gives no slots
    context_tokens: Optional[int] = None  # of one slot, as its server reported
    ready_s: Optional[float] = None  # when it was last loaded, if that was seen
    last_use_s: Optional[float] = None
    listed_use_s: Optional[float] = None  # when a request that llama-swap listed ended
    load_times_s: Tuple[float, ...] = ()
    load_s: Optional[float] = None  # of the load that made it ready, if it was seen
    swap: Swap = Swap()  # at its last load
    failed_at_s: Optional[float] = None
    failure: str = ""
    quit_at_s: Optional[float] = None  # when its server quit by itself
    memory_bytes: Optional[int] = None
    memory_peak_bytes: Optional[int] = None  # since it was ready; of one that isn't, when it was loaded before
    meter: speed.Meter = speed.Meter()

    @property
    def id(self) -> str:
        """Return llama-swap's ID of the model."""
        return self.info.id

    @property
    def state(self) -> str:
        """Return llama-swap's word for the state."""
        return self.info.state

    @property
    def server_url(self) -> Optional[str]:
        """Return the model server's own address, if it is a local process of the watched llama-swap."""
        return self.process.url if self.process is not None else None

    @property
    def sleeps(self) -> bool:
        """Tell whether its server may fall asleep when idle: then a query would wake it or keep it awake."""
        return self.may_sleep or (self.process is not None and self.process.may_sleep)


@dataclass(frozen=True)
class Request:
    """One request in flight. `trail` holds (time, bytes of the model's answer) of its last seconds.

    While a model loads, llama-swap may write its own text into the answer (`sendLoadingState`): `loading_bytes`.
    `outlives`: it is answered by a model of the configuration before a reload.
    """

    info: ev.RequestInfo
    started_s: float
    loading_bytes: int = 0
    trail: speed.Trail = ()
    outlives: bool = False

    @cached_property
    def kind(self) -> PathKind:
        """Return the kind of answer that it asks for."""
        return path_kind(self.info.path)

    @cached_property
    def answer_bytes(self) -> Optional[int]:
        """Return how many bytes the model has written; None if the version doesn't report it."""
        return None if self.info.resp_bytes is None else max(0, self.info.resp_bytes - self.loading_bytes)


@dataclass(frozen=True)
class Host:
    """This computer, and llama-swap's own memory."""

    cpu_ratio: Optional[float] = None
    memory_used_bytes: Optional[int] = None
    memory_total_bytes: Optional[int] = None
    pressure: Optional[Pressure] = None
    server_bytes: Optional[int] = None
    gpu_ratio: Optional[float] = None  # as llama-swap measures it
    gpu_power_w: Optional[float] = None
    gpu_at_s: Optional[float] = None


@dataclass(frozen=True)
class PendingAction:
    """An action that was clicked: waiting for its effect, or refused."""

    at_s: float
    ended_s: Optional[float] = None
    failure: str = ""
    what: str = ""
    target: str = ""


class Left(NamedTuple):
    """A request that ended, kept until the row with its result comes."""

    model: str
    path: str
    client: str
    took_s: float
    ended_s: float


@dataclass(frozen=True)
class Snapshot:
    """One server at one moment."""

    connected: bool = False
    connections: int = 0
    connection_since_s: Optional[float] = None
    fault: Optional[ev.Fault] = None
    last_seen_s: Optional[float] = None
    last_event_s: Optional[float] = None
    missed_heartbeats: int = 0
    version: Optional[str] = None
    confirmed: FrozenSet[Capability] = frozenset()
    refuted: FrozenSet[Capability] = frozenset()
    models: Mapping[str, Model] = field(default_factory=dict)
    models_left_out: int = 0
    table_is_new: bool = True  # the next model table is the first of this connection
    table_is_refreshed: bool = False  # the next model table shows what no event reported
    table_is_resumed: bool = False  # the next model table follows another connection at once: same state, same model
    requests: Mapping[str, Request] = field(default_factory=dict)
    requests_left_out: int = 0
    inflight_total: Optional[int] = None  # v192 to v234 report only a number
    profiles: Tuple[str, ...] = ()
    profile: Optional[str] = None
    rows: Tuple[ev.FinishedRequest, ...] = ()  # the newest, oldest first
    new_rows: Tuple[ev.FinishedRequest, ...] = ()  # all rows that came last
    left: Tuple[Left, ...] = ()  # ended requests with a known client whose rows haven't come
    rows_total: Optional[int] = None
    tokens_known: bool = True  # the totals cover every row that the server counts
    prompt_tokens_total: Optional[int] = 0  # None if no request's server reported them
    generated_tokens_total: Optional[int] = 0
    newest_row_id: Optional[int] = None
    row_ended_s: Optional[float] = None  # when the newest row's request ended
    wakes: bool = False  # a wol-proxy was seen in front of it: any request except the stream wakes the machine
    activity_noted_s: Optional[float] = None  # there have been rows to fetch since then
    activity_count: int = 0
    activity_newest_id: Optional[int] = None  # of the rows to fetch, if reported
    last_activity_s: Optional[float] = None
    clock: ServerClock = ServerClock()
    unplaced_works: Optional[bool] = None  # a model server of which nothing tells whose it is; None: there is none
    service: Optional[ev.ServiceFound] = None
    host: Host = Host()
    asked: Mapping[str, PendingAction] = field(default_factory=dict)  # the clicks of the last minutes, by token

    @cached_property
    def loaded(self) -> Tuple[Model, ...]:
        """Return the models that hold memory, or are about to, by ID."""
        return tuple(model for _, model in sorted(self.models.items()) if model.info.state in LOADED_STATES)

    @cached_property
    def by_age(self) -> Tuple[Request, ...]:
        """Return the requests in flight, oldest first."""
        return tuple(sorted(self.requests.values(), key=lambda one: (one.started_s, len(one.info.id), one.info.id)))

    @cached_property
    def by_model(self) -> Mapping[str, Tuple[Request, ...]]:
        """Return the requests in flight of each model that has any, oldest first."""
        found: Dict[str, List[Request]] = {}
        for request in self.by_age:
            found.setdefault(request.info.model, []).append(request)
        return {model_id: tuple(requests) for model_id, requests in found.items()}


_FIELDS = tuple(one.name for one in fields(Snapshot))
_VALUES = attrgetter(*_FIELDS)


def loaded(snapshot: Snapshot) -> Tuple[Model, ...]:
    """Return the models that hold memory, or are about to, by ID."""
    return snapshot.loaded


def requests_of(snapshot: Snapshot, model_id: str) -> Tuple[Request, ...]:
    """Return the requests in flight of one model, oldest first."""
    return snapshot.by_model.get(model_id, ())


def in_flight(snapshot: Snapshot) -> Optional[int]:
    """Return how many requests are in flight, or None if the version doesn't report it.

    The bare number of v192 to v217 is wrong; a probe confirms `inflight_count` from v218 on.
    """
    if Capability.INFLIGHT_LIST in snapshot.confirmed:
        return len(snapshot.requests) + snapshot.requests_left_out
    return snapshot.inflight_total if Capability.INFLIGHT_COUNT in snapshot.confirmed else None


def in_use(snapshot: Snapshot, model: Model) -> Optional[bool]:
    """Tell whether a request may be keeping a model loaded; None if there is no evidence.

    Up to v234 no event names a request's model, and no version reports requests under /upstream. There, llama-swap's
    connection to the model server tells: it stays open for some seconds after a request (Go reuses it, llama.cpp closes
    it after 5 s), and the next request may already use it. Since v235 only some of those under /upstream are unlisted:
    whisper.cpp's own route, a page's websocket. Of them only what is at work counts.
    """
    if requests_of(snapshot, model.id):
        return True
    if Capability.INFLIGHT_LIST in snapshot.confirmed:
        return at_work(model)
    return None if model.connections is None else bool(model.connections)


def at_work(model: Model) -> bool:
    """Tell whether a model is working although no event says so: by its slots, else by its CPU time."""
    if not model.connections:
        return False
    return bool(model.meter.busy) if model.meter.slots is not None else model.computing


def may_work(snapshot: Snapshot, model: Model) -> bool:
    """Tell whether a ready model may be the one that works: some model does, and nothing tells which."""
    untold = model.state == READY and model.connections is None and Capability.INFLIGHT_LIST not in snapshot.confirmed
    return untold and bool(snapshot.unplaced_works or in_flight(snapshot))


def works_unlisted(snapshot: Snapshot) -> bool:
    """Tell whether a model is working although no event says so, whichever it is."""
    return bool(snapshot.unplaced_works) or any(map(at_work, snapshot.loaded))


def working_unlisted(snapshot: Snapshot) -> object:
    """Return who is working although no event says so: what must be shown at once."""
    return snapshot.unplaced_works, tuple(model.id for model in snapshot.loaded if at_work(model))


def heard(snapshot: Snapshot, at_s: float, **changes: Any) -> Snapshot:
    """Return the snapshot with these changes, after an event of the stream.

    Like `replace`, in a fifth of the time: hundreds of events come per second, and a snapshot has forty fields.
    """
    found = object.__new__(Snapshot)
    found.__dict__.update(zip(_FIELDS, _VALUES(snapshot)))
    found.__dict__.update(last_seen_s=at_s, last_event_s=at_s, missed_heartbeats=0, **changes)
    return found


def with_model(snapshot: Snapshot, model: Model) -> Snapshot:
    """Return the snapshot with one model changed."""
    return replace(snapshot, models={**snapshot.models, model.id: model})


def capabilities(snapshot: Snapshot) -> Tuple[Capability, ...]:
    """Return everything confirmed in this connection, sorted by name; nothing while disconnected."""
    if not snapshot.connected:
        return ()
    models = snapshot.models.values()
    found = {*WITH_EVENTS, *snapshot.confirmed}
    found |= {Capability.RUNNING_PROXY} if any(model.proxy is not None for model in models) else set()
    found |= {Capability.RUNNING_TTL} if any(model.ttl_s is not None for model in models) else set()
    return tuple(sorted(found))


def loadable(snapshot: Snapshot, model: Model) -> bool:
    """Tell whether a model can be loaded by its path: not with empty segments and, up to v158, not with a slash.

    A peer's model never can: llama-swap forwards the path, and the peer answers with its own front page (measured on
    v250). The route that unloads one model (v161) shows that IDs with slashes are understood (facts, section 11).
    """
    segments = model.id.split("/")
    if model.info.peer:
        return False
    return len(segments) == 1 or (all(segments) and Capability.UNLOAD_ONE in snapshot.confirmed)
