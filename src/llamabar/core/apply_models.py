"""The model table: what changed since the last one, how long a load took, whether it failed, and which models crashed.

llama-swap reports a model's state but never why it changed (llama-swap API, 8): after a failed start a model is
"stopped" again, and so is one whose server crashed. A crash goes from "ready" to "stopped" without "stopping". An
unload goes through "stopping", but a table is built when it is delivered, so a quick unload may show as "stopped" twice
and never as "stopping" (4.2, and recordings/v250 at 20.061 s). So a model counts as quit unexpectedly only if nothing
else explains it:

- no table said that it was unloading, or said twice that it was stopped;
- nobody clicked here just before;
- its idle time wasn't over, and no other model was loading. With a request in flight this doesn't matter: neither the
  idle timer nor another model ever ends one.

If the idle time is unknown and nothing was in flight, there is no evidence, and nothing is reported. Up to v217 a crash
is the only change of state without an event; it is found because the stream is opened again when the processes are
gone.
"""

from dataclasses import replace
from math import inf
from typing import Iterable, Optional

from llamabar.core import events as ev
from llamabar.core import speed
from llamabar.core.run import RunEnded
from llamabar.core.state import READY, STARTING, STOPPED, Model, Snapshot, Swap, at_work, heard, in_flight, requests_of

LOAD_TIMES_KEPT = 9
CLICKED_S = 10.0  # an unload or restart that was clicked takes effect within this time
TOLD_TWICE_S = 1.0
MADE_ROOM_S = 0.5
CUT_S = 1.0  # a request that a crash cuts off may be reported as ended first
TTL_CHECK_S = 2.0  # llama-swap checks the idle time once a second
ENDING = ("unload", "unload all", "stop", "restart")  # the clicks that end a load (view/menu.py)
SHOWN_S = 600.0  # how long a failure is shown


def models(snapshot: Snapshot, event: ev.ModelsListed, at_s: float) -> Snapshot:
    """Return the snapshot with a new model table."""
    before = snapshot.models
    since_s = None if snapshot.table_is_new else at_s
    goes_on = since_s is not None or snapshot.table_is_resumed
    found = {
        info.id: _changed(before.get(info.id), info, since_s=since_s, at_s=at_s, goes_on=goes_on)
        for info in event.models
    }
    for model_id, model in found.items() if since_s is not None else ():
        if model.state == STARTING and model.state_since_s == at_s:
            found[model_id] = replace(model, swap=_swap(found.values(), model_id, at_s))
    told_twice = all(model_id in before and before[model_id].state == model.state for model_id, model in found.items())
    for model_id, model in found.items() if since_s is not None else ():
        old = before.get(model_id)
        if old is not None and model.failed_at_s == at_s and _ended_here(snapshot, old, at_s):
            found[model_id] = replace(model, failed_at_s=None)
        elif old is not None and old.state == READY and model.state == STOPPED:
            quit_s = at_s if _quit(snapshot, event, old, at_s) else None
            found[model_id] = replace(model, quit_at_s=quit_s)
        elif told_twice and model.quit_at_s is not None and at_s - model.quit_at_s < TOLD_TWICE_S:
            found[model_id] = replace(model, quit_at_s=None)
    return heard(
        snapshot, at_s, models=found, models_left_out=event.left_out, table_is_new=False, table_is_refreshed=False,
        table_is_resumed=False,
    )


def was_unloaded(error: str) -> bool:
    """Tell whether a request's error says that it waited for a load that somebody ended: either, at random."""
    return "model unloaded" in error or error.endswith(": aborted")


def did_not_start(error: str) -> bool:
    """Tell whether a request's error says that its model's server couldn't be started, or ended while it started."""
    return "failed to start" in error or "exited prematurely" in error


def _ended_here(snapshot: Snapshot, model: Model, at_s: float) -> bool:
    """Tell whether a click here ended a model's load, or unloaded it: it takes effect while it is in progress, or soon
    after, but not on what began when it was done."""
    since_s = model.state_since_s or -inf
    recent = (
        one for one in snapshot.asked.values()
        if one.ended_s is None or (at_s - one.at_s < CLICKED_S and one.ended_s >= since_s)
    )  # fmt: skip
    return any(one.what in ENDING and (one.what != "unload" or one.target == model.id) for one in recent)


