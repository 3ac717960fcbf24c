"""The submenu of one loaded model: its facts, then its actions."""

import json
import shlex
from typing import Callable, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import quote

from llamabar.core import units
from llamabar.core.capabilities import Capability
from llamabar.core.phases import phases
from llamabar.core.state import READY, STOPPING, Model, loadable, requests_of
from llamabar.view import palette, words
from llamabar.view.details import of_model, rest
from llamabar.view.menu import SEPARATOR, Action, Do, Row
from llamabar.view.scene import STEP_BUCKETS, Room, Scene, Server, day, recent_range
from llamabar.view.sections.items import asking, chart, fact, item, range_tooltip
from llamabar.view.text import plain, whole

IDLE_STEP_S = 30.0  # for an idle model at most this often
SPEED, MEMORY = "generation_tps", "memory_bytes"
SAID: Mapping[str, Callable[[float], str]] = {SPEED: words.tps, "prompt_tps": words.tps, "in_flight": "{:.0f}".format}


def made_of(server: Server, scene: Scene, model: Model) -> Tuple[object, ...]:
    """Return everything the submenu depends on, apart from the model itself."""
    requests, found = requests_of(server.snapshot, model.id), phases(server.snapshot)
    step_s = STEP_BUCKETS * server.history.bucket_s
    step_s = step_s if requests or model.id in server.figures.speeds else max(step_s, IDLE_STEP_S)
    return (
        server.figures.speeds.get(model.id), server.figures.memory_bytes.get(model.id), server.url,
        server.snapshot.connected, server.snapshot.confirmed, server.snapshot.asked, day(server, scene).get(model.id),
        server.totals.told.changes.get(model.id), server.totals.told.needs.get(model.id),
        [found[request.info.id] for request in requests], int(scene.now_s // step_s), rest(server, scene, model),
        scene.room,
    )  # fmt: skip


def details(server: Server, scene: Scene, model: Model) -> Tuple[Row, ...]:
    """Return the submenu of a loaded model."""
    return (*_rows(server, scene, model), SEPARATOR, *_actions(server, scene, model))


def briefly(server: Server, model: Model) -> Tuple[Row, ...]:
    """Return the short submenu used when many models are loaded: memory, and a way to unload."""
    used_bytes = server.figures.memory_bytes.get(model.id)
    held = () if used_bytes is None else (fact(palette.MEMORY, words.MEMORY, units.size(used_bytes), ambient=True),)
    return (*held, *_unload(server, model))


def _rows(server: Server, scene: Scene, model: Model) -> Iterator[Row]:
    """Yield a row for each fact, with a chart of the speed, and below the memory one of it while it changes."""
    for one in of_model(server, scene, model):
        say = SAID.get(one.reading)
        tooltip = range_tooltip(server, scene, one.reading, say, model=model.id) if say is not None else ""
        image = chart(server, scene, one.reading, model=model.id, second="prompt_tps") if one.reading == SPEED else None
        yield Row(one.label, one.value, one.symbol, image, tooltip=tooltip, ambient=one.ambient)
        if one.reading == MEMORY:
            yield from _range(server, scene, model)


def _range(server: Server, scene: Scene, model: Model) -> Iterator[Row]:
    """Yield the chart of the memory. If it doesn't change, the words say everything."""
    moved = words.range_words(recent_range(server, scene, MEMORY, model=model.id), units.size)
    image = chart(server, scene, MEMORY, model=model.id) if moved else None
    if image is not None:
        yield Row(words.RANGE, moved, image=image, ambient=True)


def _unload(server: Server, model: Model) -> Tuple[Row, ...]:
    """Return the item that unloads a model: at once, or after asking if that would interrupt a request."""
    snapshot, said = server.snapshot, words.interrupts(len(requests_of(server.snapshot, model.id)))
    if Capability.UNLOAD_ONE not in snapshot.confirmed or not snapshot.connected or model.state == STOPPING:
        return ()
    if not said:
        return (item(server, palette.EJECT, words.UNLOAD, Do.UNLOAD, target=model.id),)
    return (asking(server, palette.EJECT, words.UNLOAD_BUSY, words.UNLOAD_NOW, Do.UNLOAD, target=model.id, value=said),)


def _actions(server: Server, scene: Scene, model: Model) -> List[Row]:
    found: List[Row] = [*_unload(server, model)]
    curl = item(server, palette.TERMINAL, words.COPY_CURL, Do.COPY, target=_curl(server, model))
    shown = whole(model.id) if scene.room >= Room.TOOLTIPS and server.label(model.id) != plain(model.id) else ""
    found.append(item(server, palette.COPY, words.COPY_ID, Do.COPY, target=model.id, value=shown, alternate=curl))
    page = page_url(server, model)
    if page:
        action = Action(Do.OPEN, page, server=server.name)
        found.append(Row(words.OPEN_MODEL_PAGE, symbol=palette.WEB, action=action))
    return found


def page_url(server: Server, model: Model) -> Optional[str]:
    """Return the URL of a ready model's own page; None if it has none.

    It goes through llama-swap: only then does it count as use and keep the model from being unloaded.
    """
    there = server.snapshot.connected and model.state == READY and loadable(server.snapshot, model)
    return f"{server.url}/upstream/{quote(model.id, safe='', errors='replace')}/" if there else None


def _curl(server: Server, model: Model) -> str:
    """Return a curl command that sends this model a request. The id is quoted for JSON and for the shell.

    For a key there is a variable: the key itself is never shown.
    """
    body = json.dumps({"model": model.id, "messages": [{"role": "user", "content": "Hello"}]}, ensure_ascii=False)
    key = ' -H "Authorization: Bearer $KEY"' if server.has_key else ""
    return f"curl {server.url}/v1/chat/completions{key} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
