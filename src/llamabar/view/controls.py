"""What a key does to the live view. Pure: what is shown and a key in, what is shown next and perhaps a click out.

Law: a key acts on what is selected, and what is selected is a model or a request, not a place. When it goes, nothing is
selected: no key may ever hit what moved up into its place.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core.units import plural
from llamabar.view.menu import MODEL, Action, Do, Menu, Row, Subject
from llamabar.view.selection import Selectable, actions, selectable
from llamabar.view.text import name

UP, DOWN, ENTER, ESCAPE = "up", "down", "enter", "escape"
QUIT = "quit"
MOVES = {UP: -1, "k": -1, DOWN: 1, "j": 1}

HELP = (
    "Keys", "",
    "↑↓, j k   select a model or a request (Esc: none)",
    "l         load the selected model",
    "u         unload the selected model",
    "c         cancel the selected request",
    "p         choose a profile",
    "r         restart llama-swap (asks first)",
    "o         open the web UI",
    "d         show or hide details",
    "?         this help",
    "q         quit", "",
    "Press any key to return.",
)  # fmt: skip
FOOT = (
    "? help", "q quit", "↑↓ select", "l load", "u unload", "c cancel", "p profile", "r restart", "o web UI",
    "d details",
)  # fmt: skip
OFFERS = {Do.LOAD: "l load", Do.UNLOAD: "u unload", Do.CANCEL: "c cancel"}
SENT = {Do.LOAD: "Loading", Do.UNLOAD: "Unloading", Do.CANCEL: "Cancelling"}


@dataclass(frozen=True)
class Seen:
    """What a key can act on: the menu as it is shown, and how many requests are in flight."""

    menu: Menu
    in_flight: Mapping[str, Optional[int]] = field(default_factory=dict)  # by server
    requests: Mapping[Tuple[str, str], int] = field(default_factory=dict)  # by server and model

    @property
    def selectable(self) -> Tuple[Selectable, ...]:
        """Return what can be selected."""
        return selectable(self.menu)


@dataclass(frozen=True)
class Controls:
    """The state of the view. `place` is where what is selected stood; `message` answers the last key."""

    selected: Optional[Subject] = None
    place: int = -1
    details: bool = False
    dialog: str = ""  # "help", "profile" or "restart": what stands in front of the menu
    chosen: Optional[Action] = None  # the profile pointed at, or the restart that is asked about
    message: str = ""


class Outcome(NamedTuple):
    """What is shown next, and the action to be done: its token, or `quit`."""

    controls: Controls
    click: str = ""


def settled(controls: Controls, seen: Seen) -> Controls:
    """Return the state under a new menu: what has gone is not selected, pointed at or asked about any more."""
    key = controls.selected
    if key is not None:
        keys = [one.key for one in seen.selectable]
        if key in keys:
            controls = replace(controls, place=keys.index(key))
        else:
            what = key.label if key.kind == MODEL else "The selected request"
            controls = replace(controls, selected=None, message=f"{what} is gone.")
    if controls.dialog == "profile" and all(action != controls.chosen for _, action in profiles(controls, seen)):
        return _back(controls, "The list of profiles has changed.")
    return controls


def pressed(controls: Controls, key: str, seen: Seen) -> Outcome:
    """Return what a key leads to."""
    if key in ("q", "Q"):
        return Outcome(controls, QUIT)
    controls = replace(settled(controls, seen), message="")
    if controls.dialog:
        return _DIALOGS[controls.dialog](controls, key, seen)
    if key in MOVES:
        return Outcome(_moved(controls, MOVES[key], seen))
    act = _KEYS.get(key)
    return act(controls, seen) if act is not None else Outcome(controls)


def selected(controls: Controls, seen: Seen) -> Optional[Selectable]:
    """Return what is selected, or None."""
    return next((one for one in seen.selectable if one.key == controls.selected), None)


def profiles(controls: Controls, seen: Seen) -> List[Tuple[Row, Action]]:
    """Return the profiles to choose among: of the selected model's server, or of all."""
    return _of_server(actions(seen.menu, Do.PROFILE), controls)


def answer(controls: Controls, seen: Seen) -> str:
    """Return the line that answers the last key, asks a question, or says what can be done with what is selected."""
    if controls.dialog == "restart":
        return f"{_restart_question(controls, seen)} Press y to restart, any other key to go back."
    one = None if controls.dialog else selected(controls, seen)
    if controls.message or one is None:
        return controls.message
    offered = [do for do in OFFERS if actions(seen.menu, do, one.key)]
    offers = [OFFERS[do] for do in offered]
    interrupted = seen.requests.get((one.key.server, one.key.target), 0) if Do.UNLOAD in offered else 0
    offers += [f"interrupts {plural(interrupted, 'request')}"] if interrupted else []
    return " · ".join((one.key.label, *(offers or ["nothing to do right now"])))


def _moved(controls: Controls, step: int, seen: Seen) -> Controls:
    found = seen.selectable
    if not found:
        return replace(controls, message="No model or request to select.")
    place = controls.place + step
    if controls.selected is None:  # where the last one stood, its successor stands now
        place = max(controls.place, 0) if step > 0 else (controls.place - 1 if controls.place >= 0 else len(found) - 1)
    place = min(max(place, 0), len(found) - 1)
    return replace(controls, selected=found[place].key, place=place)


