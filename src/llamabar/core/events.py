"""What a source can say. Frozen values; None is "not known", never zero.

Ids and names are text from outside: they are made harmless where they are drawn.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Dict, FrozenSet, Optional, Tuple, Union


class FaultKind(str, Enum):
    """Why a server could not be watched."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNKNOWN_HOST = "unknown_host"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    NOT_LLAMA_SWAP = "not_llama_swap"
    CLOSED = "closed"
    LAGGING = "lagging"
    ASLEEP = "asleep"


@dataclass(frozen=True)
class Fault:
    """A reason in our own words; never text of the other side."""

    kind: FaultKind
    detail: str = ""


@dataclass(frozen=True)
class ModelInfo:
    """One entry of a `modelStatus` event. `state` is llama-swap's word; "" for a peer's model."""

    id: str
    state: str
    name: str = ""
    description: str = ""
    unlisted: bool = False
    peer: bool = False
    aliases: Tuple[str, ...] = ()
    context_tokens: Optional[int] = None


@dataclass(frozen=True)
class RequestInfo:
    """One entry of an `inflight` event. `answering` means that response headers have arrived.

    Ids start again after a reload of the server: `stamp`, its time of arrival as sent, tells two of them apart.
    """

    id: str
    model: str
    path: str = ""
    stamp: str = ""
    elapsed_s: Optional[float] = None
    resp_bytes: Optional[int] = None
    answering: Optional[bool] = None


@dataclass(frozen=True)
class FinishedRequest:
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


@dataclass(frozen=True)
class RunningModel:
    """One entry of `/running`. `may_sleep`: its command has an idle-sleep option."""

    id: str
    state: str
    proxy: Optional[str] = None
    ttl_s: Optional[float] = None
    may_sleep: bool = False


@dataclass(frozen=True)
class Slot:
    """One slot of a llama.cpp server. `task` changes with each request."""

    id: int
    task: Optional[int]
    processing: bool
    decoded_tokens: Optional[int] = None
    prompt_tokens: Optional[int] = None
    cached_tokens: Optional[int] = None
    context_tokens: Optional[int] = None


@dataclass(frozen=True)
class StreamOpened:
    """The event stream of a llama-swap has begun; `refreshed`: we opened it anew to see states that no event told."""

    refreshed: bool = False


@dataclass(frozen=True)
class StreamLost:
    """There is no event stream, and why."""

    fault: Fault


@dataclass(frozen=True)
class ModelsListed:
    """The whole model table, as it is now."""

    models: Tuple[ModelInfo, ...]


@dataclass(frozen=True)
class InflightListed:
    """Every request in flight, as it is now."""

    requests: Tuple[RequestInfo, ...]


@dataclass(frozen=True)
class InflightUpserted:
    """A request in flight began or changed."""

    request: RequestInfo


@dataclass(frozen=True)
class InflightRemoved:
    """A request in flight ended."""

    id: str


@dataclass(frozen=True)
class InflightCounted:
    """Only the number of requests in flight is known (v192 to v234)."""

    total: int


@dataclass(frozen=True)
class ActivityNoted:
    """A request finished; its row must be fetched."""

    id: Optional[int]


@dataclass(frozen=True)
class RequestsFinished:
    """Rows of finished requests, oldest first. `total`: what the server still holds; `read_unix_s`: the wall clock when
    they were fetched here; `streamed`: they came as an event; `replayed`: alone, as v140 to v151 send old ones.
    """

    rows: Tuple[FinishedRequest, ...]
    total: Optional[int] = None
    read_unix_s: Optional[float] = None
    streamed: bool = False
    replayed: bool = False


@dataclass(frozen=True)
class ProfileChosen:
    """The active routing profile, or none."""

    active: Optional[str]


@dataclass(frozen=True)
class ProfilesListed:
    """The routing profiles there are."""

    names: Tuple[str, ...]
    active: Optional[str]


@dataclass(frozen=True)
class RunningListed:
    """The answer of `/running`."""

    models: Tuple[RunningModel, ...]


@dataclass(frozen=True)
class VersionRead:
    """What `/api/version` says, without a leading v; "" where it is no number."""

    version: str


@dataclass(frozen=True)
class CapabilitiesFound:
    """Features that a probe confirmed, and those it refuted."""

    confirmed: FrozenSet[str] = frozenset()
    refuted: FrozenSet[str] = frozenset()


@dataclass(frozen=True)
class HealthAnswered:
    """The heartbeat route answered, or did not."""

    alive: bool


@dataclass(frozen=True)
class SlotsAnswered:
    """A model server's `/slots`; `slots` is None when it gave none, `closed` when it never will."""

    model: str
    slots: Optional[Tuple[Slot, ...]]
    closed: bool = False


@dataclass(frozen=True)
class HostMeasured:
    """This computer. `cpu_ratio` 0 to 1 over all cores."""

    cpu_ratio: Optional[float]
    memory_used_bytes: Optional[int]
    memory_total_bytes: Optional[int]


@dataclass(frozen=True)
class ModelServer:
    """What the process of a model's server shows: its address, where its own command line tells it."""

    url: Optional[str] = None
    may_sleep: bool = False


@dataclass(frozen=True)
class GpuMeasured:
    """The GPU as llama-swap measures it: `ratio` 0 to 1, the mean of all; None where it told nothing."""

    ratio: Optional[float]
    power_w: Optional[float] = None


@dataclass(frozen=True)
class MemoryMeasured:
    """Resident memory of llama-swap and of each model's processes. `gone`: models whose processes have ended.
    `servers`: the processes of the ready models, if they were looked up; one whose process was not found has none."""

    server_bytes: Optional[int]
    by_model_bytes: Dict[str, int]
    gone: FrozenSet[str] = frozenset()
    servers: Optional[Dict[str, ModelServer]] = None


@dataclass(frozen=True)
class ClientsSeen:
    """The connections that llama-swap has open to each model's server, by their ports: requests, or just ended ones."""

    by_model: Dict[str, Tuple[int, ...]]


@dataclass(frozen=True)
class ServiceFound:
    """The LaunchAgent of a server: its label, and launchd's word for its state."""

    label: str
    state: str
    crashes: int = 0


@dataclass(frozen=True)
class ActionAsked:
    """A click was sent on its way. `token` is the opaque name of the action, `what` its kind in words."""

    token: str
    what: str = ""


@dataclass(frozen=True)
class ActionEnded:
    """An action's answer: `failure` is "" when it was accepted."""

    token: str
    failure: str = ""


Event = Union[
    StreamOpened, StreamLost, ModelsListed, InflightListed, InflightUpserted, InflightRemoved, InflightCounted,
    ActivityNoted, RequestsFinished, ProfileChosen, ProfilesListed, RunningListed, VersionRead, CapabilitiesFound,
    HealthAnswered, SlotsAnswered, HostMeasured, GpuMeasured, MemoryMeasured, ClientsSeen, ServiceFound, ActionAsked,
    ActionEnded,
]  # fmt: skip
