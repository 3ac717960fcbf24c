"""The models: a row with its state for each loaded one; the others are in the "Load Model" submenu."""

from dataclasses import replace
from typing import Dict, List, Tuple

from llamabar.core import readings, units
from llamabar.core.apply_models import has_failed, has_quit
from llamabar.core.doing import Doing, doing
from llamabar.core.state import (
    READY,
    STARTING,
    STOPPING,
    Model,
    at_work,
    in_flight,
    loadable,
    requests_of,
)
from llamabar.core.status import Status
from llamabar.view import details, doing_words, needs, palette, words
from llamabar.view.menu import MODEL, Action, Do, Row, Subject
from llamabar.view.scene import Scene, Server
from llamabar.view.sections import model
from llamabar.view.sections.items import fact
from llamabar.view.sections.server import first_model
from llamabar.view.text import name, plain, reason, whole

NOT_LOADED = ("stopped", "shutdown", "unknown", "")
ROWS, LISTED, MOST_LISTED = 6, 12, 60  # loaded models with a row, models shown unfolded, and models shown at all
SOON_S = 300.0  # an unload within this time is shown in the row


def rows(server: Server, scene: Scene) -> Tuple[Row, ...]:
    """Return a row for each loaded or recently failed model, and one for all others."""
    now_s = scene.now_s
    models = listed(server, now_s=now_s)
    shown = [one for one in models if _has_row(server, one, now_s)]
    first = _first(server, shown)
    found = [_model_row(server, scene, one) for one in first]
    if len(shown) > len(first):
        others = [one for one in shown if one not in first]
        more = [_model_row(server, scene, one, brief=True) for one in others[:MOST_LISTED]]
        found.append(Row(words.MORE_LOADED, units.count(len(others)), palette.SYMBOLS[Status.READY],
                         children=(*more, *left_out(len(others) - MOST_LISTED))))  # fmt: skip
    rest = [one for one in models if not one.info.peer and not _has_row(server, one, now_s)]
    if rest:
        found.append(_load(server, scene, rest))
    peers = [one for one in models if one.info.peer]
    if peers:
        named = tuple(_peer(server, one) for one in peers[:MOST_LISTED])
        named += left_out(len(peers) - MOST_LISTED)
        said = words.ON_OTHER_HOSTS.format(words.counted(len(peers), "model"))
        found.append(Row(words.PEERS, said, palette.ADDRESS, children=named))
    if not models and server.status is Status.EMPTY:
        found.append(first_model(server))
    return tuple(found)


def _peer(server: Server, one: Model) -> Row:
    return fact(palette.NAME, server.label(one.id), _doing(server, one))


def left_out(count: int) -> Tuple[Row, ...]:
    """Return a row that counts what was left out; () if nothing was."""
    return (fact(palette.MORE, words.LEFT_OUT, units.count(count)),) if count > 0 else ()


def listed(server: Server, *, now_s: float) -> List[Model]:
    """Return the models to show. An unlisted one is shown only while it is loaded or after it has just failed."""
    models = (model for _, model in sorted(server.snapshot.models.items()))
    return [one for one in models if not one.info.unlisted or _has_row(server, one, now_s)]


def _state_words(server: Server, model: Model, now_s: float) -> str:
    """Return a model's current state, in words that stay true while they are shown."""
    if model.state == READY:
        return _ready_words(server, model, now_s)
    if model.state == STARTING:
        return details.loading(server, model, now_s=now_s)[0]
    if model.failed_at_s is not None:
        return doing_words.failed(now_s - model.failed_at_s)
    if has_quit(model, now_s=now_s):
        return doing_words.quit_unexpectedly(now_s - (model.quit_at_s or now_s))
    return words.MODEL_STATES.get(model.state, reason(model.state))


def _ready_words(server: Server, model: Model, now_s: float) -> str:
    """Return what a loaded model is doing, or that it is ready and whether it unloads soon."""
    rest_s = readings.unloads_in_s(server.snapshot, model, now_s=now_s)
    unload = doing_words.left(rest_s) if rest_s is not None and rest_s <= SOON_S else ""
    return _doing(server, model) or words.joined(words.READY, unload)


def _doing(server: Server, model: Model) -> str:
    """Return what a model is doing, next to a symbol that says it too; "" for nothing."""
    reading, requests = server.figures.speeds.get(model.id), requests_of(server.snapshot, model.id)
    found = _doing_of(server, model)
    if found is Doing.GENERATING:
        return words.STATUS[Status.GENERATING] if reading is None else words.speed(reading)
    if found is Doing.PROMPT:
        return doing_words.prompt(readings.prompt_position(model))
    if found is Doing.WORKING:
        return doing_words.busy(len(requests), (request.kind for request in requests))
    if found is Doing.BUSY:
        return words.BUSY if at_work(model) else doing_words.busy(in_flight(server.snapshot) or 0)
    return words.READY_OR_BUSY if found is Doing.PERHAPS else ""


def _doing_of(server: Server, model: Model) -> Doing:
    return doing(server.snapshot, model, has_speed=model.id in server.figures.speeds)


def _symbol(server: Server, one: Model, now_s: float) -> str:
    if one.state != READY:
        by_state = {STARTING: Status.LOADING, STOPPING: Status.STOPPING}
        failed = _failed(one, now_s) and one.state in NOT_LOADED
        return palette.FAILED if failed else palette.SYMBOLS[by_state.get(one.state, Status.STARTING)]
    return palette.SYMBOLS[palette.BY_DOING[_doing_of(server, one)]]


