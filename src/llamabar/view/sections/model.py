"""One loaded model's submenu: what is known of it, then what can be done with it."""

import json
import shlex
from typing import List, Optional, Tuple

from llamabar.core import readings, units
from llamabar.core.address import is_local, is_loopback
from llamabar.core.state import READY, STOPPING, Model, requests_of
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.scene import Server
from llamabar.view.sections.actions import item
from llamabar.view.text import name


def details(server: Server, model: Model) -> Tuple[Row, ...]:
    """Return the submenu of a loaded model."""
    facts = (
        _speed(model), _memory(server, model), _context(model), _in_flight(server, model), _unloads(model),
        _load_time(model), _aliases(model),
    )  # fmt: skip
    return (*(row for row in facts if row is not None), *_actions(server, model))


def _speed(model: Model) -> Optional[Row]:
    reading = readings.last(model)
    if reading is None:
        return None
    prompt = model.meter.last.prompt_tps if model.meter.last is not None else None
    return Row(f"{words.SPEED}: {words.speeds(reading, prompt)}", level=Level.QUIET)


def _memory(server: Server, model: Model) -> Optional[Row]:
    used_bytes = server.figures.memory_bytes.get(model.id)
    if used_bytes is None:
        return None
    said = words.peak(units.size(used_bytes), units.size(max(used_bytes, model.memory_peak_bytes or 0)))
    return Row(f"{words.MEMORY}: {said}", level=Level.QUIET, ambient=True)


def _context(model: Model) -> Optional[Row]:
    tokens = readings.context_tokens(model)
    return Row(f"{words.CONTEXT}: {words.tokens(tokens)}", level=Level.QUIET) if tokens else None


def _in_flight(server: Server, model: Model) -> Optional[Row]:
    running = len(requests_of(server.snapshot, model.id))
    return Row(f"{words.IN_FLIGHT}: {units.plural(running, 'request')}", level=Level.QUIET) if running else None


def _unloads(model: Model) -> Optional[Row]:
    return None if model.ttl_s is None else Row(f"{words.UNLOADS}: {words.ttl(model.ttl_s)}", level=Level.QUIET)


def _load_time(model: Model) -> Optional[Row]:
    if not model.load_times_s:
        return None
    said = words.usual(readings.median(model.load_times_s), len(model.load_times_s))
    return Row(f"{words.LOAD_TIME}: {said}", level=Level.QUIET)


def _aliases(model: Model) -> Optional[Row]:
    named = ", ".join(name(alias) for alias in model.info.aliases[:4])
    return Row(f"{words.ALIASES}: {named}", level=Level.QUIET) if named else None


def _actions(server: Server, model: Model) -> List[Row]:
    snapshot, found = server.snapshot, []
    if "unload_one" in snapshot.confirmed and snapshot.connected and model.state != STOPPING:
        lost = words.lost(len(requests_of(snapshot, model.id)))
        unload = Action(Do.UNLOAD, model.id, server=server.name)
        found.append(Row(f"{words.UNLOAD}: {name(model.id)}{lost}", action=unload))
    curl = item(server, words.COPY_CURL, Do.COPY, _curl(server, model))
    found.append(item(server, words.COPY_ID, Do.COPY, model.id, alternate=curl))
    page = model.proxy if model.state == READY and model.proxy and is_loopback(model.proxy) else None
    if page is not None and is_local(server.url) and not model.may_sleep:
        found.append(Row(words.OWN_PAGE, action=Action(Do.OPEN, f"{page}/", server=server.name)))
    return found


def _curl(server: Server, model: Model) -> str:
    """Return a command line that asks this model something; the id is quoted for JSON and for the shell."""
    body = json.dumps({"model": model.id, "messages": [{"role": "user", "content": "Hello"}]}, ensure_ascii=False)
    key = ' -H "Authorization: Bearer $LLAMABAR_API_KEY"' if "keys" in server.snapshot.confirmed else ""
    head = f"curl {server.url}/v1/chat/completions -H 'Content-Type: application/json'{key}"
    return f"{head} -d {shlex.quote(body)}"
