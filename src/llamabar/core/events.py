"""What a source can say. None is "not known", never zero. Text from outside is made harmless where it is drawn."""

from enum import Enum
from typing import Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple, Union

from llamabar.core.capabilities import Capability
from llamabar.core.pressure import Pressure
from llamabar.core.run import ModelRun, RunEnded


class FaultKind(str, Enum):
    """Why a server could not be watched."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNKNOWN_HOST = "unknown_host"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    NOT_LLAMA_SWAP = "not_llama_swap"
    TOO_OLD = "too_old"  # a llama-swap without an event stream: before v135
    BASIC_AUTH = "basic_auth"  # something in front of llama-swap wants a user name and password
    SIGN_IN = "sign_in"  # … shows a sign-in page, or redirects to one
    FORBIDDEN = "forbidden"  # … refuses this computer (403)
    HTTPS_ONLY = "https_only"  # … redirects to the same host over TLS
    RATE_LIMITED = "rate_limited"  # 429
    SERVER_ERROR = "server_error"  # 500 and the like
    GATEWAY = "gateway"  # 502, 503, 504: whoever stands in front can't reach llama-swap
    CLOSED = "closed"
    LAGGING = "lagging"
    ASLEEP = "asleep"
    NO_ADDRESS = "no_address"


class Fault(NamedTuple):
    """Why there is no connection. `detail` is in our own words, but for the name of the program that answered."""

    kind: FaultKind
    detail: str = ""


class ModelInfo(NamedTuple):
    """One entry of a `modelStatus` event. `state` is llama-swap's word; "" for a peer's model."""

    id: str
    state: str
    name: str = ""
    unlisted: bool = False
    peer: bool = False
    aliases: Tuple[str, ...] = ()
    context_tokens: Optional[int] = None


class RequestInfo(NamedTuple):
    """One entry of an `inflight` event. `streams`: whether the answer's headers say that it is an event stream; None
    before they have come. Ids start again after a reload: `stamp`, its time of arrival as sent, tells two apart."""

    id: str
    model: str
    path: str = ""
    stamp: str = ""
    elapsed_s: Optional[float] = None
    resp_bytes: Optional[int] = None
    streams: Optional[bool] = None
    client: str = ""  # the name of the program that sent it, as its User-Agent says


class FinishedRequest(NamedTuple):
    """One activity row. Rates and counts are None where the server did not report them."""

    id: int
    model: str
    at_unix_s: Optional[float] = None
    path: str = ""
    status: Optional[int] = None
    prompt_tokens: Optional[int] = None
    cached_tokens: Optional[int] = None
    generated_tokens: Optional[int] = None
    prompt_tps: Optional[float] = None
    generation_tps: Optional[float] = None
    duration_s: Optional[float] = None
    error: str = ""
    draft_tokens: Optional[int] = None  # from v229 on, of speculative decoding
    accepted_tokens: Optional[int] = None
    client: str = ""  # where the request was seen in flight


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
    """The event stream of a llama-swap has begun; `refreshed`: it was opened again to see states that no event told."""

    refreshed: bool = False  # opened again to see states that no event told


class StreamLost(NamedTuple):
    """There is no event stream, and why."""

    fault: Fault


class ModelsListed(NamedTuple):
    """The whole model table as it is now, `left_out` models beyond what is kept. `unloading`: models that tables just
    before this one, which nobody saw, said to be unloading (or said twice to be stopped)."""

    models: Tuple[ModelInfo, ...]
    left_out: int = 0
    unloading: FrozenSet[str] = frozenset()


class InflightListed(NamedTuple):
    """Every request in flight, as it is now. `left_out`: requests beyond what is kept."""

    requests: Tuple[RequestInfo, ...]
    left_out: int = 0  # beyond what is kept


class InflightUpserted(NamedTuple):
    """A request in flight began or changed."""

    request: RequestInfo


class InflightRemoved(NamedTuple):
    """A request in flight ended."""

    id: str


class InflightCounted(NamedTuple):
    """Only the number of requests in flight is known (v192 to v234)."""

    total: int  # of requests in flight: all that v192 to v234 tell


class ActivityNoted(NamedTuple):
    """A request finished; its row must be fetched."""

    id: Optional[int]  # of a request that finished; its row must be fetched


class RequestsFinished(NamedTuple):
    """Rows of finished requests, oldest first. `total`: what the server still holds; `read_unix_s`: the wall clock when
    they were fetched here; `streamed`: they came as an event; `replayed`: alone, as v140 to v151 send old ones."""

    rows: Tuple[FinishedRequest, ...]
    total: Optional[int] = None
    read_unix_s: Optional[float] = None
    streamed: bool = False
    replayed: bool = False


class ProfileChosen(NamedTuple):
    """The active routing profile, or none."""

    active: Optional[str]


class ProfilesListed(NamedTuple):
    """The routing profiles there are."""

    names: Tuple[str, ...]
    active: Optional[str]


class RunningListed(NamedTuple):
    """The answer of `/running`."""

    models: Tuple[RunningModel, ...]


class VersionRead(NamedTuple):
    """What `/api/version` says, without a leading v; "" where it is no number. `build`: every build's own, or ""."""

    version: str
    build: str = ""


