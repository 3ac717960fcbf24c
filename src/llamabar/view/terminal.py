"""The same menu as lines of a terminal, for `watch`, `frame` without SwiftBar, and golden files."""

from dataclasses import dataclass, replace
from typing import Iterable, List, NamedTuple, Optional

from llamabar.view.menu import Level, Menu, Row
from llamabar.view.sparkline import blocks
from llamabar.view.text import columns, fit, pad

NARROWEST = 20
WIDEST = 110  # a chart further from its words is not read with them
CHART_WIDTH, NARROWEST_CHART = 24, 8
INDENT = 2
SELECTED, NOT_SELECTED = "> ", "  "

_STYLES = {Level.QUIET: "2", Level.WARNING: "33", Level.ERROR: "31"}
_REVERSE = "7"


class Line(NamedTuple):
    """A line as it is printed, and whether it is the selected row's."""

    text: str
    selected: bool = False


@dataclass(frozen=True)
class Look:
    """How a menu is drawn; `gutter`: rows stand behind a margin that marks the selected one."""

    width: int
    colour: bool = False
    depth: int = 0
    gutter: bool = False
    selected: Optional[Row] = None


def render(menu: Menu, *, width: int, glyph: str = "", colour: bool = False, depth: int = 0) -> List[str]:
    """Return lines of at most `width` columns; submenus down to `depth` levels are drawn below their rows."""
    look = Look(max(NARROWEST, width), colour=colour, depth=depth)
    return [line.text for line in lines(menu, look, glyph=glyph)]


def lines(menu: Menu, look: Look, *, glyph: str = "") -> List[Line]:
    """Return the lines of a menu, a title first; the submenu that holds the selected row is drawn, too."""
    look = replace(look, width=min(WIDEST, look.width))
    title = " ".join(part for part in (glyph, menu.title.text.strip()) if part) or menu.title.spoken
    found = [Line(fit(title, look.width))]
    for section in menu.sections:
        found.append(Line("─" * look.width))
        for row in section:
            found += _lines(row, look, indent=0, depth=look.depth)
    return found


def _lines(row: Row, look: Look, *, indent: int, depth: int) -> Iterable[Line]:
    selected = row is look.selected
    unfolded = depth > 0 or _holds(row, look.selected)
    margin = (SELECTED if selected else NOT_SELECTED) if look.gutter else ""
    words = margin + " " * indent + ("✓ " if row.checked else "") + row.text
    line = _with_chart(row, words, " ▸" if row.children and not unfolded else "", width=look.width)
    styles = [_REVERSE] if selected and look.colour else []
    styles += [_STYLES[row.level]] if look.colour and row.level in _STYLES else []
    yield Line(f"\x1b[{';'.join(styles)}m{line}\x1b[0m" if styles else line, selected)
    for child in row.children if unfolded else ():
        yield from _lines(child, look, indent=indent + INDENT, depth=depth - 1)


def _holds(row: Row, selected: Optional[Row]) -> bool:
    return any(child is selected or _holds(child, selected) for child in row.children) if selected else False


def _with_chart(row: Row, words: str, more: str, *, width: int) -> str:
    """Return the words, and as much of the chart as they leave room for."""
    room = min(CHART_WIDTH, width - columns(words) - 1 - columns(more))
    if row.image is None or room < NARROWEST_CHART:
        return fit(words, width - columns(more)) + more
    return pad(words, width - room - columns(more)) + blocks(row.image.values, room) + more
