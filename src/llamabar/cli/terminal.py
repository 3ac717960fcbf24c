"""A terminal that is drawn on in place, and left as it was found: by q, a signal, a fault, or when it is closed."""

import contextlib
import os
import re
import select
import signal
import sys
import termios
import threading
import tty
from typing import List, NamedTuple, Optional, Tuple

from llamabar.app.frame_writer import FrameWriter
from llamabar.sources.inbox import Inbox, Key, Stop
from llamabar.view.controls import DOWN, ENTER, ESCAPE, UP
from llamabar.view.text import columns

START = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"  # the other screen, no cursor, no wrapping of long lines
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
SEQUENCE_S = 0.02  # the rest of an arrow key follows at once
LEAVING_S = 0.3  # a terminal that nobody reads holds nothing up
SMALLEST = (80, 24)

_KEY = re.compile("\x1b[\\[O][0-9;?]*[A-Za-z~]|\x1b[^\\[O]|.", re.DOTALL)
_STYLE = re.compile("\x1b\\[[0-9;]*m")
_NAMES = {
    "\x1b[A": UP, "\x1bOA": UP, "\x1b[B": DOWN, "\x1bOB": DOWN, "\r": ENTER, "\n": ENTER, "\x1b": ESCAPE,
}  # fmt: skip


class Size(NamedTuple):
    """Columns and lines."""

    width: int
    height: int


def size() -> Size:
    """Return the size of the terminal; a usual one if it does not tell."""
    try:
        found = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return Size(*SMALLEST)
    return Size(found.columns or SMALLEST[0], found.lines or SMALLEST[1])


def key_names(typed: str) -> List[str]:
    """Return the keys in what a terminal sent, one after the other: up, down, enter, escape, or what was typed."""
    return [_NAMES.get(key, key) for key in _KEY.findall(typed)]


class Screen:
    """The alternate screen in cbreak mode, as a context; keys arrive in the inbox, frames leave on a thread."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._before: Optional[List[object]] = None
        self._shown: Tuple[str, ...] = ()
        self._writer = FrameWriter(self._out, lambda: inbox.put("", Stop("closed")))

    def __enter__(self) -> "Screen":
        self._before = termios.tcgetattr(self._in)
        try:
            self._enter()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _enter(self) -> None:
        tty.setcbreak(self._in)
        self._never_stopped()
        os.write(self._out, START.encode())
        signal.signal(signal.SIGWINCH, lambda *_: self._resized())
        signal.signal(signal.SIGQUIT, lambda *_: self._inbox.put("", Stop("SIGQUIT")))
        self._writer.start()
        threading.Thread(target=self._read_keys, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._writer.show(LEAVE.encode())
        self._writer.flush(LEAVING_S)
        if self._before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._in, termios.TCSANOW, self._before)  # type: ignore[arg-type]

    def _never_stopped(self) -> None:
        """No Ctrl-Z, which would leave the event stream unread and can harm llama-swap (core law 2), and no Ctrl-S."""
        modes = termios.tcgetattr(self._in)
        modes[0] &= ~termios.IXON
        modes[6][termios.VSUSP] = os.fpathconf(self._in, "PC_VDISABLE").to_bytes(1, "little")
        termios.tcsetattr(self._in, termios.TCSANOW, modes)

    def draw(self, lines: List[str]) -> None:
        """Show lines from the top, the rest blank, in one write; nothing if they stand there already."""
        room = size()
        shown = tuple(lines[: room.height])
        if shown == self._shown:
            return
        self._shown = shown
        body = "\r\n".join(line + _rest_cleared(line, room.width) for line in shown)
        self._writer.show(f"\x1b[H{body}\x1b[J".encode("utf-8", "replace"))

    def _resized(self) -> None:
        self._shown = ()
        self._inbox.put("", Key("resize"))

    def _read_keys(self) -> None:
        with contextlib.suppress(OSError):
            typed = os.read(self._in, 256)
            while typed:
                if typed[-1:] in b"\x1b[O" and select.select([self._in], [], [], SEQUENCE_S)[0]:
                    typed += os.read(self._in, 256)
                for key in key_names(typed.decode("utf-8", "replace")):
                    self._inbox.put("", Key(key))
                typed = os.read(self._in, 256)
        self._inbox.put("", Stop("closed"))


def _rest_cleared(line: str, width: int) -> str:
    """Clear behind a line; behind a full one the cursor stands on its last character, which must stay."""
    return "" if columns(_STYLE.sub("", line)) >= width else "\x1b[K"
