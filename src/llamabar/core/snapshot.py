"""From one snapshot to the next: `apply` is the only way.

What was known before a connection was lost is kept: the view shows how old it is.
"""

from dataclasses import replace
from typing import Callable, Dict, Optional, Type

from llamabar.core import events as ev
from llamabar.core import speed
from llamabar.core.apply_host import clients, gpu, measured, memory
from llamabar.core.apply_requests import finished
from llamabar.core.state import (
    LOAD_TIMES_KEPT,
    READY,
    STARTING,
    STOPPED,
    Asked,
    Model,
    Request,
    Snapshot,
    requests_of,
    with_model,
)


def apply(snapshot: Snapshot, event: ev.Event, at_s: float) -> Snapshot:
    """Return the snapshot after an event that was received at `at_s`."""
    return _APPLY[type(event)](snapshot, event, at_s)


def _opened(snapshot: Snapshot, event: ev.StreamOpened, at_s: float) -> Snapshot:
    if event.refreshed and snapshot.connected:
        return replace(_heard(snapshot, at_s), requests={}, inflight_total=None)
    return replace(
        snapshot,
        connected=True,
        connections=snapshot.connections + 1,
        connection_since_s=at_s,
        fault=None,
        last_seen_s=at_s,
        last_event_s=at_s,
        missed_heartbeats=0,
        table_is_new=True,
        requests={},
        inflight_total=None,
        confirmed=frozenset(),
        refuted=frozenset(),
        newest_row_id=None,
        version=None,
        profiles=(),
        profile=None,
    )


def _lost(snapshot: Snapshot, event: ev.StreamLost, at_s: float) -> Snapshot:
    since_s = at_s if snapshot.connected or snapshot.fault is None else snapshot.connection_since_s
    wakes = snapshot.wakes or event.fault.kind is ev.FaultKind.ASLEEP
    return replace(snapshot, connected=False, connection_since_s=since_s, fault=event.fault, wakes=wakes)


def _models(snapshot: Snapshot, event: ev.ModelsListed, at_s: float) -> Snapshot:
    since_s = None if snapshot.table_is_new else at_s
    models = {
        info.id: _changed(snapshot.models.get(info.id), info, since_s=since_s, at_s=at_s) for info in event.models
    }
    return replace(_heard(snapshot, at_s), models=models, table_is_new=False)


def _changed(old: Optional[Model], info: ev.ModelInfo, *, since_s: Optional[float], at_s: float) -> Model:
    if old is None:
        return Model(info, state_since_s=None)
    if old.state == info.state and since_s is not None:
        return old if old.info == info else replace(old, info=info)
    model = replace(old, info=info, state_since_s=since_s, running_read=False, proxy=None, slots_closed=False)
    model = replace(model, process=None, clients=(), idle_clients=())
    model = replace(model, meter=speed.with_slots(old.meter, None, at_s=at_s))
    if since_s is None:
        return replace(model, last_use_s=None, failed_at_s=None, failure="")
    if info.state == READY:
        took_s = since_s - old.state_since_s if old.state == STARTING and old.state_since_s is not None else None
        times = old.load_times_s if took_s is None else (*old.load_times_s, took_s)[-LOAD_TIMES_KEPT:]
        return replace(model, load_times_s=times, last_use_s=since_s, failed_at_s=None, failure="")
    if info.state == STOPPED:
        failed = at_s if old.state == STARTING else None
        return replace(model, memory_bytes=None, memory_peak_bytes=None, failed_at_s=failed, failure="")
    return model


def _inflight_listed(snapshot: Snapshot, event: ev.InflightListed, at_s: float) -> Snapshot:
    requests = {info.id: _request(snapshot.requests.get(info.id), info, at_s) for info in event.requests}
    gone = [old for old_id, old in snapshot.requests.items() if old_id not in requests]
    for request in gone:
        snapshot = _ended(snapshot, request, at_s)
    return replace(_confirm(_heard(snapshot, at_s), "inflight_list"), requests=requests)


def _inflight_upserted(snapshot: Snapshot, event: ev.InflightUpserted, at_s: float) -> Snapshot:
    request = _request(snapshot.requests.get(event.request.id), event.request, at_s)
    requests = {**snapshot.requests, request.info.id: request}
    snapshot = _confirm(_confirm(_heard(snapshot, at_s), "inflight_list"), "inflight_bytes")
    return replace(snapshot, requests=requests)


