"""The events that sources report. None means "not known", never zero. Outside text is escaped where it is drawn."""

from enum import Enum
from typing import Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple, Union

from llamabar.core.capabilities import Capability
from llamabar.core.finished import FinishedRequest as FinishedRequest
from llamabar.core.pressure import Pressure
from llamabar.core.run import ModelRun, RunEnded


class FaultKind(str, Enum):
    """Why a server can't be watched."""

    REFUSED, TIMEOUT, UNKNOWN_HOST = "refused", "timeout", "unknown_host"
    NO_ROUTE = "no_route"  # the network is off, or the host is: switched off, asleep, or kept away by macOS
    UNTRUSTED = "untrusted"  # a certificate whose authority isn't known here
    TLS, UNAUTHORIZED, NOT_LLAMA_SWAP = "tls", "unauthorized", "not_llama_swap"
    TOO_OLD = "too_old"  # a llama-swap without an event stream: before v135
    BASIC_AUTH = "basic_auth"  # a proxy in front of llama-swap wants a user name and password
    SIGN_IN = "sign_in"  # the proxy shows a sign-in page, or redirects to one
    FORBIDDEN = "forbidden"  # the proxy refuses this computer (403)
    HTTPS_ONLY = "https_only"  # the proxy redirects to the same host over TLS
    MOVED = "moved"  # the proxy redirects this route to another address
    NO_EVENTS = "no_events"  # the proxy passes on other routes only
    RATE_LIMITED = "rate_limited"  # 429
    SERVER_ERROR = "server_error"  # 500 and the like
    GATEWAY = "gateway"  # 502, 503, 504: the proxy can't reach llama-swap
    CLOSED, LAGGING, ASLEEP, NO_ADDRESS = "closed", "lagging", "asleep", "no_address"


class Fault(NamedTuple):
    """Why there is no connection. `detail` is our own wording, except for the name of the program that answered."""

    kind: FaultKind
    detail: str = ""


class ModelInfo(NamedTuple):
    """One entry of a `modelStatus` event. `state` is llama-swap's word; "" for a model that runs at `peer`."""

    id: str
    state: str
    name: str = ""
    unlisted: bool = False
    peer: str = ""
    aliases: Tuple[str, ...] = ()
    context_tokens: Optional[int] = None
    description: str = ""


class RequestInfo(NamedTuple):
    """One entry of an `inflight` event. `streams`: whether the answer's headers say that it is an event stream, None
    before they come. IDs restart after a reload: `stamp`, the arrival time as sent, tells two apart."""

    id: str
    model: str
    path: str = ""
    stamp: str = ""
    elapsed_s: Optional[float] = None
    resp_bytes: Optional[int] = None
    streams: Optional[bool] = None
    client: str = ""  # the name of the program that sent it, from its User-Agent


class RunningModel(NamedTuple):
    """One entry of `/running`. `may_sleep`: its command has an idle-sleep option."""

    id: str
    state: str
    proxy: Optional[str] = None
    ttl_s: Optional[float] = None
    may_sleep: bool = False


class Slot(NamedTuple):
    """One slot of a llama.cpp server. `task` changes with each request."""

    id: int
    task: Optional[int]
    processing: bool
    decoded_tokens: Optional[int] = None
    prompt_tokens: Optional[int] = None
    cached_tokens: Optional[int] = None
    context_tokens: Optional[int] = None


class StreamOpened(NamedTuple):
    """The event stream has started."""

    refreshed: bool = False  # reopened to see states that no event reported
    resumed: bool = False  # reopened at once after another ended
    clock_s: Optional[float] = None  # how far the server's clock is ahead of this computer's, by a Date header


class StreamLost(NamedTuple):
    """There is no event stream, and why."""

    fault: Fault


class ModelsListed(NamedTuple):
    """The complete model table; `left_out` models beyond the limit. `unloading`: models that skipped tables just before
    this one reported as unloading (or twice as stopped)."""

    models: Tuple[ModelInfo, ...]
    left_out: int = 0
    unloading: FrozenSet[str] = frozenset()


class InflightListed(NamedTuple):
    """All requests in flight. `left_out`: requests beyond the limit."""

    requests: Tuple[RequestInfo, ...]
    left_out: int = 0


class InflightUpserted(NamedTuple):
    """A request in flight started or changed."""

    request: RequestInfo


class InflightRemoved(NamedTuple):
    """A request in flight ended."""

    id: str


class InflightCounted(NamedTuple):
    """Only the number of requests in flight is known (v192 to v234)."""

    total: int


class ActivityNoted(NamedTuple):
    """A request finished; its row must be fetched."""

    id: Optional[int]


