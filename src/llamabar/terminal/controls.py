"""What a key does to the dashboard. Pure: takes a view and a key, returns the next view and perhaps an action.

Law: a key acts on what is selected, which is a model or a request, never a row position. When that disappears, nothing
is selected, so no key can hit the row that moved into its place. Anything that interrupts a request asks first, in the
bottom line.
"""

from dataclasses import replace
from typing import Callable, Dict, List, Tuple

from llamabar.core.address import MODELS_PAGE
from llamabar.core.capabilities import Capability
from llamabar.core.events import ServiceState
from llamabar.core.state import READY, STARTING, Snapshot, in_flight, in_use, loadable, loaded, requests_of
from llamabar.terminal import facts, words
from llamabar.terminal.facts import SORTS
from llamabar.terminal.keys import Named, Pasted, Pressed
from llamabar.terminal.state import Deed, Here, Outcome, Page, Question, View, settled, things
from llamabar.view.menu import REQUEST, Do
from llamabar.view.scene import Scene
from llamabar.view.text import harmless, plain

LONGEST_FILTER = 60
DOWN = (ServiceState.STOPPED, ServiceState.NOT_LOADED, ServiceState.FAILING)
ON_MODELS = frozenset((Named.ENTER, *"d/sluUcpyo"))  # keys that do nothing while a server's models aren't shown
Act = Callable[[Here], Outcome]


def pressed(view: View, key: "Pressed | Pasted", scene: Scene) -> Outcome:
    """Return the result of a key."""
    here = Here(settled(view, scene), scene)
    view = here.view
    if isinstance(key, Pasted):
        return _typed(here, plain(key.text)) if view.typing else Outcome(view)
    if view.typing:
        return _edited(here, key.key)
    if view.question is not None:
        return _answered(here, view.question, key.key)
    if view.page is Page.HELP:
        return here.changed(page=Page.TABLES)
    if key.key in ("q", "Q"):
        return Outcome(view, Deed.QUIT)
    if view.page is Page.PROFILES:
        return _profile_chosen(here, key.key)
    return _tried(here if view.sent else here._replace(view=replace(view, message="")), key.key)


def offered(view: View, scene: Scene) -> List[Tuple[str, str]]:
    """Return the keys that do something now, each with its words, most important first. Trying a key tells."""
    here, details = Here(view, scene), view.page is Page.DETAILS
    keys = (
        (Named.ESCAPE, words.BACK) if details else (Named.ENTER, words.DETAILS), ("u", words.DOES[Do.UNLOAD]),
        ("l", words.DOES[Do.LOAD]), ("c", words.DOES[Do.CANCEL]), ("y", words.COPY),
        *(() if details else (("/", words.FILTER), ("s", words.sort_key(view.sort)))), (Named.TAB, words.SERVER),
        ("p", words.PROFILE), ("r", words.DOES[Do.START if is_down(here.server.snapshot) else Do.RESTART]),
        (" ", words.PAUSE), ("L", words.LOG), ("D", words.DOCTOR),
    )  # fmt: skip
    shown = {Named.ESCAPE: "Esc", Named.ENTER: "⏎", Named.TAB: "Tab", " ": words.SPACE}
    return [(shown.get(key, key), word) for key, word in keys if not _tried(here, key).refused]


def is_down(snapshot: Snapshot) -> bool:
    """Tell whether a server's service must be started rather than restarted."""
    service = snapshot.service
    return not snapshot.connected and service is not None and service.state in DOWN


def _tried(here: Here, key: str) -> Outcome:
    if key in ON_MODELS and not here.server.snapshot.connected:
        return here.refused(words.NOT_CONNECTED)
    act = _KEYS.get(key)
    return Outcome(here.view) if act is None else act(here)


def _moved(step: Callable[[View], int]) -> Act:
    def _act(here: Here) -> Outcome:
        view, found = here.view, things(here.view, here.scene)
        if not found:
            return Outcome(view)
        place = view.place + step(view)
        if view.selected is None and step(view) > 0:
            place -= 1  # the next row has moved into this place
        place = min(max(place, 0), len(found) - 1)
        return here.changed(selected=found[place], place=place)

    return _act


def _answered(here: Here, asked: Question, key: str) -> Outcome:
    if key not in ("y", "Y", Named.ENTER):
        return here.said(words.NOTHING_DONE, question=None)
    return here.sent(asked.action, asked.label, question=None)


def _load(here: Here) -> Outcome:
    model = here.model
    if model is None:
        return here.refused(words.SELECT_MODEL)
    label = here.server.label(model.id)
    if model.info.peer:
        return here.refused(words.RUNS_ELSEWHERE.format(label))
    if model.state in (READY, STARTING):
        return here.refused(words.already(label, model.state == READY))
    if not loadable(here.server.snapshot, model):
        return here.refused(words.not_now(Do.LOAD, label))
    return here.sent(here.action(Do.LOAD, model.id), label)


def _unload(here: Here) -> Outcome:
    model, snapshot = here.model, here.server.snapshot
    if model is None:
        return here.refused(words.SELECT_MODEL)
    label = here.server.label(model.id)
    if model.state not in (READY, STARTING):
        said = words.RUNS_ELSEWHERE if model.info.peer else words.ISNT_LOADED
        return here.refused(said.format(label))
    if Capability.UNLOAD_ONE not in snapshot.confirmed:
        return here.refused(words.not_now(Do.UNLOAD, label))
    action = here.action(Do.UNLOAD, model.id)
    if in_use(snapshot, model) is False:
        return here.sent(action, label)
    return here.asked(action, label, len(requests_of(snapshot, model.id)) or None)