def _request(old: Optional[Request], info: ev.RequestInfo, at_s: float) -> Request:
    if old is not None:
        info = info._replace(
            model=info.model or old.info.model,
            path=info.path or old.info.path,
            stamp=info.stamp or old.info.stamp,
        )
    started_s = at_s - (info.elapsed_s or 0.0) if old is None else old.started_s
    moment_s = at_s if info.elapsed_s is None else started_s + info.elapsed_s
    trail = old.trail if old is not None else ()
    if info.resp_bytes:
        trail = speed.extend(trail, speed.Sample(moment_s, info.resp_bytes))
    return Request(info, started_s=started_s, seen_s=at_s, trail=trail)


def _inflight_removed(snapshot: Snapshot, event: ev.InflightRemoved, at_s: float) -> Snapshot:
    old = snapshot.requests.get(event.id)
    snapshot = _heard(snapshot, at_s)
    if old is None:
        return snapshot
    requests = {request_id: request for request_id, request in snapshot.requests.items() if request_id != event.id}
    return replace(_ended(snapshot, old, at_s), requests=requests)


def _ended(snapshot: Snapshot, request: Request, at_s: float) -> Snapshot:
    model = snapshot.models.get(request.info.model)
    snapshot = replace(snapshot, last_activity_s=at_s)
    if model is None:
        return snapshot
    unseen_s = min(0.25, at_s - request.trail[-1].at_s) if request.trail else 0.0  # upserts come every 250 ms
    slope = speed.pace(request.trail, shortest_s=speed.SHORTEST_BYTE_WINDOW_S) or 0.0
    grown = (request.trail[-1].total if request.trail else 0.0) + slope * max(0.0, unseen_s)
    meter = speed.with_ended(model.meter, request.info.path, resp_bytes=grown)
    if all(other.info.id == request.info.id for other in requests_of(snapshot, model.id)):
        meter = speed.with_slots(meter, None, at_s=at_s)  # what its slots did is over
    return with_model(snapshot, replace(model, last_use_s=at_s, meter=meter))


def _inflight_counted(snapshot: Snapshot, event: ev.InflightCounted, at_s: float) -> Snapshot:
    fewer = snapshot.inflight_total is not None and event.total < snapshot.inflight_total
    snapshot = _heard(snapshot, at_s)
    if fewer:
        snapshot = replace(snapshot, last_activity_s=at_s)
        ready = [model for model in snapshot.models.values() if model.state == READY]
        if len(ready) == 1:
            snapshot = with_model(snapshot, replace(ready[0], last_use_s=at_s))
    return replace(snapshot, inflight_total=event.total)


def _activity(snapshot: Snapshot, event: ev.ActivityNoted, at_s: float) -> Snapshot:
    noted_s = at_s if snapshot.activity_noted_s is None else snapshot.activity_noted_s
    return replace(
        _heard(snapshot, at_s),
        activity_noted_s=noted_s,
        activity_count=snapshot.activity_count + 1,
        activity_newest_id=event.id,
        last_activity_s=at_s,
    )


def _running(snapshot: Snapshot, event: ev.RunningListed, _: float) -> Snapshot:
    found = {entry.id: entry for entry in event.models}
    models: Dict[str, Model] = {}
    for model_id, model in snapshot.models.items():
        entry = found.get(model_id)
        if entry is not None:
            model = replace(model, proxy=entry.proxy, ttl_s=entry.ttl_s, may_sleep=entry.may_sleep)
        models[model_id] = replace(model, running_read=model.state == READY)
    return replace(snapshot, models=models)


