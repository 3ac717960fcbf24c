"""What a key does to the dashboard. Pure: takes a view and a key, returns the next view and perhaps an action.

Law: a key acts on what is selected, which is a model or a request, never a row position. When that disappears, nothing
is selected, so no key can hit the row that moved into its place. Anything that interrupts a request asks first, in the
bottom line.
"""

from dataclasses import replace
from typing import Callable, Dict, List, Optional, Tuple

from llamabar.core.capabilities import Capability
from llamabar.core.events import ServiceState
from llamabar.core.state import (
    READY,
    STARTING,
    STOPPING,
    Model,
    Snapshot,
    in_flight,
    in_use,
    loadable,
    loaded,
    requests_of,
)
from llamabar.terminal import facts, words
from llamabar.terminal.facts import MODEL, REQUEST, SORTS
from llamabar.terminal.keys import Named, Pasted, Pressed
from llamabar.terminal.state import Deed, Outcome, Page, Question, Sent, View, say, settled, things
from llamabar.view.menu import Action, Do
from llamabar.view.scene import Scene, Server
from llamabar.view.text import harmless, plain
from llamabar.view.words import MODELS_PAGE

LONGEST_FILTER = 60
DOWN = (ServiceState.STOPPED, ServiceState.NOT_LOADED, ServiceState.FAILING)


def pressed(view: View, key: "Pressed | Pasted", scene: Scene) -> Outcome:
    """Return the result of a key."""
    view = settled(view, scene)
    if isinstance(key, Pasted):
        return Outcome(_typed(view, plain(key.text)) if view.typing else view)
    name = key.key
    if view.typing:
        return Outcome(_edited(view, name))
    if view.question is not None:
        return _answered(view, name, scene)
    if view.page is Page.HELP:
        return Outcome(replace(view, page=Page.TABLES))
    if name in ("q", "Q"):
        return Outcome(view, Deed.QUIT)
    if view.page is Page.PROFILES:
        return _profile_chosen(view, name, scene)
    act = _KEYS.get(name)
    return act(_silent(view), scene) if act is not None else Outcome(view)


def offered(view: View, scene: Scene) -> List[Tuple[str, str]]:
    """Return the keys that work now, each with its words, most important first."""
    server = facts.shown_server(scene, view.server)
    snapshot, one = server.snapshot, view.selected
    found: List[Tuple[str, str]] = []
    one = one if snapshot.connected else None  # what isn't shown can't be acted on
    if view.page is Page.DETAILS:
        found.append(("Esc", words.BACK))
    elif one is not None:
        found.append(("⏎", words.DETAILS))
    if one is not None:
        model = snapshot.models.get(one.id) if one.kind == MODEL else None
        if model is not None and model.state in (READY, STARTING) and Capability.UNLOAD_ONE in snapshot.confirmed:
            found.append(("u", words.DOES[Do.UNLOAD]))
        elif model is not None and model.state not in (READY, STARTING, STOPPING) and loadable(snapshot, model):
            found.append(("l", words.DOES[Do.LOAD]))
        if one.kind == REQUEST and Capability.CANCEL in snapshot.confirmed:
            found.append(("c", words.DOES[Do.CANCEL]))
    if one is not None:
        found.append(("y", words.COPY))
    if view.page is Page.TABLES and snapshot.models and snapshot.connected:
        found += [("/", words.FILTER), ("s", words.sort_key(view.sort))]
    if len(scene.servers) > 1:
        found.append(("Tab", words.SERVER))
    if snapshot.profiles and snapshot.connected:
        found.append(("p", words.PROFILE))
    if snapshot.service is not None and snapshot.service.label:
        found.append(("r", words.DOES[Do.START if is_down(snapshot) else Do.RESTART]))
    if view.demo:
        found.append((words.SPACE, words.PAUSE))
    return [*found, ("L", words.LOG), ("D", words.DOCTOR)]


def is_down(snapshot: Snapshot) -> bool:
    """Tell whether a server's service must be started rather than restarted."""
    service = snapshot.service
    return not snapshot.connected and service is not None and service.state in DOWN


def _silent(view: View) -> View:
    return replace(view, message="") if not view.sent else view


