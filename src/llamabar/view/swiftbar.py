"""The menu as SwiftBar's text. Whatever a row's text is, it stays one line, one item, one action.

What SwiftBar would misread is escaped if possible: a backslash is doubled, and a title with `:name:` (an SF Symbol or
emoji to SwiftBar) gets symbolize=false emojize=false. What can't be escaped is replaced by a look-alike, only in this
module: `|`, a leading `--`, a line that is only `~~~`, and every character that ends a line (facts on SwiftBar, "A menu
line"; recordings of its parser).

A value is a badge where SwiftBar (2.1) and macOS (14) support that, else it follows the label. SwiftBar patches an open
menu and identifies a row by its first word unless it has a colon, by its font, and by whether it has an image and
children (ShapeFingerprint, MenuItemNode.swift). So that one model's row never turns into another's under the pointer, a
model name of several words gets its own font, one that doesn't exist; SwiftBar then uses the menu font
(atributedTitle).
"""

import base64
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple
from urllib.parse import quote

from llamabar.core import units
from llamabar.view import palette, words
from llamabar.view.menu import MODEL, SEPARATOR, Action, Do, Menu, Row, Title

FRAME_LIMIT_BYTES = 16_384
END = "~~~"
TITLE_FONT = "font=Menlo size=12 trim=false"

TALLEST_PT = 16  # of an image that SwiftBar 2.1.1 doesn't scale on macOS 26
_FOLDS = (1000, 150, 100, 60, 30, 20, 16, 12, 8, 4, 1)  # rows kept in each submenu
_OWN_LINE = -1  # used in place of a limit
_Key = Tuple[int, int, int]  # of a row: its identity, its level, how many of its children are kept
TOP_ROWS, MOST_SECTIONS = 40, 12  # of the menu itself, kept whatever is folded below
DOTTED_CIRCLE, JOINER = "\u25cc", "\u200d"  # a mark or joiner would merge with the `-` or `"` before it
_LINE_ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029\x00]+")
_SYMBOL = re.compile(r":[^\s:]+:")
_BARE = re.compile(r"[\w./%+-]+", re.ASCII)  # needs no quotes
_VERBATIM = "symbolize=false emojize=false"
_ESCAPED = str.maketrans({"|": "\u00a6", "\\": "\\\\"})
_UNQUOTED = str.maketrans({'"': "\u2033", "\\": "\u2216", JOINER: None})  # in quotes a backslash stays
_URL_CHARS = "-._~:/?#[]@!$&()*+,;=%"


@dataclass(frozen=True)
class Clicks:
    """What this SwiftBar supports. Clicks arrive as a line on stdin (2.1.0 and later), or as a process of `program`.
    `badges`: a value is shown at the right of its row. `options`: of every process.
    """

    program: str = ""
    by_stdin: bool = True
    badges: bool = False
    options: Tuple[str, ...] = ()

    def params(self, action: Action) -> List[str]:
        """Return the one set of parameters that makes an item do this action; [] if there is none."""
        if action.do is Do.OPEN and not self.by_stdin:  # a click takes fewer bytes than a URL with a long id
            return [f"href={quote(action.target, safe=_URL_CHARS, errors='replace')}"]
        if action.do is Do.REFRESH:
            return ["refresh=true"]
        if action.do is Do.TERMINAL:
            process = self._process(*action.target.split())
            return process if self.by_stdin or not process else [*process, "terminal=true"]
        if self.by_stdin:
            return [f"stdin={action.token}"]
        process = self._process("click", action.token)
        return [*process, "terminal=false"] if process else []

    def _process(self, *arguments: str) -> List[str]:
        """Return the parameters that start a process, which SwiftBar does in Terminal unless told otherwise."""
        program, *words = map(_quoted, (self.program, *arguments, *self.options))
        numbered = [f"param{number}={word}" for number, word in enumerate(words, 1)]
        return [f"bash={program}", *numbered] if program and None not in words else []


