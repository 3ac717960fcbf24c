"""The models: those that are loaded, each with what it does; the rest folded under "Load"."""

from dataclasses import replace
from typing import List, Optional, Tuple

from llamabar.core import readings
from llamabar.core.apply_models import has_quit
from llamabar.core.capabilities import loadable
from llamabar.core.phases import Phase, phases
from llamabar.core.speed import Reading
from llamabar.core.state import READY, STARTING, Model, Snapshot, at_work, in_flight, requests_of
from llamabar.core.status import Status
from llamabar.view import doing_words, words
from llamabar.view.menu import MODEL, Action, Do, Level, Row, Subject
from llamabar.view.scene import Server
from llamabar.view.sections import model
from llamabar.view.text import plain, reason

FAILED_FOR_S = 3600.0
NOT_LOADED = ("stopped", "shutdown", "unknown", "")


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each loaded model, for each that just failed, and one for all the others."""
    models = listed(server, now_s=now_s)
    shown = [one for one in models if _has_row(server, one, now_s)]
    found = [_model_row(server, one, now_s) for one in shown]
    rest = [one for one in models if one not in shown and not one.info.peer]
    if rest:
        items = tuple(_load_item(server, one) for one in rest)
        found.append(Row(f"{words.LOAD}: {words.models(len(rest), more=bool(shown))}", children=items))
    peers = [one for one in models if one.info.peer]
    if peers:
        named = tuple(Row(server.label(one.id), level=Level.QUIET) for one in peers)
        said = words.ON_OTHER_HOSTS.format(words.models(len(peers)))
        found.append(Row(f"{words.PEERS}: {said}", children=named))
    return tuple(found)


def listed(server: Server, *, now_s: float) -> List[Model]:
    """Return the models that are shown: one that the config calls unlisted only while it is loaded or just failed."""
    models = (model for _, model in sorted(server.snapshot.models.items()))
    return [one for one in models if not one.info.unlisted or _has_row(server, one, now_s)]


def state_words(server: Server, model: Model, *, now_s: float) -> str:
    """Return what a model does right now, in words that stay true while they stand there."""
    if model.state == READY:
        return _ready_words(server, model, now_s)
    if model.state == STARTING:
        usual_s = readings.median(model.load_times_s)
        return words.loading(readings.loading_for_s(model, now_s=now_s), usual_s)
    if model.failed_at_s is not None:
        return words.failed(now_s - model.failed_at_s, reason(model.failure))
    if has_quit(model, now_s=now_s):
        return doing_words.quit_unexpectedly(now_s - (model.quit_at_s or now_s))
    return words.MODEL_STATES.get(model.state, reason(model.state))


def _ready_words(server: Server, model: Model, now_s: float) -> str:
    doing = _doing(server.snapshot, model, server.figures.speeds.get(model.id))
    if doing is not None:
        return doing
    unload = words.unload(model.ttl_s, readings.unloads_in_s(server.snapshot, model, now_s=now_s))
    return f"{words.STATUS[Status.READY]}, {unload}" if unload else words.STATUS[Status.READY]


def _doing(snapshot: Snapshot, model: Model, reading: Optional[Reading]) -> Optional[str]:
    found = phases(snapshot)
    requests = requests_of(snapshot, model.id)
    current = [found[request.info.id] for request in requests]
    if Phase.GENERATING in current or (reading is not None and not current):
        return words.generating(reading)
    if Phase.PROMPT in current:
        return words.prompt(readings.prompt_position(model))
    if Phase.WORKING in current:
        return doing_words.busy(len(current), (request.kind for request in requests))
    if not current and at_work(model):
        return words.prompt(readings.prompt_position(model)) if model.meter.reading() else words.BUSY
    counted = in_flight(snapshot)
    ready = [other for other in snapshot.models.values() if other.state == READY]
    if not snapshot.requests and counted and len(ready) == 1:
        return doing_words.busy(counted)
    return words.READY_WAITING if current else None


def _has_row(server: Server, model: Model, now_s: float) -> bool:
    failed = _failed(model, now_s)
    return model.state not in NOT_LOADED or failed or _asked_words(server, model, Do.LOAD, now_s) != ""


def _failed(model: Model, now_s: float) -> bool:
    return has_quit(model, now_s=now_s) or (model.failed_at_s is not None and now_s - model.failed_at_s < FAILED_FOR_S)


def _model_row(server: Server, one: Model, now_s: float) -> Row:
    asked = _asked_words(server, one, Do.UNLOAD, now_s) or _asked_words(server, one, Do.LOAD, now_s)
    text = asked or state_words(server, one, now_s=now_s)
    again = _load_item(server, one)
    loaded = one.state not in NOT_LOADED
    failed = _failed(one, now_s) and not loaded
    children = model.details(server, one) if loaded else (replace(again, text=words.LOAD_AGAIN, subject=None),)
    level = Level.WARNING if failed else Level.NORMAL
    return replace(again, text=f"{again.text}: {text}", action=None, children=children, level=level)


def _asked_words(server: Server, model: Model, do: Do, now_s: float) -> str:
    """A click shows at once, until the next news of the model; a refusal stays for ten seconds."""
    asked = server.snapshot.asked.get(Action(do, model.id, server=server.name).token)
    if asked is None:
        return ""
    if asked.failure and asked.ended_s is not None and now_s - asked.ended_s < words.REFUSED_FOR_S:
        return words.refused(do.value, reason(asked.failure), in_row=True)
    news = model.state_since_s is not None and model.state_since_s >= asked.at_s
    waiting = asked.ended_s is None and now_s - asked.at_s < words.REFUSED_FOR_S
    return words.ASKED[do.value] if waiting and not news and not asked.failure else ""


def _load_item(server: Server, one: Model) -> Row:
    offered = server.snapshot.connected and loadable(server.snapshot, one)
    action = Action(Do.LOAD, one.id, server=server.name) if offered else None
    label, whole = server.label(one.id), plain(one.id)
    subject = Subject(MODEL, server=server.name, target=one.id, label=label)
    return Row(label, action=action, subject=subject, tooltip="" if label == whole else whole)
