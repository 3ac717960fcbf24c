"""`apply` is the only way from one snapshot to the next.

What was known before a connection was lost is kept: the view shows how old it is.
"""

from dataclasses import replace
from typing import Callable, Dict, Type

from llamabar.core import events as ev
from llamabar.core import speed
from llamabar.core.apply_host import connections, gpu, measured, memory
from llamabar.core.apply_inflight import counted, listed, removed, upserted
from llamabar.core.apply_models import models, quit_explained, was_unloaded
from llamabar.core.apply_requests import finished
from llamabar.core.limits import CLICKS
from llamabar.core.run import RunEnded
from llamabar.core.server_clock import by_header
from llamabar.core.state import READY, Model, PendingAction, Snapshot, at_work, heard, requests_of, with_model

ASKED_FOR_S = 600.0  # how long a click is remembered


def apply(snapshot: Snapshot, event: ev.Event, at_s: float) -> Snapshot:
    """Return the snapshot after an event that was received at `at_s`."""
    return _APPLY[type(event)](snapshot, event, at_s)


def _opened(snapshot: Snapshot, event: ev.StreamOpened, at_s: float) -> Snapshot:
    snapshot = replace(snapshot, clock=by_header(snapshot.clock, event.clock_s))
    if event.refreshed and snapshot.connected:
        snapshot = replace(heard(snapshot, at_s), table_is_refreshed=True)
        return replace(snapshot, requests={}, requests_left_out=0, inflight_total=None)
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
        table_is_refreshed=False,
        table_is_resumed=event.resumed and snapshot.connected,
        requests={},
        requests_left_out=0,
        inflight_total=None,
        confirmed=frozenset(),
        refuted=frozenset(),
        newest_row_id=None,
        version=None,
        profiles=(),
        profile=None,
        unplaced_works=None,
    )


def _lost(snapshot: Snapshot, event: ev.StreamLost, at_s: float) -> Snapshot:
    since_s = at_s if snapshot.connected or snapshot.fault is None else snapshot.connection_since_s
    wakes = snapshot.wakes or event.fault.kind is ev.FaultKind.ASLEEP
    return replace(snapshot, connected=False, connection_since_s=since_s, fault=event.fault, wakes=wakes)


def _activity(snapshot: Snapshot, event: ev.ActivityNoted, at_s: float) -> Snapshot:
    noted_s = at_s if snapshot.activity_noted_s is None else snapshot.activity_noted_s
    return replace(
        heard(snapshot, at_s),
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
    keep = event.slots is None and not stale  # one missed answer is no reason to forget
    meter = model.meter if keep else speed.with_slots(model.meter, event.slots, at_s=at_s)
    told = [slot.context_tokens for slot in event.slots or () if slot.context_tokens]
    context = told[0] if told else model.context_tokens
    writing = [request for request in requests_of(snapshot, model.id) if request.trail]
    if event.slots is not None and len(writing) == 1 and len(requests_of(snapshot, model.id)) == 1:
        trail = writing[0].trail
        meter = speed.with_byte_count(meter, writing[0].info.path, resp_bytes=speed.grown_bytes(trail, at_s))
    model = replace(model, meter=meter, slots_closed=model.slots_closed or event.closed, context_tokens=context)
    return with_model(snapshot, replace(model, last_use_s=at_s) if at_work(model) else model)


def _health(snapshot: Snapshot, event: ev.HealthAnswered, at_s: float) -> Snapshot:
    if event.alive:
        clock = by_header(snapshot.clock, event.clock_s)
        return replace(snapshot, missed_heartbeats=0, last_seen_s=at_s, clock=clock)
    return replace(snapshot, missed_heartbeats=snapshot.missed_heartbeats + 1)


def _action_asked(snapshot: Snapshot, event: ev.ActionAsked, at_s: float) -> Snapshot:
    recent = [(token, asked) for token, asked in snapshot.asked.items() if at_s - asked.at_s < ASKED_FOR_S][-CLICKS:]
    asked = PendingAction(at_s, what=event.what, target=event.target)
    return replace(snapshot, asked={**dict(recent), event.token: asked})


def _action_ended(snapshot: Snapshot, event: ev.ActionEnded, at_s: float) -> Snapshot:
    asked = snapshot.asked.get(event.token, PendingAction(at_s))
    failure = "" if asked.what == "load" and was_unloaded(event.failure) else event.failure
    asked = replace(asked, ended_s=at_s, failure=failure)
    return replace(snapshot, asked={**snapshot.asked, event.token: asked})


_APPLY: Dict[Type[object], Callable[..., Snapshot]] = {
    ev.StreamOpened: _opened,
    ev.StreamLost: _lost,
    ev.ModelsListed: models,
    RunEnded: quit_explained,
    ev.InflightListed: listed,
    ev.InflightUpserted: upserted,
    ev.InflightRemoved: removed,
    ev.InflightCounted: counted,
    ev.ActivityNoted: _activity,
    ev.RequestsFinished: finished,
    ev.ProfileChosen: lambda snapshot, event, at_s: heard(snapshot, at_s, profile=event.active),
    ev.ProfilesListed: lambda snapshot, event, _: replace(snapshot, profiles=event.names, profile=event.active),
    ev.RunningListed: _running,
    ev.VersionRead: lambda snapshot, event, _: replace(snapshot, version=event.version),
    ev.CapabilitiesFound: lambda snapshot, event, _: replace(
        snapshot, confirmed=snapshot.confirmed | event.confirmed, refuted=snapshot.refuted | event.refuted
    ),
    ev.HealthAnswered: _health,
    ev.SlotsAnswered: _slots,
    ev.HostMeasured: measured,
    ev.GpuMeasured: gpu,
    ev.MemoryMeasured: memory,
    ev.ConnectionsSeen: connections,
    ev.ServiceFound: lambda snapshot, event, _: replace(snapshot, service=event),
    ev.ActionAsked: _action_asked,
    ev.ActionEnded: _action_ended,
}