def _moved(step: Callable[[View], int]) -> Callable[[View, Scene], Outcome]:
    def _act(view: View, scene: Scene) -> Outcome:
        found = things(view, scene)
        if not found:
            return Outcome(view)
        place = view.place + step(view)
        if view.selected is None and step(view) > 0:
            place -= 1  # the next row has moved into this place
        place = min(max(place, 0), len(found) - 1)
        return Outcome(replace(view, selected=found[place], place=place))

    return _act


def _send(view: View, scene: Scene, action: Action, label: str) -> Outcome:
    view = replace(view, question=None, sent=(*view.sent, Sent(action, label, scene.now_s)))
    return Outcome(say(view, words.doing(action.do, label), scene), Deed.ACT, action)


def _ask(view: View, action: Action, label: str, requests: Optional[int]) -> Outcome:
    return Outcome(replace(view, question=Question(action, label, words.question(action.do, label, requests))))


def _answered(view: View, key: str, scene: Scene) -> Outcome:
    asked = view.question
    view = replace(view, question=None)
    if asked is None or key not in ("y", "Y", Named.ENTER):
        return Outcome(say(view, words.NOTHING_DONE, scene))
    return _send(view, scene, asked.action, asked.label)


def _selected(view: View, scene: Scene) -> Tuple[Server, Optional[Model]]:
    server, one = facts.shown_server(scene, view.server), view.selected
    return server, server.snapshot.models.get(one.id) if one is not None and one.kind == MODEL else None


def _load(view: View, scene: Scene) -> Outcome:
    server, model = _selected(view, scene)
    if model is None:
        return Outcome(say(view, words.SELECT_MODEL, scene))
    label = server.label(model.id)
    if model.info.peer:
        return Outcome(say(view, words.RUNS_ELSEWHERE.format(label), scene))
    if model.state in (READY, STARTING):
        return Outcome(say(view, words.already(label, model.state == READY), scene))
    if not server.snapshot.connected or not loadable(server.snapshot, model):
        return Outcome(say(view, words.not_now(Do.LOAD, label), scene))
    return _send(view, scene, Action(Do.LOAD, model.id, server=server.name), label)


def _unload(view: View, scene: Scene) -> Outcome:
    server, model = _selected(view, scene)
    snapshot = server.snapshot
    if model is None:
        return Outcome(say(view, words.SELECT_MODEL, scene))
    label = server.label(model.id)
    if model.state not in (READY, STARTING):
        said = words.RUNS_ELSEWHERE.format(label) if model.info.peer else words.ISNT_LOADED.format(label)
        return Outcome(say(view, said, scene))
    if not snapshot.connected or Capability.UNLOAD_ONE not in snapshot.confirmed:
        return Outcome(say(view, words.not_now(Do.UNLOAD, label), scene))
    action = Action(Do.UNLOAD, model.id, server=server.name)
    if in_use(snapshot, model) is False:
        return _send(view, scene, action, label)
    return _ask(view, action, label, len(requests_of(snapshot, model.id)) or None)


