"""Apply measurements of processes, connections, this computer, and its GPU to a snapshot."""

from dataclasses import replace
from typing import Optional

from llamabar.core import events as ev
from llamabar.core import speed
from llamabar.core.capabilities import Capability
from llamabar.core.state import READY, STOPPED, Model, Snapshot, at_work, requests_of, with_model

IDLE_CONNECTION_S = 95.0  # llama-swap closes a connection after 90 s without a request; not a websocket


def memory(snapshot: Snapshot, event: ev.MemoryMeasured, _: float) -> Snapshot:
    """Return the snapshot after the processes were measured; the memory of a model that wasn't found is unknown."""
    models = dict(snapshot.models)
    for model_id, model in snapshot.models.items():
        if model.memory_bytes is not None and model_id not in event.by_model_bytes:
            models[model_id] = replace(model, memory_bytes=None)
    for model_id, used_bytes in event.by_model_bytes.items():
        before = models.get(model_id)
        if before is not None and before.state != STOPPED and before.memory_bytes != used_bytes:
            peak = max(used_bytes, before.memory_peak_bytes or 0)
            models[model_id] = replace(before, memory_bytes=used_bytes, memory_peak_bytes=peak)
    for model_id, model in models.items() if event.servers is not None else ():
        if model.state == READY:
            models[model_id] = replace(model, process=(event.servers or {}).get(model_id, ev.ModelServer()))
    unplaced = snapshot.unplaced_works
    if event.servers is not None:
        unplaced = bool(unplaced) if event.unplaced else None
    host = replace(snapshot.host, server_bytes=event.server_bytes)
    return replace(snapshot, models=models, unplaced_works=unplaced, host=host)


def connections(snapshot: Snapshot, event: ev.ConnectionsSeen, at_s: float) -> Snapshot:
    """Return the snapshot after llama-swap's connections were listed; a model at work counts as used then."""
    for model_id, ports in event.by_model.items():
        model = snapshot.models.get(model_id)
        if model is None or model.state != READY:
            continue
        meter = model.meter if ports else speed.with_slots(model.meter, None, at_s=at_s)
        computing = model_id in event.computing and not _was_listed(snapshot, model, event.since_s)
        held = bool(model.connections) and not ports and _outlasted(model, at_s)
        model = replace(model, connections=ports, computing=computing, meter=meter)
        snapshot = with_model(snapshot, replace(model, last_use_s=at_s) if held or at_work(model) else model)
    works = event.unplaced if snapshot.unplaced_works is not None else None
    return snapshot if works == snapshot.unplaced_works else replace(snapshot, unplaced_works=works)


def _outlasted(model: Model, at_s: float) -> bool:
    """Tell whether a connection that was there until now was opened after the last use that is known."""
    return model.last_use_s is not None and at_s - model.last_use_s > IDLE_CONNECTION_S


def _was_listed(snapshot: Snapshot, model: Model, since_s: Optional[float]) -> bool:
    """Tell whether a listed request may have used the CPU since the last check: then that shows no other."""
    if Capability.INFLIGHT_LIST not in snapshot.confirmed:
        return False
    if since_s is None or since_s < (snapshot.connection_since_s or since_s):
        return True  # requests that ended before this connection weren't seen
    ended_s = model.listed_use_s
    return bool(requests_of(snapshot, model.id)) or (ended_s is not None and ended_s >= since_s)


def measured(snapshot: Snapshot, event: ev.HostMeasured, _: float) -> Snapshot:
    """Return the snapshot after this computer was measured."""
    return replace(snapshot, host=replace(snapshot.host, **event._asdict()))


def gpu(snapshot: Snapshot, event: ev.GpuMeasured, at_s: float) -> Snapshot:
    """Return the snapshot after llama-swap reported its GPU."""
    return replace(
        snapshot, host=replace(snapshot.host, gpu_ratio=event.ratio, gpu_power_w=event.power_w, gpu_at_s=at_s)
    )
