"""`watch`: the menu, live. On a terminal it is redrawn in place; elsewhere plain text is printed on every change."""

import os
import sys
from typing import List, Optional

from llamabar.cli import terminal
from llamabar.config import Settings
from llamabar.run import Watch
from llamabar.sources import clock
from llamabar.view import terminal as lines_of
from llamabar.view.compose import busiest, compose
from llamabar.view.menu import Menu
from llamabar.view.palette import GLYPHS

PLAIN_WIDTH = 80
KEYS = ("q  quit", "d  details on or off", "?  this help")
FOOT = "q quit · d details · ? help"


class LiveView:
    """What `watch` shows and which keys it knows."""

    def __init__(self, settings: Settings, *, seconds: Optional[float], note: str) -> None:
        self.watch = Watch(settings, self.draw, on_key=self.key)
        self.watch.monitor.lively = True
        self.note = note
        self.ends_s = None if seconds is None else clock.now_s() + seconds
        self.details = False
        self.help = False
        self.screen: Optional[terminal.Screen] = None
        self.colour = "NO_COLOR" not in os.environ

    def run(self) -> int:
        """Show the menu until q, a signal or the time is up; return the exit code."""
        self.watch.stop_on_signals()
        self.watch.start()
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            self.watch.loop(until=self._time_is_up)
            return 0
        with terminal.Screen(self.watch.inbox) as self.screen:
            self.watch.loop(until=self._time_is_up)
        return 130 if self.watch.stopping == "SIGINT" else 0

    def draw(self, menu: Menu, now_s: float) -> None:
        """Show a menu."""
        glyph = GLYPHS[busiest(self.watch.monitor.scene(now_s=now_s)).status]
        if self.screen is None:
            text = "\n".join(lines_of.render(menu, width=PLAIN_WIDTH, glyph=glyph))
            print(f"{text}\n", flush=True)
            return
        room = terminal.size()
        depth = 1 if self.details else 0
        shown = lines_of.render(menu, width=room.width, glyph=glyph, colour=self.colour, depth=depth)
        self.screen.draw(
            _fitted(self._help() if self.help else shown, self._foot(room.width), width=room.width, height=room.height)
        )

    def key(self, key: str) -> None:
        """Do what a key means."""
        if key in ("q", "Q"):
            self.watch.stop("q")
        elif key == "?":
            self.help = not self.help
        elif key == "d":
            self.details = not self.details
        elif key not in ("resize",):
            self.help = False
        now_s = clock.now_s()
        self.draw(compose(self.watch.monitor.scene(now_s=now_s)), now_s)

    def _time_is_up(self, now_s: float) -> bool:
        return self.ends_s is not None and now_s >= self.ends_s

    def _help(self) -> List[str]:
        return ["Keys", "", *KEYS, "", "Any other key goes back."]

    def _foot(self, width: int) -> List[str]:
        return [lines_of.fit(line, width) for line in (self.note, FOOT) if line]


def _fitted(lines: List[str], foot: List[str], *, width: int, height: int) -> List[str]:
    """Return lines that fill the height, the foot at its end; what does not fit is counted."""
    room = height - len(foot)
    if len(lines) > room:
        missing = f"… {len(lines) - room + 1} more lines: make the window higher"
        lines = [*lines[: room - 1], lines_of.fit(missing, width)]
    return [*lines, *[""] * (room - len(lines)), *foot]