class RequestsFinished(NamedTuple):
    """Rows of finished requests, oldest first. `total`: how many the server holds; `streamed`: they came as an event;
    `replayed`: one by one, as v140 to v151 send old rows; `came_unix_s`: when they came, by this computer's clock;
    `limit`: how many of the newest were asked for, 0 for all."""

    rows: Tuple[FinishedRequest, ...]
    total: Optional[int] = None
    streamed: bool = False
    replayed: bool = False
    came_unix_s: Optional[float] = None
    clock_s: Optional[float] = None
    limit: int = 0


class ProfileChosen(NamedTuple):
    """The active routing profile, or none."""

    active: Optional[str]


class ProfilesListed(NamedTuple):
    """The available routing profiles."""

    names: Tuple[str, ...]
    active: Optional[str]


class RunningListed(NamedTuple):
    """The answer of `/running`."""

    models: Tuple[RunningModel, ...]


class VersionRead(NamedTuple):
    """The answer of `/api/version`, without a leading v; "" if it isn't a number. `build` is unique, or ""."""

    version: str
    build: str = ""


class CapabilitiesFound(NamedTuple):
    """Features that a probe confirmed, and those it refuted."""

    confirmed: FrozenSet[Capability] = frozenset()
    refuted: FrozenSet[Capability] = frozenset()


class HealthAnswered(NamedTuple):
    """The heartbeat route answered, or didn't."""

    alive: bool
    clock_s: Optional[float] = None


class SlotsAnswered(NamedTuple):
    """The answer of a model server's `/slots`: `slots` is None if it gave none, `closed` if it never will."""

    model: str
    slots: Optional[Tuple[Slot, ...]]
    closed: bool = False


class HostMeasured(NamedTuple):
    """This computer's load and memory. `cpu_ratio` is 0 to 1 over all cores."""

    cpu_ratio: Optional[float]
    memory_used_bytes: Optional[int]
    memory_total_bytes: Optional[int]
    pressure: Optional[Pressure] = None


class ModelServer(NamedTuple):
    """A model's server as its processes show it: its address, None if it isn't a process of this llama-swap."""

    url: Optional[str] = None
    may_sleep: bool = False


class GpuMeasured(NamedTuple):
    """The GPU as llama-swap measures it: `ratio` is 0 to 1, the mean of all; None if it wasn't reported."""

    ratio: Optional[float]
    power_w: Optional[float] = None


class MemoryMeasured(NamedTuple):
    """Memory of llama-swap and of each model's processes. `gone`: models whose processes ended, UNPLACED for others.
    `servers`: the ready models' processes, if they were looked up. `unplaced`: nothing tells whose some are."""

    server_bytes: Optional[int]
    by_model_bytes: Dict[str, int]
    gone: FrozenSet[str] = frozenset()
    servers: Optional[Dict[str, ModelServer]] = None
    runs: Mapping[str, ModelRun] = {}
    unplaced: bool = False


class ConnectionsSeen(NamedTuple):
    """The local ports of llama-swap's connections to each model's server; none while it has no client. `computing`:
    models whose processes used CPU time since `since_s`. `unplaced`: so did another, nothing tells whose."""

    by_model: Dict[str, Tuple[int, ...]]
    computing: FrozenSet[str] = frozenset()
    since_s: Optional[float] = None
    unplaced: bool = False


class ServiceState(str, Enum):
    """The state of a server's service. NONE: it has none. NOT_LOADED: stopped until the next login."""

    NONE = "none"
    NOT_LOADED = "not loaded"
    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILING = "failing"


class ServiceFound(NamedTuple):
    """The LaunchAgent of a server: its label and its state."""

    label: str
    state: ServiceState
    crashes: int = 0


class ActionAsked(NamedTuple):
    """An action was started. `token` is its opaque name, `what` its kind in words, `target` what it is for."""

    token: str
    what: str = ""
    target: str = ""


class ActionEnded(NamedTuple):
    """An action was answered: `failure` is "" if it was accepted."""

    token: str
    failure: str = ""


Event = Union[
    StreamOpened, StreamLost, ModelsListed, InflightListed, InflightUpserted, InflightRemoved, InflightCounted,
    ActivityNoted, RequestsFinished, ProfileChosen, ProfilesListed, RunningListed, VersionRead, CapabilitiesFound,
    HealthAnswered, SlotsAnswered, HostMeasured, GpuMeasured, MemoryMeasured, ConnectionsSeen, ServiceFound,
    ActionAsked, ActionEnded, RunEnded,
]  # fmt: skip
