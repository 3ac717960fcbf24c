"""The requests in flight, oldest first, each with its phase, its age and a way to cancel it."""

from typing import Tuple

from llamabar.core import readings, units
from llamabar.core.phases import Phase, phases
from llamabar.core.state import Request
from llamabar.view import doing_words, words
from llamabar.view.menu import REQUEST, Action, Do, Row, Subject
from llamabar.view.scene import Server
from llamabar.view.text import name


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each request in flight."""
    found = phases(server.snapshot)
    requests = sorted(server.snapshot.requests.values(), key=lambda request: (request.started_s, request.info.id))
    return tuple(_row(server, request, phase=found[request.info.id], now_s=now_s) for request in requests)


def said(server: Server, request: Request, *, phase: Phase, now_s: float) -> str:
    """Return what a request does: its model, its tokens or its phase, its age."""
    model = server.snapshot.models.get(request.info.model)
    tokens = readings.decoded_tokens(server.snapshot, model) if model and phase is Phase.GENERATING else None
    doing = words.tokens(tokens) if tokens else doing_words.phase(phase, request.kind)
    return f"{server.label(request.info.model)}, {doing}, {units.duration(now_s - request.started_s)}"


def _row(server: Server, request: Request, *, phase: Phase, now_s: float) -> Row:
    text = f"{words.REQUEST} {name(request.info.id, 12)}: {said(server, request, phase=phase, now_s=now_s)}"
    action = cancel(server.name, request)
    subject = Subject(REQUEST, server=server.name, target=action.target, mark=action.mark, label=text)
    offered = "cancel" in server.snapshot.confirmed and server.snapshot.connected
    item = f"{words.CANCEL} ({words.ON_ITS_WAY})" if server.waits(action) else words.CANCEL
    return Row(text, subject=subject, children=(Row(item, action=action),) if offered else ())


def cancel(server: str, request: Request) -> Action:
    """Return the action that cancels this very request, not a later one of the same id."""
    return Action(Do.CANCEL, request.info.id, server=server, mark=request.info.stamp)
