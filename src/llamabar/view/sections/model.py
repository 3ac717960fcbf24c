"""One loaded model's submenu: what is known of it, then what can be done with it."""

import json
import shlex
from typing import List, Optional, Tuple
from urllib.parse import quote

from llamabar.core import readings, units
from llamabar.core.capabilities import loadable
from llamabar.core.state import READY, STOPPING, Model, requests_of
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.scene import Server
from llamabar.view.sections.actions import item
from llamabar.view.text import name, plain


def details(server: Server, model: Model) -> Tuple[Row, ...]:
    """Return the submenu of a loaded model."""
    change = server.totals.told.changes.get(model.id)
    facts = (
        (words.SPEED, _speed(model)), ("", "" if change is None else words.changed(change)),
        (words.MEMORY, _memory(server, model)), (words.CONTEXT, _context(model)),
        (words.REQUESTS, _requests(server, model)),
        ("", "" if model.ttl_s is None else words.ttl(model.ttl_s).capitalize()), (words.LOAD_TIME, _load_time(model)),
        (words.ID, plain(model.id) if server.label(model.id) != plain(model.id) else ""),
        (words.ALIASES, ", ".join(name(alias) for alias in model.info.aliases[:4])),
    )  # fmt: skip
    told = (
        Row(f"{label}: {said}" if label else said, level=Level.QUIET, ambient=label == words.MEMORY)
        for label, said in facts
        if said
    )
    return (*told, *_actions(server, model))


def _speed(model: Model) -> str:
    reading, row = readings.last(model), model.meter.last
    return words.speeds(reading, row.prompt_tps if row is not None else None) if reading else ""


def _memory(server: Server, model: Model) -> str:
    used_bytes = server.figures.memory_bytes.get(model.id)
    if used_bytes is None:
        return ""
    now, peak = units.size(used_bytes), units.size(max(used_bytes, model.memory_peak_bytes or 0))
    return words.peak(now, peak)


def _context(model: Model) -> str:
    tokens = readings.context_tokens(model)
    return words.tokens(tokens) if tokens else ""


def _requests(server: Server, model: Model) -> str:
    running = len(requests_of(server.snapshot, model.id))
    return words.active(running) if running else ""


def _load_time(model: Model) -> str:
    times = model.load_times_s
    return words.usual(readings.median(times), len(times)) if times else ""


def _actions(server: Server, model: Model) -> List[Row]:
    snapshot, found = server.snapshot, []
    if "unload_one" in snapshot.confirmed and snapshot.connected and model.state != STOPPING:
        text = words.interrupting(words.UNLOAD, len(requests_of(snapshot, model.id)))
        found.append(Row(text, action=Action(Do.UNLOAD, model.id, server=server.name)))
    curl = item(server, words.COPY_CURL, Do.COPY, target=_curl(server, model))
    found.append(item(server, words.COPY_ID, Do.COPY, target=model.id, alternate=curl))
    page = page_url(server, model)
    if page:
        found.append(Row(words.OPEN_MODEL_PAGE, action=Action(Do.OPEN, page, server=server.name)))
    return found


def page_url(server: Server, model: Model) -> Optional[str]:
    """Return the address of a ready model's own page, None if it has none.

    It leads through llama-swap: only what goes through it counts as use and keeps the model from being unloaded.
    """
    there = server.snapshot.connected and model.state == READY and loadable(server.snapshot, model)
    return f"{server.url}/upstream/{quote(model.id, safe='', errors='replace')}/" if there else None


def _curl(server: Server, model: Model) -> str:
    """Return a command line that asks this model something; the id is quoted for JSON and for the shell."""
    body = json.dumps({"model": model.id, "messages": [{"role": "user", "content": "Hello"}]}, ensure_ascii=False)
    return f"curl {server.url}/v1/chat/completions -H 'Content-Type: application/json' -d {shlex.quote(body)}"
