"""The models: those that are loaded, each with what it does; the rest folded under "Load"."""

from dataclasses import replace
from typing import List, Optional, Tuple

from llamabar.core import readings, units
from llamabar.core.capabilities import loadable
from llamabar.core.phases import Phase, phases
from llamabar.core.state import READY, STARTING, STOPPING, Model, Snapshot, at_work, in_flight, requests_of
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.scene import Server
from llamabar.view.text import name, reason

FAILED_FOR_S = 3600.0
NOT_LOADED = ("stopped", "shutdown", "unknown", "")


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each loaded model, for each that just failed, and one for all the others."""
    models = [model for _, model in sorted(server.snapshot.models.items())]
    shown = [model for model in models if _has_row(server, model, now_s)]
    found = [_model_row(server, model, now_s) for model in shown]
    rest = [model for model in models if model not in shown and not model.info.unlisted and not model.info.peer]
    if rest:
        found.append(_load_row(server, rest, everything=not shown))
    peers = [model for model in models if model.info.peer]
    if peers:
        named = tuple(Row(_label(model), level=Level.QUIET) for model in peers)
        found.append(Row(f"Peers: {units.plural(len(peers), 'model')} on other hosts", children=named))
    return tuple(found)


def state_words(snapshot: Snapshot, model: Model, *, now_s: float) -> str:
    """Return what a model does right now, in words that stay true while they stand there."""
    if model.state == READY:
        return _ready_words(snapshot, model, now_s)
    if model.state == STARTING:
        usual_s = readings.median(model.load_times_s)
        return words.loading(readings.loading_for_s(model, now_s=now_s), usual_s)
    if model.failed_at_s is not None:
        return words.failed(now_s - model.failed_at_s, reason(model.failure))
    return words.MODEL_STATES.get(model.state, reason(model.state))


def _ready_words(snapshot: Snapshot, model: Model, now_s: float) -> str:
    doing = _doing(snapshot, model, now_s)
    rest_s = readings.unloads_in_s(snapshot, model, now_s=now_s)
    unload = words.unload(model.ttl_s, rest_s, busy=doing is not None)
    if doing is not None:
        return doing
    return f"ready, {unload}" if unload else "ready"


def _doing(snapshot: Snapshot, model: Model, now_s: float) -> Optional[str]:
    found = phases(snapshot)
    current = [found[request.info.id] for request in requests_of(snapshot, model.id)]
    reading = readings.generation(snapshot, model, now_s=now_s)
    if Phase.GENERATING in current or (reading is not None and not current):
        return "generating" + ("" if reading is None else f" {words.speed(reading)}")
    if Phase.PROMPT in current:
        return words.prompt(readings.prompt_position(model))
    if Phase.WORKING in current:
        return f"{words.BUSY}, {units.plural(len(current), 'request')}"
    if not current and at_work(model) and model.meter.busy_slots():
        return words.prompt(readings.prompt_position(model)) if model.meter.reading() else words.BUSY
    counted = in_flight(snapshot)
    ready = [other for other in snapshot.models.values() if other.state == READY]
    if not snapshot.requests and counted and len(ready) == 1:
        return f"{words.BUSY}, {units.plural(counted, 'request')}"
    return "ready, requests waiting" if current else None


def _has_row(server: Server, model: Model, now_s: float) -> bool:
    failed = model.failed_at_s is not None and now_s - model.failed_at_s < FAILED_FOR_S
    return model.state not in NOT_LOADED or failed or _asked_words(server, model, Do.LOAD, now_s) != ""


def _model_row(server: Server, model: Model, now_s: float) -> Row:
    asked = _asked_words(server, model, Do.UNLOAD, now_s) or _asked_words(server, model, Do.LOAD, now_s)
    text = asked or state_words(server.snapshot, model, now_s=now_s)
    loaded = model.state not in NOT_LOADED
    failed = model.failed_at_s is not None and not loaded
    children = _details(server, model) if loaded else (replace(_load_item(server, model), text="Load again"),)
    return Row(f"{_label(model)}: {text}", children=children, level=Level.WARNING if failed else Level.NORMAL)


def _asked_words(server: Server, model: Model, do: Do, now_s: float) -> str:
    """A click shows at once, until the next news of the model; a refusal stays for ten seconds."""
    asked = server.snapshot.asked.get(Action(do, model.id, server=server.name).token)
    if asked is None:
        return ""
    if asked.failure and asked.ended_s is not None and now_s - asked.ended_s < words.REFUSED_FOR_S:
        return f"could not {do.value}, {reason(asked.failure)}"
    news = model.state_since_s is not None and model.state_since_s >= asked.at_s
    waiting = asked.ended_s is None and now_s - asked.at_s < words.REFUSED_FOR_S
    return f"{do.value} {words.ASKED}" if waiting and not news and not asked.failure else ""


def _details(server: Server, model: Model) -> Tuple[Row, ...]:
    snapshot = server.snapshot
    found: List[Row] = []
    last = readings.last(model)
    if last is not None and model.meter.last is not None:
        prompt = readings.prompt_tps(model.meter.last)
        prompt_words = f", prompt {units.rate(prompt)} tok/s" if prompt else ""
        found.append(Row(f"Speed: {words.speed(last)}{prompt_words}", level=Level.QUIET))
    if model.memory_bytes is not None:
        peak = f" (highest {units.size(model.memory_peak_bytes)})"
        grown = model.memory_peak_bytes and units.size(model.memory_peak_bytes) != units.size(model.memory_bytes)
        found.append(
            Row(f"Memory: {units.size(model.memory_bytes)}{peak if grown else ''}", level=Level.QUIET, ambient=True)
        )
    context = readings.context_tokens(model)
    if context:
        found.append(Row(f"Context: {units.count(context)} tokens", level=Level.QUIET))
    if model.load_times_s:
        usual = units.span(readings.median(model.load_times_s))
        found.append(Row(f"Load time: {usual} (median of {len(model.load_times_s)})", level=Level.QUIET))
    if "unload_one" in snapshot.confirmed and snapshot.connected and model.state != STOPPING:
        busy = len(requests_of(snapshot, model.id))
        lost = f", {units.plural(busy, 'request')} will be lost" if busy else ""
        found.append(Row(f"Unload: {_label(model)}{lost}", action=Action(Do.UNLOAD, model.id, server=server.name)))
    found.append(Row("Copy: model id", action=Action(Do.COPY, model.id, server=server.name)))
    return tuple(found)


def _load_row(server: Server, rest: List[Model], *, everything: bool) -> Row:
    listed = tuple(_load_item(server, model) for model in rest)
    which = units.plural(len(rest), "model") if everything else units.plural(len(rest), "more model")
    return Row(f"Load: {which}", children=listed)


def _load_item(server: Server, model: Model) -> Row:
    offered = server.snapshot.connected and loadable(server.snapshot, model)
    action = Action(Do.LOAD, model.id, server=server.name) if offered else None
    return Row(_label(model), action=action)


def _label(model: Model) -> str:
    return name(model.id)