def _unload_all(here: Here) -> Outcome:
    snapshot = here.server.snapshot
    if not loaded(snapshot):
        return here.refused(words.NOTHING_LOADED)
    action, running = here.action(Do.UNLOAD_ALL), in_flight(snapshot)
    return here.sent(action) if running == 0 else here.asked(action, "", running)


def _cancel(here: Here) -> Outcome:
    one = here.view.selected
    if one is None or one.kind != REQUEST:
        return here.refused(words.SELECT_REQUEST)
    label = facts.label(here.server, one)
    if Capability.CANCEL not in here.server.snapshot.confirmed:
        return here.refused(words.not_now(Do.CANCEL, label))
    return here.asked(here.action(Do.CANCEL, one.id, mark=one.mark), label, 1)


def _restart(here: Here) -> Outcome:
    snapshot = here.server.snapshot
    service = snapshot.service
    if service is None or not service.label:
        return here.refused(words.NO_SERVICE)
    if is_down(snapshot):
        return here.sent(here.action(Do.START, service.label))
    return here.asked(here.action(Do.RESTART, service.label), "", in_flight(snapshot))


def _copy(here: Here) -> Outcome:
    one = here.view.selected
    return here.refused(words.SELECT_ROW) if one is None else Outcome(here.view, Deed.COPY, text=harmless(one.id))


def _open(here: Here) -> Outcome:
    return here.sent(here.action(Do.OPEN, f"{here.server.url}{MODELS_PAGE}"))


def _choose_profile(here: Here) -> Outcome:
    snapshot = here.server.snapshot
    if not snapshot.profiles:
        return here.refused(words.NO_PROFILES)
    return here.changed(page=Page.PROFILES, chosen=snapshot.profile or "")


def _profile_chosen(here: Here, key: str) -> Outcome:
    snapshot, chosen = here.server.snapshot, here.view.chosen
    names = ("", *snapshot.profiles)
    place = names.index(chosen) if chosen in names else 0
    if key in (Named.UP, Named.DOWN, "j", "k"):
        step = 1 if key in (Named.DOWN, "j") else -1
        return here.changed(chosen=names[min(max(place + step, 0), len(names) - 1)])
    if key != Named.ENTER or chosen == (snapshot.profile or ""):
        return here.said(words.PROFILE_KEPT, page=Page.TABLES)
    return here.sent(here.action(Do.PROFILE, chosen), plain(chosen), page=Page.TABLES)


def _next_server(step: int) -> Act:
    def _act(here: Here) -> Outcome:
        names, shown = [server.name for server in here.scene.servers], here.server.name
        after = names[(names.index(shown) + step) % len(names)]
        if after == shown:
            return Outcome(here.view, refused=True)
        return here.changed(server=after, selected=None, place=-1, top=0, page=Page.TABLES)

    return _act


def _escape(here: Here) -> Outcome:
    if here.view.page is Page.DETAILS:
        return here.changed(page=Page.TABLES)
    if here.view.filter:
        return here.changed(filter="")
    return here.changed(selected=None, place=max(0, here.view.place))


def _details(here: Here) -> Outcome:
    if here.view.selected is None:
        return here.refused(words.SELECT_ROW)
    return here.changed(page=Page.TABLES if here.view.page is Page.DETAILS else Page.DETAILS)


def _filter(here: Here) -> Outcome:
    if not here.server.snapshot.models:
        return here.refused(words.NO_MODELS[0])
    return here.changed(typing=True, page=Page.TABLES)


def _typed(here: Here, text: str) -> Outcome:
    return here.changed(filter=(here.view.filter + text)[:LONGEST_FILTER])


def _edited(here: Here, key: str) -> Outcome:
    view = here.view
    if key == Named.ESCAPE:
        return here.changed(typing=False, filter="")
    if key in (Named.ENTER, Named.TAB, Named.UP, Named.DOWN):
        return here.changed(typing=False, place=view.place if view.selected is not None else -1)  # the first match
    if key == Named.BACKSPACE:
        return here.changed(filter=view.filter[:-1])
    return _typed(here, key) if len(key) == 1 else Outcome(view)


def _sorted(here: Here) -> Outcome:
    if not here.server.snapshot.models:
        return here.refused(words.NO_MODELS[0])
    after = SORTS[(SORTS.index(here.view.sort) + 1) % len(SORTS)]
    return here.said(words.sorted_by(after), sort=after)


def _pause(here: Here) -> Outcome:
    return Outcome(here.view, Deed.PAUSE) if here.view.demo else Outcome(here.view, refused=True)


_END = 10**9
_DOWN, _UP = _moved(lambda _: 1), _moved(lambda _: -1)
_FIRST, _LAST = _moved(lambda _: -_END), _moved(lambda _: _END)
_KEYS: Dict[str, Act] = {
    Named.DOWN: _DOWN, "j": _DOWN, Named.UP: _UP, "k": _UP, "g": _FIRST, Named.HOME: _FIRST, "G": _LAST,
    Named.END: _LAST, Named.PAGE_DOWN: _moved(lambda view: max(1, view.rows - 1)),
    Named.PAGE_UP: _moved(lambda view: min(-1, 1 - view.rows)), Named.ENTER: _details, "d": _details,
    Named.ESCAPE: _escape, Named.TAB: _next_server(1), Named.BACK_TAB: _next_server(-1), "/": _filter, "s": _sorted,
    "l": _load, "u": _unload, "U": _unload_all, "c": _cancel, "p": _choose_profile, "r": _restart, "y": _copy,
    "o": _open, " ": _pause, "L": lambda here: Outcome(here.view, Deed.LOG),
    "D": lambda here: Outcome(here.view, Deed.DOCTOR), "?": lambda here: here.changed(page=Page.HELP),
}  # fmt: skip
