"""Decodes a terminal's input: named keys, pasted text, the background color.

terminfo (ncurses, through Python's curses) knows which bytes are which key on the terminal that TERM names. The bytes
that all current terminals send are built in as well, since TERM is often unknown over ssh. Sequences are split by
ECMA-48's grammar (5.4), so an unknown one is one key that does nothing, never its letters.
"""

import re
from enum import Enum
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Union


class Named(str, Enum):
    """Keys that aren't characters."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    ENTER = "enter"
    ESCAPE = "escape"
    TAB = "tab"
    BACK_TAB = "back tab"
    BACKSPACE = "backspace"
    OTHER = "other"  # a key without a meaning
    RESIZE = "resize"  # not a key: the window was resized


class Pressed(NamedTuple):
    """A named key, or the character that was typed."""

    key: str


class Pasted(NamedTuple):
    """Pasted text. It is typed into a filter, and never read as single keys."""

    text: str


class Background(NamedTuple):
    """The terminal's answer to the background query."""

    dark: bool


Typed = Union[Pressed, Pasted, Background]

CAPABILITIES: Mapping[str, Named] = {
    "kcuu1": Named.UP, "kcud1": Named.DOWN, "kpp": Named.PAGE_UP, "knp": Named.PAGE_DOWN, "khome": Named.HOME,
    "kend": Named.END, "kcbt": Named.BACK_TAB, "kbs": Named.BACKSPACE, "kent": Named.ENTER,
}  # fmt: skip
USUAL: Mapping[str, Named] = {
    "\x1b[A": Named.UP, "\x1bOA": Named.UP, "\x1b[B": Named.DOWN, "\x1bOB": Named.DOWN, "\x1b[5~": Named.PAGE_UP,
    "\x1b[6~": Named.PAGE_DOWN, "\x1b[H": Named.HOME, "\x1bOH": Named.HOME, "\x1b[1~": Named.HOME, "\x1b[F": Named.END,
    "\x1bOF": Named.END, "\x1b[4~": Named.END, "\x1b[Z": Named.BACK_TAB, "\r": Named.ENTER, "\n": Named.ENTER,
    "\x1bOM": Named.ENTER, "\t": Named.TAB, "\x7f": Named.BACKSPACE, "\b": Named.BACKSPACE, "\x1b": Named.ESCAPE,
}  # fmt: skip
PASTE_LIKE = 24  # characters in one read, from a terminal without bracketed paste

_PASTE = re.compile("\x1b\\[200~(.*?)\x1b\\[201~", re.DOTALL)
_TOKEN = re.compile(
    "\x1b\\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\\\)"  # a string (OSC)
    "|\x1b\\[[0-?]*[ -/]*[@-~]|\x1bO[ -~]|\x1b[^\\[\\]O\x1b]|\x1b|.",
    re.DOTALL,
)
_UNFINISHED = re.compile("\x1b(?:\\[[0-?]*[ -/]*|O|\\][^\x07]*)?\\Z|\x1b\\[200~(?!.*\x1b\\[201~).*\\Z", re.DOTALL)
_BACKGROUND = re.compile("11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")


def key_table(capability: Optional[Callable[[str], Optional[bytes]]]) -> Dict[str, Named]:
    """Return the bytes of every key. `capability` queries terminfo, if there is one."""
    asked = {} if capability is None else {capability(name): named for name, named in CAPABILITIES.items()}
    return {**{sent.decode("latin-1"): named for sent, named in asked.items() if sent}, **USUAL}


def is_unfinished(typed: str) -> bool:
    """Tell whether the input ends within a sequence."""
    return _UNFINISHED.search(typed) is not None


def decoded(typed: str, table: Mapping[str, Named]) -> List[Typed]:
    """Return the decoded input, in order."""
    found: List[Typed] = []
    place = 0
    for paste in _PASTE.finditer(typed):
        found += [*_keys(typed[place : paste.start()], table), Pasted(paste.group(1))]
        place = paste.end()
    return [*found, *_keys(typed[place:], table)]


def _keys(typed: str, table: Mapping[str, Named]) -> Iterator[Typed]:
    if len(typed) >= PASTE_LIKE and "\x1b" not in typed and len(set(typed)) > 3:
        yield Pasted(typed)
        return
    for token in _TOKEN.finditer(typed):
        sent = token.group()
        dark = None if token.group("osc") is None else is_dark(token.group("osc"))
        if dark is not None:
            yield Background(dark)
        elif token.group("osc") is None:
            yield Pressed(table.get(sent, sent if sent.isprintable() else Named.OTHER))


def is_dark(told: str) -> Optional[bool]:
    """Return whether the background is dark; None if the answer is about something else."""
    match = _BACKGROUND.match(told)
    if match is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in match.groups())
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5)


def dark_by(colorfgbg: str) -> Optional[bool]:
    """Return whether COLORFGBG (rxvt, Konsole: "15;0") names a dark background; None if it names none."""
    background = colorfgbg.rpartition(";")[2]
    return None if not background.isdigit() else int(background) not in (7, *range(9, 16))

