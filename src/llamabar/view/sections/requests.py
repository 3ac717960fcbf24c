"""The requests in flight, oldest first, each with its phase, its age and a way to cancel it."""

from typing import Tuple

from llamabar.core import readings, units
from llamabar.core.phases import Phase, phases
from llamabar.core.state import Request
from llamabar.view import doing_words, words
from llamabar.view.menu import Action, Do, Row
from llamabar.view.scene import Server
from llamabar.view.text import name


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each request in flight."""
    snapshot = server.snapshot
    requests = sorted(snapshot.requests.values(), key=lambda request: (request.started_s, request.info.id))
    found = phases(snapshot)
    return tuple(_row(server, request, found[request.info.id], now_s) for request in requests)


def _row(server: Server, request: Request, phase: Phase, now_s: float) -> Row:
    model = server.snapshot.models.get(request.info.model)
    tokens = readings.decoded_tokens(server.snapshot, model) if model and phase is Phase.GENERATING else None
    age = units.duration(now_s - request.started_s)
    said = f"{words.tokens(tokens) if tokens else doing_words.phase(phase, request.kind)}, {age}"
    label = f"{words.REQUEST} {name(request.info.id, 12)}"
    return Row(f"{label}: {name(request.info.model)}, {said}", children=_children(server, request))


def _children(server: Server, request: Request) -> Tuple[Row, ...]:
    if "cancel" not in server.snapshot.confirmed or not server.snapshot.connected:
        return ()
    action = cancel(server.name, request)
    return (Row(words.asked(words.CANCEL, server.waits(action)), action=action),)


def cancel(server: str, request: Request) -> Action:
    """Return the action that cancels this very request, not a later one of the same id."""
    return Action(Do.CANCEL, request.info.id, server=server, mark=request.info.stamp)
