"""What a key does to the live view. Pure: what is shown and a key in, what is shown next and perhaps a click out.

Law: a key acts on what is selected, and what is selected is a thing, not a place. When it goes, nothing is selected:
no key may ever hit what moved up into its place.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Callable, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core.units import plural
from llamabar.view.menu import Action, Do, Menu, Row
from llamabar.view.selection import MODEL, Key, Thing, actions, things
from llamabar.view.text import name

UP, DOWN, ENTER, ESCAPE = "up", "down", "enter", "escape"
QUIT = "quit"
MOVES = {UP: -1, "k": -1, DOWN: 1, "j": 1}

HELP = (
    "Keys", "",
    "j k, arrows   select a model or a request (Esc: nothing)",
    "l             load the selected model",
    "u             unload the selected model",
    "c             cancel the selected request",
    "p             choose a profile, or leave it",
    "r             restart llama-swap, after a question",
    "o             open the web UI",
    "d             details on or off",
    "?             this help",
    "q             quit", "",
    "Any other key goes back.",
)  # fmt: skip
FOOT = (
    "? help", "q quit", "j k select", "l load", "u unload", "c cancel", "p profile", "r restart", "o web UI",
    "d details",
)  # fmt: skip
SELECT_FIRST = {
    Do.LOAD: "Nothing is selected: j and k go to the model to load.",
    Do.UNLOAD: "Nothing is selected: j and k go to the model to unload.",
    Do.CANCEL: "Nothing is selected: j and k go to the request to cancel.",
}
ANSWERS = {Do.LOAD: "Asked to load", Do.UNLOAD: "Asked to unload", Do.CANCEL: "Asked to cancel"}
OFFERS = {Do.LOAD: "l loads it", Do.UNLOAD: "u unloads it", Do.CANCEL: "c cancels it"}


@dataclass(frozen=True)
class Seen:
    """What a key can act on: the menu as it is shown, the ids of models, the requests in flight."""

    menu: Menu
    models: FrozenSet[str] = frozenset()
    in_flight: Mapping[str, Optional[int]] = field(default_factory=dict)
    requests: Mapping[Tuple[str, str], int] = field(default_factory=dict)  # by server and model

    @property
    def things(self) -> Tuple[Thing, ...]:
        """Return what can be selected."""
        return things(self.menu, self.models)


@dataclass(frozen=True)
class Controls:
    """The state of the view. `place` is where the selected thing stood; `said` answers the last key."""

    selected: Optional[Key] = None
    place: int = -1
    details: bool = False
    asks: str = ""  # "help", "profile" or "restart": what stands in front of the menu
    chosen: Optional[Action] = None  # the profile pointed at, or the restart that is asked about
    said: str = ""


class Outcome(NamedTuple):
    """What is shown next, and the action to be done: its token, or `quit`."""

    controls: Controls
    click: str = ""


def settled(controls: Controls, seen: Seen) -> Controls:
    """Return the state under a new menu: what has gone is not selected, pointed at or asked about any more."""
    key = controls.selected
    if key is not None:
        keys = [thing.key for thing in seen.things]
        if key in keys:
            controls = replace(controls, place=keys.index(key))
        else:
            what = name(key.target) if key.kind == MODEL else "The selected request"
            controls = replace(controls, selected=None, said=f"{what} has gone from the menu.")
    if controls.asks == "profile" and all(action != controls.chosen for _, action in profiles(controls, seen)):
        return _back(controls, "The list of profiles has changed.")
    return controls


def pressed(controls: Controls, key: str, seen: Seen) -> Outcome:
    """Return what a key leads to."""
    if key in ("q", "Q"):
        return Outcome(controls, QUIT)
    controls = replace(settled(controls, seen), said="")
    if controls.asks:
        return _ANSWERED[controls.asks](controls, key, seen)
    if key in MOVES:
        return Outcome(_moved(controls, MOVES[key], seen))
    act = _KEYS.get(key)
    return act(controls, seen) if act is not None else Outcome(controls)


def selected(controls: Controls, seen: Seen) -> Optional[Thing]:
    """Return the selected thing, or None."""
    return next((thing for thing in seen.things if thing.key == controls.selected), None)


def profiles(controls: Controls, seen: Seen) -> List[Tuple[Row, Action]]:
    """Return the profiles to choose among: of the selected thing's server, or of all."""
    return _of_server(actions(seen.menu, Do.PROFILE), controls)


def answer(controls: Controls, seen: Seen) -> str:
    """Return the line that answers the last key, asks a question, or says what can be done with what is selected."""
    if controls.asks == "restart":
        return f"{_restart_words(controls, seen)} y restarts, any other key does not."
    if controls.said:
        return controls.said
    thing = None if controls.asks else selected(controls, seen)
    if thing is None:
        return ""
    lost = seen.requests.get((thing.key.server, thing.key.target), 0) if thing.key.kind == MODEL else 0
    offers = [words for do, words in OFFERS.items() if actions(seen.menu, do, thing.key)]
    offers += [f"{plural(lost, 'request')} will be lost"] if lost and offers else []
    return " · ".join((thing.label, *(offers or ["nothing can be done with it now"])))