def _swap(models: Iterable[Model], loading: str, at_s: float) -> Swap:
    """Return which models llama-swap unloaded just before it started this one, to make room, and which stayed."""
    others = [model for model in models if model.id != loading]
    stopped = (one for one in others if one.state == STOPPED and one.failed_at_s is None and one.quit_at_s is None)
    made_room = (one.id for one in stopped if at_s - (one.state_since_s or -MADE_ROOM_S) < MADE_ROOM_S)
    return Swap(tuple(made_room), tuple(one.id for one in others if one.state == READY))


def listed_id(snapshot: Snapshot, model_id: str) -> str:
    """Return the ID under which the table lists a request's model: from v242 on, a peer's model is `<peer>/<model>`
    there, but requests may name it without the peer. If two peers have it, nothing tells whose it is."""
    if model_id in snapshot.models:
        return model_id
    peers = [one.id for one in snapshot.models.values() if one.info.peer and one.id == f"{one.info.peer}/{model_id}"]
    return peers[0] if len(peers) == 1 else model_id


def quit_explained(snapshot: Snapshot, event: RunEnded, _: float) -> Snapshot:
    """Return the snapshot with llama-swap's last log line about a model that quit, unless the model changed since."""
    model = snapshot.models.get(event.model)
    if model is None or model.quit_at_s is None or model.state != STOPPED:
        return snapshot
    return replace(snapshot, models={**snapshot.models, model.id: replace(model, failure=event.line)})


def has_quit(model: Model, *, now_s: float) -> bool:
    """Tell whether a model's server quit unexpectedly a short time ago and hasn't been loaded again."""
    return model.quit_at_s is not None and model.state == STOPPED and now_s - model.quit_at_s < SHOWN_S


def has_failed(model: Model, *, now_s: float) -> bool:
    """Tell whether a model failed to load a short time ago."""
    return model.failed_at_s is not None and now_s - model.failed_at_s < SHOWN_S


def _changed(
    old: Optional[Model], info: ev.ModelInfo, *, since_s: Optional[float], at_s: float, goes_on: bool
) -> Model:
    if old is None:
        return Model(info)
    if old.state == info.state and goes_on:
        return old if old.info == info else replace(old, info=info)
    model = replace(
        old, info=info, state_since_s=since_s, running_read=False, proxy=None, slots_closed=False, process=None,
        connections=None, computing=False, meter=speed.with_slots(old.meter, None, at_s=at_s),
    )  # fmt: skip
    if since_s is None:
        model = replace(model, ready_s=None, last_use_s=None, ttl_s=None)  # its config may have changed, too
        return replace(model, load_s=None, failed_at_s=None, failure="", quit_at_s=None)
    if info.state == READY:
        took_s = since_s - old.state_since_s if old.state == STARTING and old.state_since_s is not None else None
        times = old.load_times_s if took_s is None else (*old.load_times_s, took_s)[-LOAD_TIMES_KEPT:]
        left = (old.listed_use_s or -inf) >= (old.state_since_s or 0.0)  # a caller left: then the load is no use
        used_s = None if left else since_s
        model = replace(model, load_times_s=times, load_s=took_s, ready_s=since_s, last_use_s=used_s)
        return replace(model, memory_peak_bytes=model.memory_bytes, failed_at_s=None, failure="", quit_at_s=None)
    if info.state == STOPPED:
        failed_s = at_s if old.state == STARTING else None
        return replace(model, memory_bytes=None, failed_at_s=failed_s, failure="")
    return model


def _quit(snapshot: Snapshot, event: ev.ModelsListed, model: Model, at_s: float) -> bool:
    """Tell whether a model that was ready and is stopped can only have quit by itself."""
    if model.id in event.unloading or _ended_here(snapshot, model, at_s):
        return False
    if snapshot.table_is_refreshed or requests_of(snapshot, model.id) or at_work(model):
        return True
    others = [one for one in snapshot.models.values() if one.id != model.id and one.state != READY]
    waited_for = any(requests_of(snapshot, one.id) for one in others if not one.info.peer)  # what is there makes room
    if waited_for or any(info.state == STARTING and info.id != model.id for info in event.models):
        return False
    ready = [one for one in snapshot.models.values() if one.state == READY]
    cut = model.last_use_s is not None and at_s - model.last_use_s < CUT_S
    if cut or (in_flight(snapshot) and len(ready) == 1):
        return True
    if model.ttl_s is None or (model.ttl_s and model.last_use_s is None):
        return False
    return not model.ttl_s or (model.last_use_s or 0.0) + model.ttl_s - TTL_CHECK_S > at_s