class Renderer:
    """Renders menus. A row's lines are reused while the same row object is shown again."""

    def __init__(self, clicks: Clicks) -> None:
        self._clicks = clicks
        self._last: Dict[_Key, Tuple[Row, str]] = {}
        self._now: Dict[_Key, Tuple[Row, str]] = {}
        self._fold = 0  # of the previous menu: the next one mostly needs the same

    def render(self, menu: Menu) -> bytes:
        """Return one frame with its separator, at most FRAME_LIMIT_BYTES long. Rows that are left out are counted."""
        self._last, self._now = self._now, {}
        frame = self._frame(menu, _FOLDS[self._fold])
        while len(frame) > FRAME_LIMIT_BYTES and self._fold < len(_FOLDS) - 1:
            self._fold += 1
            frame = self._frame(menu, _FOLDS[self._fold])
        while self._fold and len(wider := self._frame(menu, _FOLDS[self._fold - 1])) <= FRAME_LIMIT_BYTES:
            self._fold, frame = self._fold - 1, wider
        return frame

    def _frame(self, menu: Menu, limit: int) -> bytes:
        parts = [_header(menu.title)]
        for section in menu.sections[:MOST_SECTIONS]:
            parts += ["---\n", *(self._lines(row, 0, limit) for row in _kept(section, TOP_ROWS))]
        return "".join((*parts, END, "\n")).encode("utf-8", "replace")

    def _lines(self, row: Row, level: int, limit: int) -> str:
        """Return the lines of a row and all below it. Limits that leave nothing out share one cache entry."""
        key = (id(row), level, min(limit, row.widest))
        return self._known(row, key, lambda: self._made(row, level, limit))

    def _made(self, row: Row, level: int, limit: int, *, alternate: bool = False) -> str:
        if row is SEPARATOR:
            return "--" * level + "---\n"
        own = (id(row), level, _OWN_LINE)
        parts = [self._known(row, own, lambda: _line(row, self._clicks, level, alternate))]
        parts += [self._lines(child, level + 1, limit) for child in _kept(row.children, limit)]
        if row.alternate is not None:
            parts.append(self._made(row.alternate, level, limit, alternate=True))
        return "".join(parts)

    def _known(self, row: Row, key: "_Key", make: Callable[[], str]) -> str:
        kept = self._now.get(key) or self._last.get(key)
        if kept is None or kept[0] is not row:
            kept = (row, make())
        self._now[key] = kept
        return kept[1]


def render(menu: Menu, clicks: Clicks) -> bytes:
    """Return one frame, rendered without a cache."""
    return Renderer(clicks).render(menu)


def _kept(rows: Tuple[Row, ...], limit: int) -> Tuple[Row, ...]:
    if len(rows) <= limit:
        return rows
    return (*rows[:limit], Row(words.LEFT_OUT, units.count(len(rows) - limit), palette.MORE))


def safe(text: str) -> str:
    """Return a title that SwiftBar shows unchanged, on one line."""
    shown = _apart(_LINE_ENDS.sub(" ", text).translate(_ESCAPED))
    stripped = shown.lstrip("-")
    dashes = len(shown) - len(stripped)
    if dashes:
        shown = "\u2010" * dashes + stripped
    return "\u223c\u223c\u223c" if shown.strip() == END else shown


def _apart(text: str) -> str:
    """Return a text whose first character doesn't merge with the one before it."""
    joins = text and (unicodedata.category(text[0])[0] == "M" or text[0] == JOINER)
    return DOTTED_CIRCLE + text if joins else text


def _header(title: Title) -> str:
    picture = f"sfimage={title.symbol}" if title.image is None else f"image={_base64(title.image.png)}"
    key = f" shortcut={title.key}" if title.key else ""
    verbatim = f" {_VERBATIM}" if _SYMBOL.search(title.text) else ""
    return f"{safe(title.text)}|{picture} {TITLE_FONT}{verbatim}{key}\n"


def _line(row: Row, clicks: Clicks, level: int, alternate: bool) -> str:
    text = row.label if clicks.badges else row.text
    params = clicks.params(row.action) if row.action is not None else []
    params += _picture(row)
    if row.warning and not row.children:  # a parent item with a color may not open
        params.append("color=" + ",".join(palette.WARNING_COLOURS))
    if row.checked:
        params.append("checked=true")
    if row.subject is not None and row.subject.kind == MODEL and " " in text and ":" not in text:
        target = row.subject.target.encode("utf-8", "replace")
        params.append(f"font={hashlib.blake2s(target, digest_size=3).hexdigest()}")
    if _SYMBOL.search(text):
        params.append(_VERBATIM)
    if row.value and clicks.badges:
        params.append(f"badge={_text(row.value)}")
    if row.tooltip:
        params.append(f"tooltip={_text(row.tooltip)}")
    if alternate:
        params.append("alternate=true")
    return "--" * level + safe(text) + ("|" + " ".join(params) if params else "") + "\n"


def _picture(row: Row) -> List[str]:
    if row.image is None:
        return [f"sfimage={row.symbol}"] if row.symbol else []
    width_pt, height_pt = row.image.size_pt
    found = [f"image={_base64(row.image.png)}"]
    found += [f"width={width_pt} height={height_pt}"] if height_pt > TALLEST_PT else []
    still = row.action is None and not row.children  # macOS dims an item without an action, and its image
    return [*found, "color=" + ",".join(palette.CHART_COLOURS)] if still else found


def _text(value: str) -> str:
    """Return text as a parameter: on one line, and quoted if needed."""
    shown = _apart(_LINE_ENDS.sub(" ", value).translate(_UNQUOTED))
    return shown if _BARE.fullmatch(shown) else f'"{shown}"'


def _base64(png: bytes) -> str:
    return base64.b64encode(png).decode("ascii")


def _quoted(value: str) -> Optional[str]:
    """Return a parameter's value, quoted if needed; None if no quoting works."""
    if not re.search(r"[\s'\"]", value):
        return value
    for mark in ('"', "'"):
        if mark not in value and "\\" not in value:
            return mark + value + mark
    return None