def _slots(snapshot: Snapshot, event: ev.SlotsAnswered, at_s: float) -> Snapshot:
    model = snapshot.models.get(event.model)
    if model is None or model.state != READY:
        return snapshot
    seen_s = model.meter.slots_at_s
    stale = seen_s is not None and at_s - seen_s > speed.SLOTS_FRESH_S
    keep = event.slots is None and not stale  # one answer missed is no reason to forget
    meter = model.meter if keep else speed.with_slots(model.meter, event.slots, at_s=at_s)
    told = [slot.context_tokens for slot in event.slots or () if slot.context_tokens]
    context = told[0] if told else model.context_tokens
    writing = [request for request in requests_of(snapshot, model.id) if request.trail]
    if event.slots is not None and len(writing) == 1 and len(requests_of(snapshot, model.id)) == 1:
        trail = writing[0].trail
        slope = speed.pace(trail, shortest_s=speed.SHORTEST_BYTE_WINDOW_S) or 0.0
        grown = trail[-1].total + slope * min(0.25, max(0.0, at_s - trail[-1].at_s))
        meter = speed.with_byte_count(meter, writing[0].info.path, resp_bytes=grown)
    idle = event.slots is not None and not any(slot.processing for slot in event.slots)
    model = replace(model, meter=meter, slots_closed=model.slots_closed or event.closed, context_tokens=context)
    return with_model(snapshot, replace(model, idle_clients=model.clients) if idle else model)


def _health(snapshot: Snapshot, event: ev.HealthAnswered, at_s: float) -> Snapshot:
    if event.alive:
        return replace(snapshot, missed_heartbeats=0, last_seen_s=at_s)
    return replace(snapshot, missed_heartbeats=snapshot.missed_heartbeats + 1)


def _capabilities(snapshot: Snapshot, event: ev.CapabilitiesFound, _: float) -> Snapshot:
    return replace(snapshot, confirmed=snapshot.confirmed | event.confirmed, refuted=snapshot.refuted | event.refuted)


def _confirm(snapshot: Snapshot, name: str) -> Snapshot:
    return snapshot if name in snapshot.confirmed else replace(snapshot, confirmed=snapshot.confirmed | {name})


def _profile(snapshot: Snapshot, event: ev.ProfileChosen, at_s: float) -> Snapshot:
    return replace(_heard(snapshot, at_s), profile=event.active)


def _profiles(snapshot: Snapshot, event: ev.ProfilesListed, _: float) -> Snapshot:
    return replace(snapshot, profiles=event.names, profile=event.active)


def _version(snapshot: Snapshot, event: ev.VersionRead, _: float) -> Snapshot:
    return replace(snapshot, version=event.version)


def _service(snapshot: Snapshot, event: ev.ServiceFound, _: float) -> Snapshot:
    return replace(snapshot, service=event)


def _action_asked(snapshot: Snapshot, event: ev.ActionAsked, at_s: float) -> Snapshot:
    recent = {token: asked for token, asked in snapshot.asked.items() if at_s - asked.at_s < 600}
    return replace(snapshot, asked={**recent, event.token: Asked(at_s, what=event.what)})


def _action_ended(snapshot: Snapshot, event: ev.ActionEnded, at_s: float) -> Snapshot:
    asked = replace(snapshot.asked.get(event.token, Asked(at_s)), ended_s=at_s, failure=event.failure)
    return replace(snapshot, asked={**snapshot.asked, event.token: asked})


def _heard(snapshot: Snapshot, at_s: float) -> Snapshot:
    return replace(snapshot, last_seen_s=at_s, last_event_s=at_s, missed_heartbeats=0)


_APPLY: Dict[Type[object], Callable[..., Snapshot]] = {
    ev.StreamOpened: _opened,
    ev.StreamLost: _lost,
    ev.ModelsListed: _models,
    ev.InflightListed: _inflight_listed,
    ev.InflightUpserted: _inflight_upserted,
    ev.InflightRemoved: _inflight_removed,
    ev.InflightCounted: _inflight_counted,
    ev.ActivityNoted: _activity,
    ev.RequestsFinished: finished,
    ev.ProfileChosen: _profile,
    ev.ProfilesListed: _profiles,
    ev.RunningListed: _running,
    ev.VersionRead: _version,
    ev.CapabilitiesFound: _capabilities,
    ev.HealthAnswered: _health,
    ev.SlotsAnswered: _slots,
    ev.HostMeasured: measured,
    ev.GpuMeasured: gpu,
    ev.MemoryMeasured: memory,
    ev.ClientsSeen: clients,
    ev.ServiceFound: _service,
    ev.ActionAsked: _action_asked,
    ev.ActionEnded: _action_ended,
}
