"""The menu as values. Its text is for people; a renderer makes it safe for its medium."""

import base64
import hashlib
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Iterator, Optional, Tuple

from llamabar.view import words


class Do(str, Enum):
    """What a click can do."""

    LOAD = "load"
    UNLOAD = "unload"
    UNLOAD_ALL = "unload all"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel all"
    PROFILE = "profile"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    COPY = "copy"
    OPEN = "open"  # a web page
    SHOW = "show"  # a file or folder on this computer
    TERMINAL = "terminal"  # a llamabar command, in Terminal
    REFRESH = "refresh"


@dataclass(frozen=True)
class Action:
    """A click: what to do, with what, on which server. `target` may be text from outside and is never printed."""

    do: Do
    target: str = ""
    server: str = ""
    mark: str = ""  # distinguishes targets with the same name: request ids start over after a reload

    @property
    def token(self) -> str:
        """Return the opaque token of a click. It is the same in every process and hides what it names."""
        named = "\0".join((self.do.value, self.server, self.target, self.mark))
        digest = hashlib.blake2s(named.encode("utf-8", "surrogatepass"), digest_size=5).digest()
        return base64.b32encode(digest).decode("ascii").lower()


@dataclass(frozen=True)
class Subject:
    """The model or request a row is about, wherever the row moves and whatever it says. `label` is its name."""

    kind: str
    server: str
    target: str
    mark: str = ""
    label: str = field(default="", compare=False)


MODEL, REQUEST = "model", "request"


@dataclass(frozen=True)
class Image:
    """An image next to words that say the same. `values` are its points, 0 to 1, None for a gap."""

    png: bytes
    values: Tuple[Optional[float], ...]

    @property
    def size_pt(self) -> Tuple[int, int]:
        """Return width and height in points, which is half the pixels, as on a Retina display; 0 if it isn't a PNG."""
        width_px, height_px = (int.from_bytes(self.png[at : at + 4], "big") for at in (16, 20))
        return width_px // 2, height_px // 2


@dataclass(frozen=True)
class Row:
    """One line: a label, and a value after it.

    Three things must not change during a row's life, since SwiftBar identifies it by them: the label up to its first
    colon, else its first word; whether it has an image; whether it has children.
    """

    label: str
    value: str = ""
    symbol: str = ""
    image: Optional[Image] = None  # in place of the symbol
    action: Optional[Action] = None
    children: Tuple["Row", ...] = ()
    alternate: Optional["Row"] = None
    tooltip: str = ""
    subject: Optional[Subject] = None
    warning: bool = False
    checked: bool = False
    ambient: bool = False  # changes by itself, so it is no reason for a frame while nothing happens

    @property
    def text(self) -> str:
        """Return label and value as one line: a fact follows a colon, an action's effect is in parentheses."""
        if not self.value:
            return self.label
        if self.action is not None:
            return f"{self.label} ({self.value})"
        return words.joined(self.label, self.value) if ": " in self.label else f"{self.label}: {self.value}"

    @cached_property
    def widest(self) -> int:
        """Return the largest number of children in this row or in any row below it."""
        more = self.alternate.widest if self.alternate is not None else 0
        return max(len(self.children), more, *(child.widest for child in self.children))

    @cached_property
    def still(self) -> object:
        """Return everything of a row except its image and the rows below it that change by themselves."""
        children = tuple(child.still for child in self.children if not child.ambient)
        more = self.alternate.still if self.alternate is not None else None
        said = (self.label, self.value, self.symbol, self.tooltip, self.warning, self.checked)
        return (said, self.action, children, more)


SEPARATOR = Row("")  # a line between parts of a submenu


@dataclass(frozen=True)
class Title:
    """What the menu bar shows: a symbol whose shape gives the state, and fixed-width text or none."""

    symbol: str
    text: str
    spoken: str
    image: Optional[Image] = None
    key: str = ""  # the keyboard shortcut that opens the menu


@dataclass(frozen=True)
class Menu:
    """A title and sections of rows. Empty sections aren't drawn."""

    title: Title
    sections: Tuple[Tuple[Row, ...], ...]

    @property
    def still(self) -> object:
        """Return the menu without images and without rows that change by themselves."""
        return (self.title, tuple(tuple(row.still for row in part if not row.ambient) for part in self.sections))

    def rows(self) -> Iterator[Row]:
        """Yield every row, including submenus and alternates."""
        for section in self.sections:
            for row in section:
                yield from _walk(row)

    def actions(self) -> Iterator[Action]:
        """Yield every action that a click can trigger."""
        return (row.action for row in self.rows() if row.action is not None)


def _walk(row: Row) -> Iterator[Row]:
    if row is SEPARATOR:
        return
    yield row
    if row.alternate is not None:
        yield from _walk(row.alternate)
    for child in row.children:
        yield from _walk(child)
