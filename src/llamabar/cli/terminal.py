"""A terminal to draw on in place. It is restored on exit: by q, by a signal, on an error, or when it is closed."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import termios
import threading
import tty
from typing import Callable, List, Mapping, Optional, Sequence

from llamabar.app.frame_writer import FrameWriter
from llamabar.sources.inbox import Inbox, Key, Stop
from llamabar.terminal.cells import Line, columns
from llamabar.terminal.keys import Background, Named, Pressed, dark_by, decoded, is_unfinished, key_table
from llamabar.terminal.paint import Characters, Colours, painted, shown_with

# Alternate screen, no cursor, no wrapping, bracketed paste, the wheel sends arrow keys.
START = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[?1007h\x1b[2J"
LEAVE = "\x1b[?1007l\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"
ASK_BACKGROUND = "\x1b]11;?\x1b\\"
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"  # synchronized output, where the terminal supports it
SEQUENCE_S = 0.05  # the rest of a sequence follows at once, a little later over ssh
LEAVING_S = 0.3  # a terminal that isn't being read must not delay exiting
USUAL = os.terminal_size((80, 24))
LONGEST_INPUT = 65_536  # of one paste
NO_BRAILLE = ("linux", "cons25", "vt100", "vt220")


def size() -> os.terminal_size:
    """Return the size of the terminal, or 80 × 24 if it doesn't tell."""
    try:
        found = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return USUAL
    return os.terminal_size((found.columns or USUAL.columns, found.lines or USUAL.lines))


def can_draw(environment: Mapping[str, str]) -> bool:
    """Tell whether this is a terminal with a movable cursor."""
    return sys.stdin.isatty() and sys.stdout.isatty() and environment.get("TERM", "") not in ("", "dumb")


