"""The menu as SwiftBar's text. Whatever a row says, it stays one line, one item, one action.

What SwiftBar would misread and can be told is told: a backslash is doubled, and a title with a `:name:` (an SF Symbol
or an emoji to it) says symbolize=false emojize=false. What it has no way to escape is replaced by what looks alike,
here and nowhere else: `|`, a leading `--`, a line that is only `~~~`, and every character that ends a line
(facts on SwiftBar, "A menu line"; recordings of its parser).
"""

import base64
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import List, Optional, Tuple
from urllib.parse import quote

from llamabar.view import words
from llamabar.view.menu import Action, Do, Menu, Row, Title
from llamabar.view.palette import LEVEL_COLOURS

FRAME_LIMIT_BYTES = 16_384
END = "~~~"
TITLE_FONT = "font=Menlo size=12 trim=false"

MOST_SECTIONS = 40
_FOLDS = (150, 100, 60, 30, 12, 4, 1)  # rows kept of each list
DOTTED_CIRCLE, JOINER = "\u25cc", "\u200d"  # a mark or a joiner would become one character with the `--` before it
_LINE_ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029\x00]+")
_SYMBOL = re.compile(r":[^\s:]+:")
_VERBATIM = "symbolize=false emojize=false"
_ESCAPED = str.maketrans({"|": "\u00a6", "\\": "\\\\"})
_UNQUOTED = str.maketrans({'"': "\u2033", "\\": "\u2216"})  # a backslash in quotes is kept with its character
_URL_CHARS = "-._~:/?#[]@!$&()*+,;=%"


@dataclass(frozen=True)
class Clicks:
    """How clicks come back: as a line on stdin (SwiftBar 2.1.0 and later), or as a process of `program`."""

    program: str = ""
    by_stdin: bool = True

    def params(self, action: Action) -> List[str]:
        """Return the parameters that make an item do this, exactly one way for one action; [] if none can carry it."""
        if action.do is Do.OPEN:
            return [f"href={quote(action.target, safe=_URL_CHARS, errors='replace')}"]
        if action.do is Do.REFRESH:
            return ["refresh=true"]
        if action.do is Do.TERMINAL:
            return self._process(*action.target.split(), terminal="true")
        if self.by_stdin:
            return [f"stdin={action.token}"]
        return self._process("click", action.token, terminal="false")

    def _process(self, *arguments: str, terminal: str) -> List[str]:
        program = _quoted(self.program) if self.program else None
        numbered = [f"param{number}={word}" for number, word in enumerate(arguments, 1)]
        return [f"bash={program}", *numbered, f"terminal={terminal}"] if program else []


def render(menu: Menu, clicks: Clicks) -> bytes:
    """Return one frame, ended by its separator, never longer than FRAME_LIMIT_BYTES; what is folded is counted."""
    frame = _render(menu, clicks)
    for limit in _FOLDS:
        if len(frame) <= FRAME_LIMIT_BYTES:
            break
        frame = _render(_folded(menu, limit), clicks)
    return frame if len(frame) <= FRAME_LIMIT_BYTES else _render(_cut(_folded(menu, 1)), clicks)


def _cut(menu: Menu) -> Menu:
    """Return the menu with as many sections as a frame surely holds; those left out are counted."""
    left_out = len(menu.sections) - MOST_SECTIONS
    more = (Row(f"{words.OTHERS}: {words.left_out(left_out, 'sections')}"),)
    return menu if left_out <= 0 else replace(menu, sections=(*menu.sections[:MOST_SECTIONS], more))


def safe(text: str) -> str:
    """Return a title that SwiftBar shows as it stands, on one line."""
    shown = _LINE_ENDS.sub(" ", text).translate(_ESCAPED)
    if shown and (unicodedata.category(shown[0])[0] == "M" or shown[0] == JOINER):
        shown = DOTTED_CIRCLE + shown
    stripped = shown.lstrip("-")
    dashes = len(shown) - len(stripped)
    if dashes:
        shown = "\u2010" * dashes + stripped
    return "\u223c\u223c\u223c" if shown.strip() == END else shown


def _render(menu: Menu, clicks: Clicks) -> bytes:
    lines = [_header(menu.title)]
    for section in menu.sections:
        lines.append("---")
        for row in section:
            lines += _lines(row, clicks, level=0)
    lines.append(END)
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _header(title: Title) -> str:
    picture = f"sfimage={title.symbol}" if title.image is None else f"image={_base64(title.image.png)}"
    key = f" shortcut={title.key}" if title.key else ""
    verbatim = f" {_VERBATIM}" if _SYMBOL.search(title.text) else ""
    return f"{safe(title.text)}|{picture} {TITLE_FONT}{verbatim}{key}"


def _lines(row: Row, clicks: Clicks, *, level: int, alternate: bool = False) -> List[str]:
    params = _params(row, clicks, alternate=alternate)
    lines = ["--" * level + safe(row.text) + ("|" + " ".join(params) if params else "")]
    for child in row.children:
        lines += _lines(child, clicks, level=level + 1)
    if row.alternate is not None:
        lines += _lines(row.alternate, clicks, level=level, alternate=True)
    return lines


def _params(row: Row, clicks: Clicks, *, alternate: bool) -> List[str]:
    params = clicks.params(row.action) if row.action is not None else []
    if row.symbol:
        params.append(f"sfimage={row.symbol}")
    if row.image is not None:
        params.append(f"image={_base64(row.image.png)}")
    if row.level in LEVEL_COLOURS:
        params.append("color=" + ",".join(LEVEL_COLOURS[row.level]))
    if row.checked:
        params.append("checked=true")
    if _SYMBOL.search(row.text):
        params.append(_VERBATIM)
    if row.tooltip:
        params.append(f'tooltip="{safe(row.tooltip).translate(_UNQUOTED)}"')
    if alternate:
        params.append("alternate=true")
    return params


def _base64(png: bytes) -> str:
    return base64.b64encode(png).decode("ascii")


def _quoted(value: str) -> Optional[str]:
    """Return a parameter's value in quotes if it needs them; None if no quoting can carry it."""
    if not re.search(r"[\s'\"]", value):
        return value
    for mark in ('"', "'"):
        if mark not in value and "\\" not in value:
            return mark + value + mark
    return None


def _folded(menu: Menu, limit: int) -> Menu:
    return replace(menu, sections=tuple(_fold_rows(section, limit) for section in menu.sections))


def _fold_rows(rows: Tuple[Row, ...], limit: int) -> Tuple[Row, ...]:
    kept = tuple(replace(row, children=_fold_rows(row.children, limit)) for row in rows[:limit])
    return kept if len(rows) <= limit else (*kept, Row(f"{words.OTHERS}: {words.left_out(len(rows) - limit)}"))
