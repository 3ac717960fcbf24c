"""Figures derived from a snapshot at a moment: speeds, time left, progress. Pure; None is unknown."""

from typing import Iterable, List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core.capabilities import Capability
from llamabar.core.events import Slot
from llamabar.core.history import Readings
from llamabar.core.path_kind import PathKind
from llamabar.core.phases import Phase, phases
from llamabar.core.speed import Reading, Source, estimate_tps
from llamabar.core.state import READY, STARTING, Host, Model, Request, Snapshot, at_work, in_flight, in_use, requests_of

JUST_ENDED_S = 1.5
GPU_FRESH_S = 30.0
KEPT_OPEN_S = 8.0  # llama.cpp and most others close llama-swap's connection 5 s after a request


def generation(snapshot: Snapshot, model: Model, *, now_s: float) -> Optional[Reading]:
    """Return a model's current speed, live or estimated; None if it doesn't generate or that can't be known."""
    if not snapshot.connected or not (model.state == READY or model.info.peer):
        return None
    live = model.meter.by_slots(now_s)
    requests = requests_of(snapshot, model.id)
    writing = [one for one in requests if one.trail and phases(snapshot)[one.info.id] is Phase.GENERATING]
    untold = at_work(model) or (Capability.INFLIGHT_LIST not in snapshot.confirmed and in_flight(snapshot))
    if live is not None and (requests or untold):
        return live
    if not writing:
        return None
    estimate = estimate_tps(model.meter, ((r.info.path, r.trail) for r in writing), now_s=now_s)
    return None if estimate is None else Reading(estimate, Source.ESTIMATE, at_s=now_s)


def peers_at_work(snapshot: Snapshot) -> List[Model]:
    """Return the peers' models that have requests in flight; the bytes of their answers tell their speed."""
    models = (snapshot.models.get(model_id) for model_id in snapshot.by_model)
    return [model for model in models if model is not None and model.info.peer]


def last(model: Model) -> Optional[Reading]:
    """Return the speed of the last finished request; `at_s` is 0 if it ended before this program started."""
    row = model.meter.last
    if row is None or row.generation_tps is None:
        return None
    return Reading(row.generation_tps, Source.LAST, at_s=model.meter.last_at_s or 0.0)


def total(readings: Iterable[Reading]) -> Optional[Reading]:
    """Return the sum of speeds, None if there are none; the least certain source counts for all."""
    found = list(readings)
    if not found:
        return None
    source = Source.ESTIMATE if any(r.source is Source.ESTIMATE for r in found) else Source.LIVE
    return Reading(sum(r.tps for r in found), source, at_s=min(r.at_s for r in found))


def prompt_position(model: Model) -> Optional[int]:
    """Return how many prompt tokens have been read, if the model server reports it; it never reports the total."""
    reading = [slot for slot in model.meter.busy if not slot.decoded_tokens and slot.prompt_tokens is not None]
    return sum(_read_tokens(slot) for slot in reading) or None


def decoded_tokens(snapshot: Snapshot, model: Model) -> Optional[int]:
    """Return the tokens generated so far, if there is exactly one request and one busy slot."""
    counts = [slot.decoded_tokens for slot in model.meter.busy]
    return counts[0] if len(counts) == 1 and len(requests_of(snapshot, model.id)) == 1 else None


def prompt_tokens(snapshot: Snapshot, model: Model) -> Optional[int]:
    """Return the length of a prompt, cache included, if there is exactly one request and one slot that generates."""
    begun = [slot for slot in model.meter.busy if slot.decoded_tokens]
    together = len(begun) == 1 and len(requests_of(snapshot, model.id)) == 1
    return _read_tokens(begun[0]) or None if together else None


def _read_tokens(slot: Slot) -> int:
    return (slot.prompt_tokens or 0) + (slot.cached_tokens or 0)


def context_tokens(model: Model) -> Optional[int]:
    """Return the context of one slot, as the model server or else llama-swap's config reports it."""
    return model.context_tokens or model.info.context_tokens


def context_used(model: Model) -> Optional[int]:
    """Return how much of its context the fullest busy slot holds, None if the model server doesn't report it."""
    busy = [slot for slot in model.meter.busy if slot.prompt_tokens is not None]
    return max((_read_tokens(slot) + (slot.decoded_tokens or 0) for slot in busy), default=None)