class Looks:
    """What this terminal can show: colors and characters."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        term = environment.get("TERM", "")
        self.characters = Characters.BLOCKS if term in NO_BRAILLE else Characters.BRAILLE
        if "utf" not in _locale(environment).lower():
            self.characters = Characters.ASCII
        self.truecolor = environment.get("COLORTERM", "") in ("truecolor", "24bit") or term.endswith("-direct")
        self.colours = Colours.NONE if "NO_COLOR" in environment else Colours.SIXTEEN
        self.dark(dark_by(environment.get("COLORFGBG", "")))

    @property
    def wants_background(self) -> bool:
        """Tell whether knowing the background color would make a difference."""
        return self.truecolor and self.colours is not Colours.NONE

    def dark(self, is_dark: Optional[bool]) -> None:
        """Choose the colors for a dark or light background, if it is known."""
        if is_dark is not None and self.wants_background:
            self.colours = Colours.DARK if is_dark else Colours.LIGHT


class Screen:
    """The alternate screen in cbreak mode, as a context. Keys go to the inbox; frames are written on a thread."""

    def __init__(self, inbox: Inbox, looks: Looks) -> None:
        self._inbox, self.looks = inbox, looks
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._before: Optional[List[object]] = None
        self._shown: Sequence[str] = ()
        self._asked = False
        self._lent: Optional[subprocess.Popen[bytes]] = None
        self._table = key_table(_terminfo())
        self._writer = FrameWriter(self._out, lambda: inbox.put("", Stop("closed")))

    def __enter__(self) -> "Screen":
        self._before = termios.tcgetattr(self._in)
        try:
            self._enter()
            for number, act in ((signal.SIGWINCH, self._redrawn), (signal.SIGCONT, self._continued)):
                signal.signal(number, lambda *_, act=act: act())
            signal.signal(signal.SIGQUIT, lambda *_: self._inbox.put("", Stop("SIGQUIT")))
            self._writer.start()
            threading.Thread(target=self._read, daemon=True).start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _enter(self) -> None:
        tty.setcbreak(self._in)
        self._never_stopped()
        self._asked = self.looks.wants_background and self.looks.colours is Colours.SIXTEEN
        os.write(self._out, (START + (ASK_BACKGROUND if self._asked else "")).encode())

    def __exit__(self, *_: object) -> None:
        if self._lent is not None:
            self._end_lent()
        self._writer.show(LEAVE.encode())
        self._writer.flush(LEAVING_S)
        with contextlib.suppress(termios.error):
            if self._asked:  # a late answer must not reach the shell
                termios.tcflush(self._in, termios.TCIFLUSH)
            if self._before is not None:
                termios.tcsetattr(self._in, termios.TCSANOW, self._before)  # type: ignore[arg-type]

    def _never_stopped(self) -> None:
        """Disable Ctrl-Z, which leaves the event stream unread and can harm llama-swap (core law 2), and Ctrl-S."""
        modes = termios.tcgetattr(self._in)
        modes[0] &= ~termios.IXON
        modes[6][termios.VSUSP] = os.fpathconf(self._in, "PC_VDISABLE").to_bytes(1, "little")
        termios.tcsetattr(self._in, termios.TCSANOW, modes)

    def draw(self, lines: Sequence[Line]) -> None:
        """Draw lines from the top and blank the rest, in one write; do nothing if they are already shown."""
        if self.lent:
            return
        room, looks = size(), self.looks
        shown = painted(lines[: room.lines], looks.colours, characters=looks.characters)
        if shown == self._shown:
            return
        self._shown = shown
        rows = (text + _cleared(one, room.columns) for text, one in zip(shown, lines))
        body = "\r\n".join(rows)
        self._writer.show(f"{BEGIN}\x1b[H{body}\x1b[J{END}".encode("utf-8", "replace"))

    def write(self, sequence: str) -> None:
        """Send a sequence that draws nothing, between two frames."""
        self._writer.flush(LEAVING_S)
        self._writer.show(sequence.encode("utf-8", "replace"))
        self._writer.flush(LEAVING_S)

    def lend(self, words: Sequence[str], environment: Mapping[str, str], said: str, ended: str) -> None:
        """Lend the normal screen to a print-only program until `take_back`; show `said` before and `ended` after it."""
        said, ended = (shown_with(text, self.looks.characters) for text in (said, ended))
        self.write(f"{LEAVE}\r\n\x1b[2m{said}\x1b[0m\r\n")
        lent = subprocess.Popen(words, env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True)
        self._lent = lent

        def _wait() -> None:
            lent.wait()
            if self._lent is lent:
                self._writer.show(f"\r\n\x1b[2m{ended}\x1b[0m\r\n".encode())

        threading.Thread(target=_wait, daemon=True).start()

    @property
    def lent(self) -> bool:
        """Tell whether another program has the screen."""
        return self._lent is not None

    @property
    def has_ended(self) -> bool:
        """Tell whether the program that got the screen has exited."""
        return self._lent is not None and self._lent.poll() is not None

    def take_back(self) -> None:
        """End the program that has the screen, and draw again."""
        self._end_lent()
        self._enter()
        self._redrawn()

    def _end_lent(self) -> None:
        lent, self._lent = self._lent, None
        if lent is not None and lent.poll() is None:
            lent.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                lent.wait(1.0)

    def _redrawn(self) -> None:
        self._shown = ()
        self._inbox.put("", Key(Pressed(Named.RESIZE)))

    def _continued(self) -> None:
        """Set and draw everything again after SIGSTOP, since the shell had the terminal."""
        if not self.lent:
            with contextlib.suppress(OSError, termios.error):
                self._enter()
            self._redrawn()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            sent = os.read(self._in, 4096)
            while sent:
                while is_unfinished(sent.decode("latin-1")) and len(sent) < LONGEST_INPUT and self._has_more():
                    sent += os.read(self._in, 4096)
                for one in decoded(sent.decode("utf-8", "replace"), self._table):
                    if isinstance(one, Background):
                        self._asked = False
                    self._inbox.put("", Key(one))
                sent = os.read(self._in, 4096)
        self._inbox.put("", Stop("closed"))

    def _has_more(self) -> bool:
        return bool(select.select([self._in], [], [], SEQUENCE_S)[0])


def _locale(environment: Mapping[str, str]) -> str:
    """Return the character locale. If the user's is C, LC_CTYPE doesn't count: Python itself set it to UTF-8."""
    user = ("LC_ALL", "LANG") if environment.get("LANG") in ("C", "POSIX") else ("LC_ALL", "LC_CTYPE", "LANG")
    return next((environment[name] for name in user if environment.get(name)), "UTF-8")


def _terminfo() -> Optional[Callable[[str], Optional[bytes]]]:
    """Return the function that queries terminfo; None without curses, or if terminfo doesn't know the terminal."""
    try:
        import curses

        curses.setupterm()
    except Exception:  # curses.error, ImportError, and whatever a broken terminfo raises
        return None
    return curses.tigetstr


def _cleared(one: Line, width: int) -> str:
    """Return what clears the rest of a line. After a full line the cursor is on its last character, which must stay."""
    return "" if columns(one.text) >= width else "\x1b[K"

