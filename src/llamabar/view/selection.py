"""What can be selected in a menu: models and requests, found by what their rows are about, never by the rows' words."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from llamabar.view.menu import Action, Do, Menu, Row, Subject


class Selectable(NamedTuple):
    """A model or a request, and its row."""

    key: Subject
    row: Row


def selectable(menu: Menu) -> Tuple[Selectable, ...]:
    """Return what can be selected, in the order of the menu, each once."""
    found: Dict[Subject, Row] = {}
    for row in menu.rows():
        if row.subject is not None:
            found.setdefault(row.subject, row)
    return tuple(Selectable(key, row) for key, row in found.items())


def actions(menu: Menu, do: Do, key: Optional[Subject] = None) -> List[Tuple[Row, Action]]:
    """Return the rows that do this, and their actions: all, or those for one thing."""
    pairs = [(row, row.action) for row in menu.rows() if row.action is not None and row.action.do is do]
    return [(row, action) for row, action in pairs if key is None or _is_for(action, key)]


def _is_for(action: Action, key: Subject) -> bool:
    return (action.server, action.target, action.mark) == (key.server, key.target, key.mark)