def unloads_in_s(snapshot: Snapshot, model: Model, *, now_s: float) -> Optional[float]:
    """Return the time until the unload; None if it never comes, a request prevents it, or it can't be known."""
    idle = in_use(snapshot, model) is False
    if not snapshot.connected or model.state != READY or not model.ttl_s or model.last_use_s is None or not idle:
        return None
    if model.connections and now_s - model.last_use_s > KEPT_OPEN_S:
        return None  # maybe by a request that isn't listed, such as a websocket without traffic
    rest_s = model.last_use_s + model.ttl_s - now_s
    return rest_s if rest_s > -2.0 else None  # long past: the model was used in a way that we can't see


def loading_for_s(model: Model, *, now_s: float) -> Optional[float]:
    """Return how long a model has been loading; None if it isn't, or if that began before this program started."""
    if model.state != STARTING or model.state_since_s is None:
        return None
    return now_s - model.state_since_s


def servers_missed(snapshot: Snapshot, *, now_s: float) -> int:
    """Return a number that grows 2, 8, 32 s and so on after the last model became ready whose server wasn't found.

    Up to v185 no port is reported, and looking up again would only lose a process that crashed.
    """
    missed = [one for one in snapshot.loaded if one.proxy and one.process is not None and one.server_url is None]
    since_s = max((one.state_since_s or 0.0 for one in missed), default=now_s)
    return int(now_s - max(since_s, snapshot.connection_since_s or 0.0)).bit_length() // 2


def median(values: Iterable[float]) -> Optional[float]:
    """Return the median, or None if there are no values."""
    ordered: List[float] = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class Sample(NamedTuple):
    """The readings of one moment: the server's, and those of each loaded model by ID."""

    server: Readings
    models: Mapping[str, Readings]


def gpu(host: Host, *, now_s: float) -> Tuple[Optional[float], Optional[float]]:
    """Return the GPU's use and its power in watts, unless they are old: they come only while requests are in flight."""
    fresh = host.gpu_at_s is not None and now_s - host.gpu_at_s <= GPU_FRESH_S
    return (host.gpu_ratio, host.gpu_power_w) if fresh else (None, None)


def sample(snapshot: Snapshot, *, now_s: float) -> Sample:
    """Return the current readings for the history; nothing is known of a server that isn't connected."""
    host = snapshot.host
    gpu_ratio, _ = gpu(host, now_s=now_s)
    if not snapshot.connected:
        return Sample(Readings(cpu_ratio=host.cpu_ratio), {})
    counted, found = in_flight(snapshot) is not None, phases(snapshot)
    models, speeds = {}, []
    for model in snapshot.loaded:
        requests, reading = requests_of(snapshot, model.id), generation(snapshot, model, now_s=now_s)
        idle = counted and not any(_may_generate(one, found[one.info.id]) for one in requests)
        speeds += [] if reading is None else [reading]
        models[model.id] = Readings(
            reading.tps if reading else 0.0 if idle else None, _prompt_tps(model, now_s),
            len(requests) if Capability.INFLIGHT_LIST in snapshot.confirmed else None, model.memory_bytes,
        )  # fmt: skip
    elsewhere = [generation(snapshot, model, now_s=now_s) for model in peers_at_work(snapshot)]
    speeds += [reading for reading in elsewhere if reading is not None]
    speed, idle = total(speeds), not any(_may_generate(snapshot.requests[one], phase) for one, phase in found.items())
    memory = [used for used in (model.memory_bytes for model in models.values()) if used is not None]
    prompts = [one.prompt_tps for one in models.values() if one.prompt_tps is not None]
    return Sample(
        Readings(
            generation_tps=speed.tps if speed else (0.0 if idle and counted else None),
            prompt_tps=prompts[0] if prompts else None,
            in_flight=in_flight(snapshot),
            memory_bytes=float(sum(memory)) if memory or not models else None,
            cpu_ratio=host.cpu_ratio,
            gpu_ratio=gpu_ratio,
        ),
        models,
    )


def _may_generate(request: Request, phase: Phase) -> bool:
    return phase is Phase.GENERATING or (phase is Phase.WORKING and request.kind in (PathKind.TEXT, PathKind.OTHER))


def _prompt_tps(model: Model, now_s: float) -> Optional[float]:
    """Return the prompt speed of a request that has just ended; llama-server reports none while it reads."""
    ended_s, row = model.meter.last_at_s, model.meter.last
    return row.prompt_tps if row is not None and ended_s is not None and 0 <= now_s - ended_s < JUST_ENDED_S else None
