"""The same menu as lines of a terminal, for `watch`, `frame` without SwiftBar, and golden files."""

import unicodedata
from typing import Iterable, List

from llamabar.view.menu import Level, Menu, Row
from llamabar.view.sparkline import blocks

NARROWEST = 20
CHART_WIDTH = 24
INDENT = 2

_STYLES = {Level.QUIET: "2", Level.WARNING: "33", Level.ERROR: "31"}


def render(menu: Menu, *, width: int, glyph: str = "", colour: bool = False, depth: int = 0) -> List[str]:
    """Return lines of at most `width` columns; submenus down to `depth` levels are drawn below their rows."""
    width = max(NARROWEST, width)
    title = " ".join(part for part in (glyph, menu.title.text.strip()) if part) or menu.title.spoken
    lines = [fit(title, width)]
    for section in menu.sections:
        lines.append("─" * width)
        for row in section:
            lines += _lines(row, width=width, colour=colour, indent=0, depth=depth)
    return lines


def _lines(row: Row, *, width: int, colour: bool, indent: int, depth: int) -> Iterable[str]:
    text = " " * indent + ("✓ " if row.checked else "") + row.text
    more = " ▸" if row.children and depth == 0 else ""
    if row.image is not None and width >= 2 * CHART_WIDTH:
        room = width - CHART_WIDTH - 1 - columns(more)
        line = pad(fit(text, room), room) + " " + blocks(row.image.values, CHART_WIDTH) + more
    else:
        line = fit(text, width - columns(more)) + more
    style = _STYLES.get(row.level) if colour else None
    yield f"\x1b[{style}m{line}\x1b[0m" if style else line
    if depth > 0:
        for child in row.children:
            yield from _lines(child, width=width, colour=colour, indent=indent + INDENT, depth=depth - 1)


def columns(text: str) -> int:
    """Return how many columns a terminal gives to a text."""
    return sum(_columns_of(char) for char in text)


def fit(text: str, width: int) -> str:
    """Return the text cut to a number of columns, with an ellipsis if anything is missing."""
    if columns(text) <= width:
        return text
    used, kept = 0, []
    for char in text:
        used += _columns_of(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def pad(text: str, width: int) -> str:
    """Return the text filled up with blanks."""
    return text + " " * max(0, width - columns(text))


def _columns_of(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
