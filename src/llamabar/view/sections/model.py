"""The submenu of one loaded model: its facts, then its actions."""

import json
import shlex
from typing import Iterator, List, Optional, Tuple
from urllib.parse import quote

from llamabar.core import readings, units
from llamabar.core.capabilities import Capability
from llamabar.core.phases import phases
from llamabar.core.state import READY, STOPPING, Model, loadable, requests_of
from llamabar.core.totals import FIRST_TOKEN, Sums
from llamabar.view import doing_words, model_words, palette, words
from llamabar.view.menu import SEPARATOR, Action, Do, Row
from llamabar.view.scene import Room, Scene, Server, spread_of
from llamabar.view.sections.items import asking, chart, day, fact, item, spread_words
from llamabar.view.sections.requests import WAITING
from llamabar.view.text import name, plain, whole

STEP_BUCKETS = 5  # how often charts and spreads are updated
IDLE_STEP_S = 30.0  # for an idle model at most this often


def made_of(server: Server, scene: Scene, model: Model) -> Tuple[object, ...]:
    """Return everything the submenu depends on, apart from the model itself."""
    requests, found = requests_of(server.snapshot, model.id), phases(server.snapshot)
    step_s = STEP_BUCKETS * server.history.bucket_s
    step_s = step_s if requests or model.id in server.figures.speeds else max(step_s, IDLE_STEP_S)
    return (
        server.figures.speeds.get(model.id), server.figures.memory_bytes.get(model.id), server.url,
        server.snapshot.connected, server.snapshot.confirmed, server.snapshot.asked, day(server, scene).get(model.id),
        server.totals.told.changes.get(model.id), [found[request.info.id] for request in requests],
        int(scene.now_s // step_s), _rest_words(server, scene, model), scene.room,
    )  # fmt: skip


def details(server: Server, scene: Scene, model: Model) -> Tuple[Row, ...]:
    """Return the submenu of a loaded model."""
    return (*_facts(server, scene, model), SEPARATOR, *_actions(server, scene, model))


def briefly(server: Server, model: Model) -> Tuple[Row, ...]:
    """Return the short submenu used when many models are loaded: memory, and a way to unload."""
    used_bytes = server.figures.memory_bytes.get(model.id)
    held = () if used_bytes is None else (fact(palette.MEMORY, words.MEMORY, units.size(used_bytes), ambient=True),)
    return (*held, *_unload(server, model))


def _facts(server: Server, scene: Scene, model: Model) -> Iterator[Row]:
    sums, row = day(server, scene).get(model.id, Sums()), model.meter.last
    yield from _speed(server, scene, model)
    first_s = sums.percentile(FIRST_TOKEN)
    prompt = "" if row is None or not row.prompt_tps else words.tps(row.prompt_tps)
    cached = "" if sums.cached_share is None else model_words.cached(sums.cached_share)
    first = "" if first_s is None else model_words.first_token(first_s)
    yield from _known(palette.PROMPT, words.PROMPT, ", ".join(filter(None, (prompt, first, cached))),
                      tooltip=spread_words(server, scene, "prompt_tps", words.tps, model=model.id))  # fmt: skip
    yield from _memory(server, scene, model)
    yield from _known(palette.CONTEXT, words.CONTEXT, _context(model))
    drafts = sums.draft_acceptance
    yield from _known(palette.SHARE, words.DRAFTS, "" if drafts is None else units.percent(drafts))
    yield from _known(palette.REQUESTS, words.REQUESTS, _requests(server, model),
                      tooltip=spread_words(server, scene, "in_flight", "{:.0f}".format, model=model.id))  # fmt: skip
    if model.ttl_s is not None:
        yield fact(palette.EJECT, doing_words.ttl(model.ttl_s, begins=True), _rest_words(server, scene, model))
    yield from _known(palette.TOOK, words.LOAD_TIME, model_words.load_time(model.load_times_s))
    change = server.totals.told.changes.get(model.id)
    yield from _known(palette.SPEED, words.CHANGE, "" if change is None else words.changed(change))
    yield from _known(palette.NAME, words.ALIASES, ", ".join(name(alias) for alias in model.info.aliases[:4]))


def _known(symbol: str, label: str, value: str, *, tooltip: str = "") -> Iterator[Row]:
    if value:
        yield fact(symbol, label, value, tooltip=tooltip)


def _speed(server: Server, scene: Scene, model: Model) -> Iterator[Row]:
    """Yield the speed with its typical value and chart if there is any; otherwise only the last speed."""
    now, last = server.figures.speeds.get(model.id), readings.last(model)
    spread = spread_of(server, scene, "generation_tps", model=model.id)
    if now is None and spread is None:
        ago = f", {words.ago(scene.now_s - last.at_s)}" if last is not None and last.at_s else ""
        yield from _known(palette.SPEED, words.LAST_SPEED, "" if last is None else f"{words.tps(last.tps)}{ago}")
        return
    image = chart(server, scene, "generation_tps", model=model.id, second="prompt_tps")
    said = words.speed(now or last)
    said = said if spread is None else words.with_typical(said, units.rate(spread.typical))
    tooltip = spread_words(server, scene, "generation_tps", words.tps, model=model.id)
    yield Row(words.SPEED, said, palette.SPEED, image=image, tooltip=tooltip)


def _memory(server: Server, scene: Scene, model: Model) -> Iterator[Row]:
    """Yield the memory, with a chart while it changes. If it doesn't, the words say everything."""
    used_bytes = server.figures.memory_bytes.get(model.id)
    if used_bytes is None:
        return
    said = words.peak(units.size(used_bytes), units.size(max(used_bytes, model.memory_peak_bytes or 0)))
    yield fact(palette.MEMORY, words.MEMORY, said, ambient=True)
    moved = words.spread(spread_of(server, scene, "memory_bytes", model=model.id), units.size)
    image = chart(server, scene, "memory_bytes", model=model.id) if moved else None
    if image is not None:
        yield Row(words.RANGE, moved, image=image, ambient=True)


def _context(model: Model) -> str:
    tokens, used = readings.context_tokens(model), readings.context_used(model)
    if not tokens:
        return ""
    return words.tokens(tokens) if used is None else model_words.tokens_of(min(used, tokens), tokens)


def _requests(server: Server, model: Model) -> str:
    requests, found = requests_of(server.snapshot, model.id), phases(server.snapshot)
    queued = sum(found[request.info.id] in WAITING for request in requests)
    return words.active(len(requests), queued) if requests else ""


def _rest_words(server: Server, scene: Scene, model: Model) -> str:
    rest_s = readings.unloads_in_s(server.snapshot, model, now_s=scene.now_s)
    return "" if rest_s is None else doing_words.left(rest_s)


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
    """Return a curl command that sends this model a request. The id is quoted for JSON and for the shell."""
    body = json.dumps({"model": model.id, "messages": [{"role": "user", "content": "Hello"}]}, ensure_ascii=False)
    return f"curl {server.url}/v1/chat/completions -H 'Content-Type: application/json' -d {shlex.quote(body)}"