def _first(server: Server, shown: List[Model]) -> List[Model]:
    """Return the models that get a row, by id: failed and busy ones, then the most recently used."""
    if len(shown) <= ROWS:
        return shown

    def _rank(one: Model) -> Tuple[bool, float, str]:
        works = one.state != READY or one.id in server.figures.speeds or bool(requests_of(server.snapshot, one.id))
        return not works, -(one.last_use_s or 0.0), one.id

    kept = {one.id for one in sorted(shown, key=_rank)[:ROWS]}
    return [one for one in shown if one.id in kept]


def _has_row(server: Server, model: Model, now_s: float) -> bool:
    if model.state not in NOT_LOADED:
        return True
    return _failed(model, now_s) or _asked_words(server, model, Do.LOAD, now_s) != ""


def _failed(model: Model, now_s: float) -> bool:
    return has_quit(model, now_s=now_s) or has_failed(model, now_s=now_s)


def _model_row(server: Server, scene: Scene, one: Model, *, brief: bool = False) -> Row:
    now_s = scene.now_s
    asked = _asked_words(server, one, Do.UNLOAD, now_s) or _asked_words(server, one, Do.LOAD, now_s)
    value, symbol = asked or _state_words(server, one, now_s), _symbol(server, one, now_s)
    label = (server.wide_labels if brief else server.labels).get(one.id) or name(one.id)

    def _make() -> Row:
        again = _load_item(server, one, label)
        if one.state not in NOT_LOADED and not brief:  # the submenu has the full id
            children = model.details(server, scene, one)
            return replace(again, value=value, symbol=symbol, action=None, children=children, tooltip="")
        if one.state not in NOT_LOADED:
            return replace(again, value=value, symbol=symbol, action=None, children=model.briefly(server, one))
        why = (fact(palette.ABOUT, words.REASON, reason(one.failure)),) if one.failure else ()
        children = (*why, replace(again, label=words.LOAD_AGAIN, symbol=palette.RESTART, value="", subject=None))
        failed = _failed(one, now_s)
        return replace(again, value=value, symbol=symbol, action=None, children=children, warning=failed)

    made_of = (one, value, symbol, brief, label, *model.made_of(server, scene, one))
    return scene.remembered.part((MODEL, server.name, one.id), made_of, _make)


def _asked_words(server: Server, model: Model, do: Do, now_s: float) -> str:
    """Return the result of a click on a model, until the model's state changes. A refusal is shown for ten seconds."""
    if not server.snapshot.asked:
        return ""
    asked = server.snapshot.asked.get(Action(do, model.id, server=server.name).token)
    if asked is None:
        return ""
    if asked.failure and asked.ended_s is not None and now_s - asked.ended_s < words.REFUSED_FOR_S:
        return words.refused(do.value, reason(asked.failure), in_row=True)
    news = model.state_since_s is not None and model.state_since_s >= asked.at_s
    waiting = asked.ended_s is None and now_s - asked.at_s < words.REFUSED_FOR_S
    return words.ASKED[do.value] if waiting and not news and not asked.failure else ""


def _load(server: Server, scene: Scene, rest: List[Model]) -> Row:
    """Return the row of models that can be loaded, pinned and recent ones first. The rest of a long list is folded."""

    def _make() -> Row:
        pinned = {
            one.id for one in rest if one.id in scene.options.pinned or plain(one.info.name) in scene.options.pinned
        }
        ordered = sorted(rest, key=lambda one: (one.id not in pinned, -(one.last_use_s or 0.0), one.id))
        labels = server.wide_labels
        items = [_load_item(server, one, labels[one.id], pinned=one.id in pinned) for one in ordered[:MOST_LISTED]]
        few = len(rest) <= LISTED
        first = items if few else items[: max(LISTED - 1, len(pinned))]
        folded = () if few else _folded(ordered[len(first) : MOST_LISTED], items[len(first) :])
        children = (*first, *folded, *left_out(count - min(len(rest), MOST_LISTED)))
        return Row(words.LOAD, units.count(count), palette.LOAD, children=children)

    count = len(rest) + server.snapshot.models_left_out
    known = (server.snapshot.connected, server.snapshot.confirmed, scene.options.pinned)
    made_of = (tuple(rest), count, server.labels, *known)
    said = [needs.said(server, one.id) for one in rest[:MOST_LISTED]]
    return scene.remembered.part(("load", server.name), (*made_of, said), _make)


def _folded(models: List[Model], items: List[Row]) -> Tuple[Row, ...]:
    """Return the other models grouped by owner, if an owner has several; the rest are in one group."""
    by_owner: Dict[str, List[Row]] = {}
    for one, row in zip(models, items):
        by_owner.setdefault(one.id.partition("/")[0] if "/" in one.id else "", []).append(row)
    loose = [row for owner, found in by_owner.items() for row in found if not owner or len(found) == 1]
    named = {
        plain(owner): [replace(row, label=row.label.removeprefix(f"{plain(owner)}/")) for row in found]
        for owner, found in by_owner.items() if owner and len(found) > 1
    }  # fmt: skip
    groups = {**dict(sorted(named.items())), **({words.MORE_MODELS: loose} if loose else {})}
    return tuple(
        Row(owner, units.count(len(found)), palette.FOLDER, children=tuple(found)) for owner, found in groups.items()
    )


def _load_item(server: Server, one: Model, label: str, *, pinned: bool = False) -> Row:
    offered = server.snapshot.connected and loadable(server.snapshot, one)
    action = Action(Do.LOAD, one.id, server=server.name) if offered else None
    uncut = whole(one.id)
    subject = Subject(MODEL, server=server.name, target=one.id, label=label)
    symbol = palette.PIN if pinned else palette.SYMBOLS[Status.EMPTY]
    said, tooltip = needs.said(server, one.id), "" if label == uncut else uncut
    return Row(label, said, symbol, action=action, subject=subject, tooltip=tooltip, ambient=bool(said))