class CapabilitiesFound(NamedTuple):
    """Features that a probe confirmed, and those it refuted."""

    confirmed: FrozenSet[Capability] = frozenset()
    refuted: FrozenSet[Capability] = frozenset()


class HealthAnswered(NamedTuple):
    """The heartbeat route answered, or did not."""

    alive: bool


class SlotsAnswered(NamedTuple):
    """A model server's `/slots`; `slots` is None when it gave none, `closed` when it never will."""

    model: str
    slots: Optional[Tuple[Slot, ...]]
    closed: bool = False


class HostMeasured(NamedTuple):
    """This computer. `cpu_ratio` 0 to 1 over all cores."""

    cpu_ratio: Optional[float]  # 0 to 1 over all cores
    memory_used_bytes: Optional[int]
    memory_total_bytes: Optional[int]
    pressure: Optional[Pressure] = None


class ModelServer(NamedTuple):
    """What the processes of a model show: where its server listens, None if that is no process of this llama-swap."""
    url: Optional[str] = None
    may_sleep: bool = False


class GpuMeasured(NamedTuple):
    """The GPU as llama-swap measures it: `ratio` 0 to 1, the mean of all; None where it told nothing."""

    ratio: Optional[float]
    power_w: Optional[float] = None


class MemoryMeasured(NamedTuple):
    """Memory of llama-swap and of each model's processes. `gone`: models whose processes have ended. `servers`: the
    processes of the ready models, if they were looked up; one whose process was not found has none."""

    server_bytes: Optional[int]
    by_model_bytes: Dict[str, int]
    gone: FrozenSet[str] = frozenset()
    servers: Optional[Dict[str, ModelServer]] = None
    runs: Mapping[str, ModelRun] = {}


class ConnectionsSeen(NamedTuple):
    """llama-swap's connections to each model's server, by their own ports; none while it has no client.
    `computing`: the models whose processes used CPU time since the last look."""

    by_model: Dict[str, Tuple[int, ...]]
    computing: FrozenSet[str] = frozenset()


class ServiceState(str, Enum):
    """What the service of a server is doing; NONE: it has none. NOT_LOADED is stopped, until the next login."""

    NONE = "none"
    NOT_LOADED = "not loaded"
    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILING = "failing"


class ServiceFound(NamedTuple):
    """The LaunchAgent of a server: its label and its state."""

    label: str  # of the LaunchAgent
    state: ServiceState
    crashes: int = 0


class ActionAsked(NamedTuple):
    """A click was sent on its way. `token` is the opaque name of the action, `what` its kind in words."""

    token: str
    what: str = ""


class ActionEnded(NamedTuple):
    """An action's answer: `failure` is "" when it was accepted."""

    token: str
    failure: str = ""  # it was accepted


Event = Union[
    StreamOpened, StreamLost, ModelsListed, InflightListed, InflightUpserted, InflightRemoved, InflightCounted,
    ActivityNoted, RequestsFinished, ProfileChosen, ProfilesListed, RunningListed, VersionRead, CapabilitiesFound,
    HealthAnswered, SlotsAnswered, HostMeasured, GpuMeasured, MemoryMeasured, ConnectionsSeen, ServiceFound,
    ActionAsked, ActionEnded, RunEnded,
]  # fmt: skip