def _moved(controls: Controls, step: int, seen: Seen) -> Controls:
    found = seen.things
    if not found:
        return replace(controls, said="There is no model and no request to select.")
    place = controls.place + step
    if controls.selected is None:  # where the last one stood, its successor stands now
        place = max(controls.place, 0) if step > 0 else (controls.place - 1 if controls.place >= 0 else len(found) - 1)
    place = min(max(place, 0), len(found) - 1)
    return replace(controls, selected=found[place].key, place=place)


def _act(do: Do, controls: Controls, seen: Seen) -> Outcome:
    thing = selected(controls, seen)
    if thing is None:
        return Outcome(replace(controls, said=SELECT_FIRST[do]))
    found = actions(seen.menu, do, thing.key)
    if found:
        return Outcome(replace(controls, said=f"{ANSWERS[do]}: {thing.label}"), found[0][1].token)
    return Outcome(replace(controls, said=_why_not(do, thing, seen)))


def _why_not(do: Do, thing: Thing, seen: Seen) -> str:
    is_model = thing.key.kind == MODEL
    if is_model != (do is not Do.CANCEL):
        return f"A {thing.key.kind} is selected: {OFFERS[do][0]} is for {'requests' if is_model else 'models'}."
    if do is Do.LOAD and actions(seen.menu, Do.UNLOAD, thing.key):
        return f"{thing.label} is loaded already."
    if do is Do.UNLOAD and actions(seen.menu, Do.LOAD, thing.key):
        return f"{thing.label} is not loaded."
    return f"Not possible now: {do.value} {thing.label}."


def _open(controls: Controls, seen: Seen) -> Outcome:
    top = [row for section in seen.menu.sections for row in section]  # submenus open pages of models
    found = _of_server([pair for pair in actions(seen.menu, Do.OPEN) if pair[0] in top], controls)
    if not found:
        return Outcome(replace(controls, said="There is no web UI to open while llama-swap does not answer."))
    return Outcome(replace(controls, said="Asked to open the web UI."), found[0][1].token)


def _choose_profile(controls: Controls, seen: Seen) -> Outcome:
    found = profiles(controls, seen)
    if not found:
        return Outcome(replace(controls, said="No profile is offered: llama-swap has none, or does not answer."))
    return Outcome(replace(controls, asks="profile", chosen=found[0][1]))


def _ask_restart(controls: Controls, seen: Seen) -> Outcome:
    found = _of_server(actions(seen.menu, Do.RESTART), controls)
    if not found:
        return Outcome(replace(controls, said="No restart is offered: no service is known that runs llama-swap."))
    if len({action.server for _, action in found}) > 1:
        return Outcome(replace(controls, said="Which server? j and k go to one of its models first."))
    return Outcome(replace(controls, asks="restart", chosen=found[0][1]))


def _restart_words(controls: Controls, seen: Seen) -> str:
    server = controls.chosen.server if controls.chosen is not None else ""
    several = len(seen.in_flight) > 1
    lost = seen.in_flight.get(server)
    what = f"Restart llama-swap{f' on {name(server)}' if several else ''}?"
    if lost is None:
        return f"{what} Requests in flight, if there are any, will be lost."
    return f"{what} {plural(lost, 'request')} will be lost." if lost else f"{what} No request is in flight."


def _of_server(found: List[Tuple[Row, Action]], controls: Controls) -> List[Tuple[Row, Action]]:
    server = controls.selected.server if controls.selected is not None else None
    return [pair for pair in found if server in (None, pair[1].server)]


def _back(controls: Controls, said: str = "") -> Controls:
    return replace(controls, asks="", chosen=None, said=said)


def _after_help(controls: Controls, _: str, __: Seen) -> Outcome:
    return Outcome(_back(controls))


def _after_restart(controls: Controls, key: str, seen: Seen) -> Outcome:
    if key not in ("y", "Y"):
        return Outcome(_back(controls, "Not restarted."))
    chosen = controls.chosen
    if chosen is None or all(action != chosen for _, action in actions(seen.menu, Do.RESTART)):
        return Outcome(_back(controls, "Not restarted: it is not offered any more."))
    return Outcome(_back(controls, "Asked to restart."), chosen.token)


def _after_profile(controls: Controls, key: str, seen: Seen) -> Outcome:
    found = [action for _, action in profiles(controls, seen)]
    if key in MOVES and controls.chosen in found:
        place = min(max(found.index(controls.chosen) + MOVES[key], 0), len(found) - 1)
        return Outcome(replace(controls, chosen=found[place]))
    if key == ENTER and controls.chosen in found:
        return Outcome(_back(controls, "Asked to change the profile."), found[found.index(controls.chosen)].token)
    return Outcome(_back(controls, "The profile stays as it is."))


_ANSWERED: Dict[str, Callable[[Controls, str, Seen], Outcome]] = {
    "help": _after_help, "profile": _after_profile, "restart": _after_restart,
}  # fmt: skip
_KEYS: Dict[str, Callable[[Controls, Seen], Outcome]] = {
    "l": partial(_act, Do.LOAD),
    "u": partial(_act, Do.UNLOAD),
    "c": partial(_act, Do.CANCEL),
    "o": _open,
    "p": _choose_profile,
    "r": _ask_restart,
    "d": lambda controls, _: Outcome(replace(controls, details=not controls.details)),
    "?": lambda controls, _: Outcome(replace(controls, asks="help")),
    ESCAPE: lambda controls, _: Outcome(replace(controls, selected=None, place=-1)),
}
