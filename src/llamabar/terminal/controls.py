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
Act = Callable[[View, Scene], Outcome]
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
    """Return the keys that do something now, each with its words, most important first. Trying a key tells."""
    details = view.page is Page.DETAILS
    down = is_down(facts.shown_server(scene, view.server).snapshot)
    keys = (
        (Named.ESCAPE, words.BACK) if details else (Named.ENTER, words.DETAILS), ("u", words.DOES[Do.UNLOAD]),
        ("l", words.DOES[Do.LOAD]), ("c", words.DOES[Do.CANCEL]), ("y", words.COPY),
        *(() if details else (("/", words.FILTER), ("s", words.sort_key(view.sort)))), (Named.TAB, words.SERVER),
        ("p", words.PROFILE), ("r", words.DOES[Do.START if down else Do.RESTART]), (" ", words.PAUSE), ("L", words.LOG),
        ("D", words.DOCTOR),
    )  # fmt: skip
    shown = {Named.ESCAPE: "Esc", Named.ENTER: "⏎", Named.TAB: "Tab", " ": words.SPACE}
    return [(shown.get(key, key), word) for key, word in keys if not _KEYS[key](view, scene).refused]


def is_down(snapshot: Snapshot) -> bool:
    """Tell whether a server's service must be started rather than restarted."""
    service = snapshot.service
    return not snapshot.connected and service is not None and service.state in DOWN


def _silent(view: View) -> View:
    return replace(view, message="") if not view.sent else view


def _moved(step: Callable[[View], int]) -> Act:
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


def _if_connected(act: Act) -> Act:
    """Return what a key does, except while its server's models aren't shown: then there is nothing to act on."""

    def _act(view: View, scene: Scene) -> Outcome:
        connected = facts.shown_server(scene, view.server).snapshot.connected
        return act(view, scene) if connected else _refused(view, words.NOT_CONNECTED, scene)

    return _act


def _if_models(act: Act) -> Act:
    def _act(view: View, scene: Scene) -> Outcome:
        models = facts.shown_server(scene, view.server).snapshot.models
        return act(view, scene) if models else _refused(view, words.NO_MODELS[0], scene)

    return _if_connected(_act)


def _refused(view: View, why: str, scene: Scene) -> Outcome:
    return Outcome(say(view, why, scene), refused=True)


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
        return _refused(view, words.SELECT_MODEL, scene)
    label = server.label(model.id)
    if model.info.peer:
        return _refused(view, words.RUNS_ELSEWHERE.format(label), scene)
    if model.state in (READY, STARTING):
        return _refused(view, words.already(label, model.state == READY), scene)
    if not loadable(server.snapshot, model):
        return _refused(view, words.not_now(Do.LOAD, label), scene)
    return _send(view, scene, Action(Do.LOAD, model.id, server=server.name), label)


def _unload(view: View, scene: Scene) -> Outcome:
    server, model = _selected(view, scene)
    if model is None:
        return _refused(view, words.SELECT_MODEL, scene)
    label = server.label(model.id)
    if model.state not in (READY, STARTING):
        said = words.RUNS_ELSEWHERE if model.info.peer else words.ISNT_LOADED
        return _refused(view, said.format(label), scene)
    if Capability.UNLOAD_ONE not in server.snapshot.confirmed:
        return _refused(view, words.not_now(Do.UNLOAD, label), scene)
    action = Action(Do.UNLOAD, model.id, server=server.name)
    if in_use(server.snapshot, model) is False:
        return _send(view, scene, action, label)
    return _ask(view, action, label, len(requests_of(server.snapshot, model.id)) or None)


def _unload_all(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    if not loaded(server.snapshot):
        return _refused(view, words.NOTHING_LOADED, scene)
    action, running = Action(Do.UNLOAD_ALL, server=server.name), in_flight(server.snapshot)
    return _send(view, scene, action, "") if running == 0 else _ask(view, action, "", running)


def _cancel(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    one = view.selected
    if one is None or one.kind != REQUEST:
        return _refused(view, words.SELECT_REQUEST, scene)
    label = facts.label(server, one)
    if Capability.CANCEL not in server.snapshot.confirmed:
        return _refused(view, words.not_now(Do.CANCEL, label), scene)
    return _ask(view, Action(Do.CANCEL, one.id, server=server.name, mark=one.mark), label, 1)


def _restart(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    service, down = server.snapshot.service, is_down(server.snapshot)
    if service is None or not service.label:
        return _refused(view, words.NO_SERVICE, scene)
    action = Action(Do.START if down else Do.RESTART, service.label, server=server.name)
    return _send(view, scene, action, "") if down else _ask(view, action, "", in_flight(server.snapshot))


def _copy(view: View, scene: Scene) -> Outcome:
    one = view.selected
    if one is None:
        return _refused(view, words.SELECT_ROW, scene)
    return Outcome(view, Deed.COPY, text=harmless(one.id))


def _open(view: View, scene: Scene) -> Outcome:
    server = facts.shown_server(scene, view.server)
    return _send(view, scene, Action(Do.OPEN, f"{server.url}/ui/{MODELS_PAGE}", server=server.name), "")


def _choose_profile(view: View, scene: Scene) -> Outcome:
    snapshot = facts.shown_server(scene, view.server).snapshot
    if not snapshot.profiles:
        return _refused(view, words.NO_PROFILES, scene)
    return Outcome(replace(view, page=Page.PROFILES, chosen=snapshot.profile or ""))


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


def _next_server(step: int) -> Act:
    def _act(view: View, scene: Scene) -> Outcome:
        names = [server.name for server in scene.servers]
        shown = facts.shown_server(scene, view.server).name
        after = names[(names.index(shown) + step) % len(names)]
        if after == shown:
            return Outcome(view, refused=True)
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
        return _refused(view, words.SELECT_ROW, scene)
    return Outcome(replace(view, page=Page.DETAILS))


def _filter(view: View, _: Scene) -> Outcome:
    return Outcome(replace(view, typing=True, page=Page.TABLES))


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
_KEYS: Dict[str, Act] = {
    Named.DOWN: _DOWN, "j": _DOWN, Named.UP: _UP, "k": _UP,
    Named.PAGE_DOWN: _moved(lambda view: max(1, view.rows - 1)),
    Named.PAGE_UP: _moved(lambda view: min(-1, 1 - view.rows)),
    "g": _moved(lambda _: -_END), Named.HOME: _moved(lambda _: -_END), "G": _moved(lambda _: _END),
    Named.END: _moved(lambda _: _END), Named.ENTER: _if_connected(_details), "d": _if_connected(_details),
    Named.ESCAPE: _escape, Named.TAB: _next_server(1), Named.BACK_TAB: _next_server(-1),
    "/": _if_models(_filter), "s": _if_models(_sorted), "l": _if_connected(_load), "u": _if_connected(_unload),
    "U": _if_connected(_unload_all), "c": _if_connected(_cancel), "p": _if_connected(_choose_profile), "r": _restart,
    "y": _if_connected(_copy), "o": _if_connected(_open),
    "L": lambda view, _: Outcome(view, Deed.LOG), "D": lambda view, _: Outcome(view, Deed.DOCTOR),
    " ": lambda view, _: Outcome(view, Deed.PAUSE) if view.demo else Outcome(view, refused=True),
    "?": lambda view, _: Outcome(replace(view, page=Page.HELP)),
}  # fmt: skip
