"""What a server is doing, in one word: an ordered table, the first row that applies wins.

The words are those of the contract. Status is derived from a snapshot, never driven by events, so a new connection has
nothing to catch up on. While disconnected, the connection's fault and launchd's state of the service decide; an answer
of the server takes precedence over both. While connected, what somebody waits for comes first: generating before a
prompt, a prompt before a load, a load before what only waits. A model that is "stopped" while a request for it is in
flight waits for another to be unloaded (llama-swap API, 8). Whether a request generates is known only from bytes or
slots (phases.py); for a version that reports a number, or nothing, a ready model is "busy" (`is_sure`).
"""

from enum import Enum
from typing import Callable, NamedTuple, Tuple

from llamabar.core.capabilities import Capability
from llamabar.core.doing import may_be_answered
from llamabar.core.events import FaultKind, ServiceState
from llamabar.core.phases import Phase, phases
from llamabar.core.speed import Meter
from llamabar.core.state import READY, STARTING, STOPPED, STOPPING, Snapshot, in_flight, requests_of, works_unlisted


class Status(str, Enum):
    """The states of a server."""

    NO_SERVICE = "no_service"
    STOPPED = "stopped"
    STARTING = "starting"
    CRASHING = "crashing"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    INCOMPATIBLE = "incompatible"
    EMPTY = "empty"
    READY = "ready"
    LOADING = "loading"
    QUEUED = "queued"
    PROMPT = "prompt"
    GENERATING = "generating"
    STOPPING = "stopping"


class Cause(NamedTuple):
    """Why a server isn't responding, as doctor found it ("" if unknown), and a command that fixes it. `starts`: the
    service can be started without that.
    """

    title: str = ""
    remedy: str = ""
    starts: bool = True


REFUSALS = (FaultKind.UNAUTHORIZED, FaultKind.BASIC_AUTH, FaultKind.SIGN_IN, FaultKind.FORBIDDEN)
NO_SERVICES = (  # faults of an address or of what answers there: no service of this Mac explains them
    FaultKind.HTTPS_ONLY, FaultKind.MOVED, FaultKind.NO_EVENTS, FaultKind.RATE_LIMITED, FaultKind.SERVER_ERROR,
    FaultKind.GATEWAY, FaultKind.TLS, FaultKind.UNTRUSTED, FaultKind.UNKNOWN_HOST, FaultKind.NO_ADDRESS,
    FaultKind.ASLEEP, FaultKind.NO_ROUTE,
)  # fmt: skip


def classify(snapshot: Snapshot) -> Status:
    """Return the status of a server."""
    return next(status for status, applies in RULES if applies(snapshot))


def _fault(*kinds: FaultKind) -> Callable[[Snapshot], bool]:
    return lambda s: not s.connected and s.fault is not None and s.fault.kind in kinds


def _service(*states: ServiceState) -> Callable[[Snapshot], bool]:
    return lambda s: not s.connected and s.service is not None and s.service.state in states


def _any_model(state: str) -> Callable[[Snapshot], bool]:
    return lambda s: any(model.state == state for model in s.models.values())


def _unheard_of(snapshot: Snapshot) -> bool:
    """Tell whether a model has a state that no known version has: whatever it means, the model isn't stopped."""
    known = (READY, STARTING, STOPPING, STOPPED, "shutdown", "unknown", "")
    return any(model.state not in known for model in snapshot.models.values())


def _any_request(phase: Phase) -> Callable[[Snapshot], bool]:
    return lambda s: phase in phases(s).values()


def _starting(snapshot: Snapshot) -> bool:
    """Tell whether launchd runs the server and nothing listens yet; one that listens and is silent isn't starting."""
    early = snapshot.fault is not None and snapshot.fault.kind in (FaultKind.REFUSED, FaultKind.CLOSED)
    return early and _service(ServiceState.STARTING, ServiceState.RUNNING)(snapshot)


def _any_slot(count: Callable[[Meter], int]) -> Callable[[Snapshot], bool]:
    """Return whether slots show this of requests that no event reports, or of one of those that are listed."""

    def _found(snapshot: Snapshot) -> bool:
        counted = [one.id for one in snapshot.models.values() if count(one.meter)]
        return bool(counted) and (_busy_by_count(snapshot) or any(requests_of(snapshot, one) for one in counted))

    return _found


def _busy_by_count(snapshot: Snapshot) -> bool:
    """Tell whether a version that reports a number, or nothing, has requests: a ready model is answering them.

    Later versions list all but a few of those under /upstream.
    """
    listed = Capability.INFLIGHT_LIST in snapshot.confirmed
    counted = not listed and bool(in_flight(snapshot)) and may_be_answered(snapshot)
    return counted or works_unlisted(snapshot)


def is_sure(snapshot: Snapshot) -> bool:
    """Tell whether a working server is known to generate, not just to be busy."""
    return _any_slot(Meter.growing)(snapshot) or Phase.GENERATING in phases(snapshot).values()


RULES: Tuple[Tuple[Status, Callable[[Snapshot], bool]], ...] = (
    (Status.UNAUTHORIZED, _fault(*REFUSALS)),
    (Status.INCOMPATIBLE, _fault(FaultKind.NOT_LLAMA_SWAP, FaultKind.TOO_OLD)),
    (Status.CRASHING, _service(ServiceState.FAILING)),
    (Status.STARTING, _fault(FaultKind.LAGGING)),
    (Status.UNREACHABLE, _fault(*NO_SERVICES)),
    (Status.NO_SERVICE, _service(ServiceState.NONE)),
    (Status.STOPPED, _service(ServiceState.STOPPED, ServiceState.NOT_LOADED)),
    (Status.STOPPING, _service(ServiceState.STOPPING)),
    (Status.STARTING, _starting),
    (Status.STARTING, lambda s: not s.connected and s.fault is None),
    (Status.UNREACHABLE, lambda s: not s.connected),
    (Status.GENERATING, _any_request(Phase.GENERATING)),
    (Status.GENERATING, _any_slot(Meter.growing)),
    (Status.PROMPT, _any_request(Phase.PROMPT)),
    (Status.PROMPT, _any_slot(Meter.reading)),
    (Status.LOADING, _any_model(STARTING)),
    (Status.GENERATING, _any_request(Phase.WORKING)),
    (Status.GENERATING, _busy_by_count),
    (Status.QUEUED, lambda s: bool(in_flight(s))),
    (Status.STOPPING, _any_model(STOPPING)),
    (Status.READY, _any_model(READY)),
    (Status.READY, _unheard_of),
    (Status.STARTING, lambda s: s.table_is_new and not s.models),  # nothing has told yet what is loaded
    (Status.EMPTY, lambda _: True),
)

BUSY = (Status.GENERATING, Status.PROMPT, Status.LOADING, Status.QUEUED, Status.STOPPING)
