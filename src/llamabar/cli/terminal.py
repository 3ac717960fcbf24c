"""A terminal that is drawn on in place, and left as it was found."""

import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from typing import List, NamedTuple, Optional, Tuple

from llamabar.sources.inbox import Inbox, Key

ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"
LEAVE = "\x1b[?25h\x1b[?1049l"
SEQUENCE_S = 0.02  # the rest of an arrow key follows at once


class Size(NamedTuple):
    """Columns and lines."""

    width: int
    height: int


def size() -> Size:
    """Return the size of the terminal."""
    found = shutil.get_terminal_size((80, 24))
    return Size(found.columns, found.lines)


class Screen:
    """The alternate screen in cbreak mode, as a context; keys arrive in the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._before: Optional[List[object]] = None
        self._shown: Tuple[str, ...] = ()

    def __enter__(self) -> "Screen":
        self._before = termios.tcgetattr(self._in)
        tty.setcbreak(self._in)
        self._never_suspend()
        os.write(self._out, ENTER.encode())
        signal.signal(signal.SIGWINCH, lambda *_: self._resized())
        threading.Thread(target=self._read_keys, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._out, LEAVE.encode())
        if self._before is not None:
            termios.tcsetattr(self._in, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]

    def _never_suspend(self) -> None:
        """Ctrl-Z would leave the event stream open and unread, which can harm llama-swap (core law 2)."""
        modes = termios.tcgetattr(self._in)
        modes[6][termios.VSUSP] = os.fpathconf(self._in, "PC_VDISABLE").to_bytes(1, "little")
        termios.tcsetattr(self._in, termios.TCSANOW, modes)

    def draw(self, lines: List[str]) -> None:
        """Show lines from the top, the rest blank, in one write; nothing if they stand there already."""
        shown = tuple(lines[: size().height])
        if shown == self._shown:
            return
        self._shown = shown
        body = "\r\n".join(f"{line}\x1b[K" for line in shown)
        _write_all(self._out, f"\x1b[H{body}\x1b[J".encode("utf-8", "replace"))

    def _resized(self) -> None:
        self._shown = ()
        self._inbox.put("", Key("resize"))

    def _read_keys(self) -> None:
        while True:
            try:
                pressed = os.read(self._in, 1)
                if pressed == b"\x1b" and select.select([self._in], [], [], SEQUENCE_S)[0]:
                    pressed += os.read(self._in, 8)
            except OSError:
                return
            if not pressed:
                return
            self._inbox.put("", Key(pressed.decode("utf-8", "replace")))


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
