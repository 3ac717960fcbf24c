"""The active requests: one row with a submenu that lists them, oldest first, each with an item to cancel it."""

from typing import List, Tuple

from llamabar.core import units
from llamabar.core.capabilities import Capability
from llamabar.core.doing import may_be_answered
from llamabar.core.phases import WAITING, Phase, phases
from llamabar.core.state import Request, in_flight, works_unlisted
from llamabar.view import details, doing_words, palette, words
from llamabar.view.menu import REQUEST, Action, Do, Row, Subject
from llamabar.view.scene import Scene, Server
from llamabar.view.sections.items import asking, fact, item

SHOWN = 30


def row(server: Server, scene: Scene) -> Row:
    """Return the requests row, which is always there. If nothing is active, its submenu shows the last request."""
    found, running = phases(server.snapshot), in_flight(server.snapshot)
    if not running and works_unlisted(server.snapshot):
        running = None  # a request that llama-swap doesn't list
    queued = sum(1 for phase in found.values() if phase in WAITING)
    if running and not found and not may_be_answered(server.snapshot):
        queued = running
    listed = server.snapshot.by_age
    children: List[Row] = [
        _request(server, scene, one, phase=found[one.info.id], now_s=scene.now_s) for one in listed[:SHOWN]
    ]
    if len(listed) > SHOWN:
        children.append(fact(palette.REQUESTS, words.LEFT_OUT, words.counted(len(listed) - SHOWN, "request")))
    if len(listed) > 1 and Capability.CANCEL in server.snapshot.confirmed and server.snapshot.connected:
        said = words.interrupts(running)
        children.append(asking(server, palette.CANCEL, words.CANCEL_ALL, words.CANCEL_NOW, Do.CANCEL_ALL, value=said))
    return Row(
        words.REQUESTS, words.active(running, queued), palette.REQUESTS, children=(*children, *_rest(server, scene))
    )


def _rest(server: Server, scene: Scene) -> Tuple[Row, ...]:
    """Return what replaces an empty list of requests."""
    if server.snapshot.requests:
        return ()
    if in_flight(server.snapshot) is None or in_flight(server.snapshot):
        return (Row(words.NOT_LISTED, symbol=palette.ABOUT),)
    last = server.snapshot.rows[-1] if server.snapshot.rows else None
    if last is None:
        return (fact(palette.TIME, words.LAST_REQUEST, words.NONE),)
    ended_s = server.snapshot.row_ended_s
    ago = words.ago(scene.now_s - ended_s) if ended_s is not None else ""
    return (fact(palette.TIME, words.LAST_REQUEST, words.joined(server.label(last.model), ago)),)


def said(server: Server, request: Request, *, phase: Phase, now_s: float) -> str:
    """Return what a request does: its model, its tokens or phase, its age."""
    return words.joined(server.label(request.info.model), _doing(server, request, phase, now_s))


def _doing(server: Server, request: Request, phase: Phase, now_s: float) -> str:
    tokens = details.generated(server, request, phase)
    doing = words.tokens(tokens) if tokens else doing_words.phase(phase, request.kind)
    return words.joined(doing, units.duration(now_s - request.started_s))


def _request(server: Server, scene: Scene, request: Request, *, phase: Phase, now_s: float) -> Row:
    doing, action = _doing(server, request, phase, now_s), cancel(server.name, request)
    offered = Capability.CANCEL in server.snapshot.confirmed and server.snapshot.connected
    prompt = details.prompt_tokens(server, request)

    def _make() -> Row:
        label = details.request_label(server, request)
        target = Subject(REQUEST, server=server.name, target=action.target, mark=action.mark, label=label)
        found = [fact(one.symbol, one.label, one.value) for one in details.of_request(server, request)]
        if offered:
            found.append(item(server, palette.CANCEL, words.CANCEL, Do.CANCEL, target=action.target, mark=action.mark))
        return Row(label, doing, palette.SYMBOLS[palette.BY_PHASE[phase]], children=tuple(found), subject=target)

    made_of = (
        doing,
        phase,
        prompt,
        request.info.client,
        request.info.path,
        request.info.stamp,
        offered,
        server.waits(action),
    )
    return scene.remembered.part(("request", server.name, request.info.id), made_of, _make)


def cancel(server: str, request: Request) -> Action:
    """Return the action that cancels exactly this request, not a later one with the same id."""
    return Action(Do.CANCEL, request.info.id, server=server, mark=request.info.stamp)