def _act(do: Do, controls: Controls, seen: Seen) -> Outcome:
    one = selected(controls, seen)
    if one is None:
        return _say(controls, f"Select a {'request' if do is Do.CANCEL else 'model'} first (↑↓).")
    found = actions(seen.menu, do, one.key)
    if found:
        return Outcome(replace(controls, message=f"{SENT[do]} {one.key.label}…"), found[0][1].token)
    return _say(controls, _why_not(do, one.key, seen))


def _why_not(do: Do, key: Subject, seen: Seen) -> str:
    if (key.kind == MODEL) != (do is not Do.CANCEL):
        return f"Select a {'request' if do is Do.CANCEL else 'model'} first (↑↓)."
    if do is Do.LOAD and actions(seen.menu, Do.UNLOAD, key):
        return f"{key.label} is already loaded."
    if do is Do.UNLOAD and actions(seen.menu, Do.LOAD, key):
        return f"{key.label} isn't loaded."
    return f"Can't {do.value} {key.label} right now."


def _open(controls: Controls, seen: Seen) -> Outcome:
    top = [row for section in seen.menu.sections for row in section]  # submenus open pages of models
    found = _of_server([pair for pair in actions(seen.menu, Do.OPEN) if pair[0] in top], controls)
    if not found:
        return _say(controls, "No web UI to open: llama-swap isn't responding.")
    return Outcome(replace(controls, message="Opening the web UI…"), found[0][1].token)


def _choose_profile(controls: Controls, seen: Seen) -> Outcome:
    found = profiles(controls, seen)
    if not found:
        return _say(controls, "No profiles: llama-swap has none, or isn't responding.")
    return Outcome(replace(controls, dialog="profile", chosen=found[0][1]))


def _ask_restart(controls: Controls, seen: Seen) -> Outcome:
    found = _of_server(actions(seen.menu, Do.RESTART), controls)
    if not found:
        return _say(controls, "Can't restart: no service found that runs llama-swap.")
    if len({action.server for _, action in found}) > 1:
        return _say(controls, "Which server? Select one of its models first (↑↓).")
    return Outcome(replace(controls, dialog="restart", chosen=found[0][1]))


def _restart_question(controls: Controls, seen: Seen) -> str:
    server = controls.chosen.server if controls.chosen is not None else ""
    interrupted = seen.in_flight.get(server)
    what = f"Restart llama-swap{f' on {name(server)}' if len(seen.in_flight) > 1 else ''}?"
    if interrupted is None:
        return f"{what} This interrupts requests in flight, if there are any."
    return f"{what} This interrupts {plural(interrupted, 'request')}." if interrupted else f"{what} No active requests."


def _of_server(found: List[Tuple[Row, Action]], controls: Controls) -> List[Tuple[Row, Action]]:
    server = controls.selected.server if controls.selected is not None else None
    return [pair for pair in found if server in (None, pair[1].server)]


def _say(controls: Controls, message: str) -> Outcome:
    return Outcome(replace(controls, message=message))


def _back(controls: Controls, message: str = "") -> Controls:
    return replace(controls, dialog="", chosen=None, message=message)


def _after_restart(controls: Controls, key: str, seen: Seen) -> Outcome:
    chosen = controls.chosen
    if key not in ("y", "Y") or chosen is None:
        return Outcome(_back(controls, "Not restarted."))
    if all(action != chosen for _, action in actions(seen.menu, Do.RESTART)):
        return Outcome(_back(controls, "Not restarted: a restart is no longer possible."))
    return Outcome(_back(controls, "Restarting…"), chosen.token)


def _after_profile(controls: Controls, key: str, seen: Seen) -> Outcome:
    found = [action for _, action in profiles(controls, seen)]
    if key in MOVES and controls.chosen in found:
        place = min(max(found.index(controls.chosen) + MOVES[key], 0), len(found) - 1)
        return Outcome(replace(controls, chosen=found[place]))
    if key == ENTER and controls.chosen in found:
        return Outcome(_back(controls, "Changing the profile…"), found[found.index(controls.chosen)].token)
    return Outcome(_back(controls, "Profile unchanged."))


_DIALOGS: Dict[str, Callable[[Controls, str, Seen], Outcome]] = {
    "help": lambda controls, *_: Outcome(_back(controls)), "profile": _after_profile, "restart": _after_restart,
}  # fmt: skip
_KEYS: Dict[str, Callable[[Controls, Seen], Outcome]] = {
    "l": partial(_act, Do.LOAD),
    "u": partial(_act, Do.UNLOAD),
    "c": partial(_act, Do.CANCEL),
    "o": _open,
    "p": _choose_profile,
    "r": _ask_restart,
    "d": lambda controls, _: Outcome(replace(controls, details=not controls.details)),
    "?": lambda controls, _: Outcome(replace(controls, dialog="help")),
    ESCAPE: lambda controls, _: Outcome(replace(controls, selected=None, place=-1)),
}