def _unload_all(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    if not server.snapshot.connected or not loaded(server.snapshot):
        return Outcome(say(view, words.NOTHING_LOADED, scene))
    action, running = Action(Do.UNLOAD_ALL, server=server.name), in_flight(server.snapshot)
    return _send(view, scene, action, "") if running == 0 else _ask(view, action, "", running)


def _cancel(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    one = view.selected
    if one is None or one.kind != REQUEST:
        return Outcome(say(view, words.SELECT_REQUEST, scene))
    label = facts.label(server, one)
    if not server.snapshot.connected or Capability.CANCEL not in server.snapshot.confirmed:
        return Outcome(say(view, words.not_now(Do.CANCEL, label), scene))
    return _ask(view, Action(Do.CANCEL, one.id, server=server.name, mark=one.mark), label, 1)


def _restart(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    service, down = server.snapshot.service, is_down(server.snapshot)
    if service is None or not service.label:
        return Outcome(say(view, words.NO_SERVICE, scene))
    action = Action(Do.START if down else Do.RESTART, service.label, server=server.name)
    return _send(view, scene, action, "") if down else _ask(view, action, "", in_flight(server.snapshot))


def _copy(view: View, scene: Scene) -> Outcome:
    one = view.selected
    if one is None:
        return Outcome(say(view, words.SELECT_ROW, scene))
    return Outcome(view, Deed.COPY, text=harmless(one.id))


def _open(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    if not server.snapshot.connected:
        return Outcome(say(view, words.NO_UI, scene))
    return _send(view, scene, Action(Do.OPEN, f"{server.url}/ui/{MODELS_PAGE}", server=server.name), "")


def _choose_profile(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    if not server.snapshot.profiles or not server.snapshot.connected:
        return Outcome(say(view, words.NO_PROFILES, scene))
    return Outcome(replace(view, page=Page.PROFILES, chosen=server.snapshot.profile or ""))


def _profile_chosen(view: View, key: str, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    names = ("", *server.snapshot.profiles)
    place = names.index(view.chosen) if view.chosen in names else 0
    if key in (Named.UP, Named.DOWN, "j", "k"):
        step = 1 if key in (Named.DOWN, "j") else -1
        return Outcome(replace(view, chosen=names[min(max(place + step, 0), len(names) - 1)]))
    view = replace(view, page=Page.TABLES)
    if key != Named.ENTER or view.chosen == (server.snapshot.profile or ""):
        return Outcome(say(view, words.PROFILE_KEPT, scene))
    return _send(view, scene, Action(Do.PROFILE, view.chosen, server=server.name), plain(view.chosen))


def _next_server(step: int) -> Callable[[View, Scene], Outcome]:
    def _act(view: View, scene: Scene) -> Outcome:
        names = [server.name for server in scene.servers]
        after = names[(names.index(view.server) + step) % len(names)]
        if after == view.server:
            return Outcome(view)
        return Outcome(replace(view, server=after, selected=None, place=-1, top=0, page=Page.TABLES))

    return _act


def _escape(view: View, _: Scene) -> Outcome:
    if view.page is Page.DETAILS:
        return Outcome(replace(view, page=Page.TABLES))
    if view.filter:
        return Outcome(replace(view, filter=""))
    return Outcome(replace(view, selected=None, place=max(0, view.place)))


def _details(view: View, scene: Scene) -> Outcome:
    if view.page is Page.DETAILS:
        return Outcome(replace(view, page=Page.TABLES))
    if view.selected is None:
        return Outcome(say(view, words.SELECT_ROW, scene))
    return Outcome(replace(view, page=Page.DETAILS))


def _typed(view: View, text: str) -> View:
    return replace(view, filter=(view.filter + text)[:LONGEST_FILTER])


def _edited(view: View, key: str) -> View:
    if key == Named.ESCAPE:
        return replace(view, typing=False, filter="")
    if key in (Named.ENTER, Named.TAB, Named.UP, Named.DOWN):
        place = view.place if view.selected is not None else -1  # selects the first match
        return replace(view, typing=False, place=place)
    if key == Named.BACKSPACE:
        return replace(view, filter=view.filter[:-1])
    return _typed(view, key) if len(key) == 1 else view


def _sorted(view: View, scene: Scene) -> Outcome:
    after = SORTS[(SORTS.index(view.sort) + 1) % len(SORTS)]
    return Outcome(say(replace(view, sort=after), words.sorted_by(after), scene))


_END = 10**9
_DOWN, _UP = _moved(lambda _: 1), _moved(lambda _: -1)
_KEYS: Dict[str, Callable[[View, Scene], Outcome]] = {
    Named.DOWN: _DOWN, "j": _DOWN, Named.UP: _UP, "k": _UP,
    Named.PAGE_DOWN: _moved(lambda view: max(1, view.rows - 1)),
    Named.PAGE_UP: _moved(lambda view: min(-1, 1 - view.rows)),
    "g": _moved(lambda _: -_END), Named.HOME: _moved(lambda _: -_END), "G": _moved(lambda _: _END),
    Named.END: _moved(lambda _: _END), Named.ENTER: _details, "d": _details, Named.ESCAPE: _escape,
    Named.TAB: _next_server(1), Named.BACK_TAB: _next_server(-1),
    "/": lambda view, _: Outcome(replace(view, typing=True, page=Page.TABLES)), "s": _sorted, "l": _load, "u": _unload,
    "U": _unload_all, "c": _cancel, "p": _choose_profile, "r": _restart, "y": _copy, "o": _open,
    "L": lambda view, _: Outcome(view, Deed.LOG), "D": lambda view, _: Outcome(view, Deed.DOCTOR),
    " ": lambda view, _: Outcome(view, Deed.PAUSE if view.demo else None),
    "?": lambda view, _: Outcome(replace(view, page=Page.HELP)),
}  # fmt: skip
