"""What can be selected in a menu: models and requests, found by what their actions do, never by the row's words."""

from typing import Collection, Iterator, List, NamedTuple, Optional, Tuple

from llamabar.view.menu import Action, Do, Menu, Row
from llamabar.view.text import name

MODEL, REQUEST = "model", "request"


class Key(NamedTuple):
    """Which thing it is, however its row moves and whatever it says."""

    kind: str
    server: str
    target: str
    mark: str = ""


class Thing(NamedTuple):
    """A model or a request, and its row."""

    key: Key
    row: Row

    @property
    def label(self) -> str:
        """Return what a person calls it."""
        return name(self.key.target) if self.key.kind == MODEL else self.row.text


def things(menu: Menu, models: Collection[str] = ()) -> Tuple[Thing, ...]:
    """Return what can be selected, in the order of the menu; `models` are the ids by which a row may name one."""
    found: List[Thing] = []
    for section in menu.sections:
        for row in section:
            found += [one for one in _in(row, models) if all(one.key != other.key for other in found)]
    return tuple(found)


def actions(menu: Menu, do: Do, key: Optional[Key] = None) -> List[Tuple[Row, Action]]:
    """Return the rows that do this, and their actions: all, or those for one thing."""
    pairs = [(row, row.action) for row in menu.rows() if row.action is not None and row.action.do is do]
    return [(row, action) for row, action in pairs if key is None or _is_for(action, key)]


def _is_for(action: Action, key: Key) -> bool:
    return (action.server, action.target, action.mark) == (key.server, key.target, key.mark)


def _in(row: Row, models: Collection[str]) -> Iterator[Thing]:
    """Yield the one thing that a row is about; of a row that holds several, or only names one in a list, each."""
    keys = {key for inner in _tree(row) for key in _keys(inner.action, models)}
    if len(keys) == 1 and not any(_names(child, next(iter(keys))) for child in row.children):
        yield Thing(keys.pop(), row)
        return
    for child in row.children if keys else ():
        yield from _in(child, models)


def _tree(row: Row) -> Iterator[Row]:
    yield row
    for inner in (*row.children, *((row.alternate,) if row.alternate is not None else ())):
        yield from _tree(inner)


def _keys(action: Optional[Action], models: Collection[str]) -> Iterator[Key]:
    if action is None:
        return
    if action.do is Do.CANCEL:
        yield Key(REQUEST, action.server, action.target, action.mark)
    elif action.do in (Do.LOAD, Do.UNLOAD) or (action.do is Do.COPY and action.target in models):
        yield Key(MODEL, action.server, action.target)


def _names(child: Row, key: Key) -> bool:
    """Tell whether an item of a list is the model itself rather than something to do with it."""
    loads = child.action is not None and child.action.do is Do.LOAD
    return key.kind == MODEL and loads and child.text.startswith(name(key.target))
