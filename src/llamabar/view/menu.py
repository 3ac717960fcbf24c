"""The menu as values. Text here is for people; a renderer makes it safe for its medium."""

import base64
import hashlib
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Iterator, Optional, Tuple


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
    SHOW = "show"  # a file or folder of this computer, in the program that macOS has for it
    TERMINAL = "terminal"  # a command of ours, in a terminal
    REFRESH = "refresh"


@dataclass(frozen=True)
class Action:
    """A click: what to do, to what, on which server. `target` may be text from outside and is never printed."""

    do: Do
    target: str = ""
    server: str = ""
    mark: str = ""  # tells two targets of one name apart: request ids start again after a reload

    @property
    def token(self) -> str:
        """Return the opaque word that a click carries: the same in every process, hiding what it names."""
        named = "\0".join((self.do.value, self.server, self.target, self.mark))
        digest = hashlib.blake2s(named.encode("utf-8", "surrogatepass"), digest_size=5).digest()
        return base64.b32encode(digest).decode("ascii").lower()


@dataclass(frozen=True)
class Subject:
    """The model or request that a row is about, however the row moves and whatever it says; `label` is its name."""

    kind: str
    server: str
    target: str
    mark: str = ""
    label: str = field(default="", compare=False)


MODEL, REQUEST = "model", "request"


@dataclass(frozen=True)
class Image:
    """A picture beside words that say the same. `values` are its points, 0 to 1, None for a gap."""

    png: bytes
    values: Tuple[Optional[float], ...]

    @property
    def size_pt(self) -> Tuple[int, int]:
        """Return width and height in points: half its pixels, as a Retina display shows it; 0 for what is no PNG."""
        width_px, height_px = (int.from_bytes(self.png[at : at + 4], "big") for at in (16, 20))
        return width_px // 2, height_px // 2


@dataclass(frozen=True)
class Row:
    """One line: what it is about, and its value behind that. What SwiftBar knows a row by stays while it lives: the
    label up to its first colon, else its first word; whether it has an image; whether it has children.
    """

    label: str
    value: str = ""
    symbol: str = ""
    image: Optional[Image] = None  # in the symbol's place
    action: Optional[Action] = None
    children: Tuple["Row", ...] = ()
    alternate: Optional["Row"] = None
    tooltip: str = ""
    subject: Optional[Subject] = None
    warning: bool = False
    checked: bool = False
    ambient: bool = False  # moves by itself: never a reason for a frame in a quiet menu

    @property
    def text(self) -> str:
        """Return label and value as one line: a fact after a colon, what an item would do in brackets."""
        if not self.value:
            return self.label
        if self.action is not None:
            return f"{self.label} ({self.value})"
        return f"{self.label}{', ' if ': ' in self.label else ': '}{self.value}"

    @cached_property
    def widest(self) -> int:
        """Return how many children a row has, or one below it, at most."""
        more = self.alternate.widest if self.alternate is not None else 0
        return max(len(self.children), more, *(child.widest for child in self.children))

    @cached_property
    def still(self) -> object:
        """Return all of a row but its picture and what moves by itself below it."""
        children = tuple(child.still for child in self.children if not child.ambient)
        more = self.alternate.still if self.alternate is not None else None
        said = (self.label, self.value, self.symbol, self.tooltip, self.warning, self.checked)
        return (said, self.action, children, more)


SEPARATOR = Row("")  # a line between the parts of a submenu


@dataclass(frozen=True)
class Title:
    """What stands in the menu bar: a symbol whose shape tells the state, and text of fixed width or none."""

    symbol: str
    text: str
    spoken: str
    image: Optional[Image] = None
    key: str = ""  # the user's own key that opens the menu


@dataclass(frozen=True)
class Menu:
    """A title and sections of rows; an empty section is not drawn."""

    title: Title
    sections: Tuple[Tuple[Row, ...], ...]

    @property
    def still(self) -> object:
        """Return the menu without its pictures and without the rows that move by themselves."""
        return (self.title, tuple(tuple(row.still for row in part if not row.ambient) for part in self.sections))

    def rows(self) -> Iterator[Row]:
        """Yield every row, submenus and alternates included."""
        for section in self.sections:
            for row in section:
                yield from _walk(row)

    def actions(self) -> Iterator[Action]:
        """Yield every action that a click can ask for."""
        return (row.action for row in self.rows() if row.action is not None)


def _walk(row: Row) -> Iterator[Row]:
    if row is SEPARATOR:
        return
    yield row
    if row.alternate is not None:
        yield from _walk(row.alternate)
    for child in row.children:
        yield from _walk(child)
