"""The scene as plain lines, for a very narrow window, a dumb terminal or a pipe; and what is wrong with a server."""

from typing import List, Optional, Tuple

from llamabar.core.phases import phases
from llamabar.core.speed import Reading
from llamabar.core.state import loaded
from llamabar.core.status import Status
from llamabar.terminal import facts, words
from llamabar.view import doing_words
from llamabar.view import words as menu_words
from llamabar.view.scene import Scene, Server
from llamabar.view.text import name, plain


def lines(scene: Scene) -> List[str]:
    """Return a line for each server, each loaded model and each request."""
    return [text for server in scene.servers for text in _server_lines(server, scene)]


def trouble(server: Server, *, now_s: float) -> Tuple[str, ...]:
    """Return why a server shows nothing and what to do about it; () for a connected one."""
    snapshot, fault = server.snapshot, server.snapshot.fault
    if snapshot.connected or fault is None:
        return ()
    found = [facts.why(server, fault), menu_words.REMEDIES.get(fault.kind, "")]
    if server.cause is not None:  # it says more
        found = [menu_words.sentence(plain(server.cause.title)), plain(server.cause.remedy) or found[1]]
    if snapshot.service is not None and snapshot.service.label and server.status in (Status.STOPPED, Status.CRASHING):
        found.append(words.PRESS_START)
    found.append(words.DIAGNOSE)
    if snapshot.last_seen_s is not None:
        labels = (server.label(model.id) for model in loaded(snapshot))
        before = menu_words.joined(*labels) or menu_words.STATUS[Status.EMPTY]
        found.append(f"{menu_words.LAST_UPDATE} {menu_words.ago(now_s - snapshot.last_seen_s)}: {before}")
    return tuple(text for text in found if text)


def _server_lines(server: Server, scene: Scene) -> List[str]:
    found = [f"{name(server.name, 20)}: {_doing(facts.server_state(server), server.figures.total)}"]
    if server.snapshot.fault is not None and not server.snapshot.connected:
        return [*found, *(f"  {text}" for text in trouble(server, now_s=scene.now_s)[:1])]
    for model in facts.models(server, now_s=scene.now_s):
        doing = facts.state(server, model, now_s=scene.now_s)
        if not doing.absent:
            found.append(f"  {server.label(model.id)}: {_doing(doing, server.figures.speeds.get(model.id))}")
    told = phases(server.snapshot)
    for request in facts.requests(server):
        said = doing_words.phase(told[request.info.id], request.kind)
        found.append(f"  #{name(request.info.id, 12)} {server.label(request.info.model)}: {said}")
    return found


def _doing(state: facts.State, speed: Optional[Reading]) -> str:
    return state.words if speed is None else f"{state.words} {menu_words.speed(speed)}"
