"""`watch`: the menu, live. On a terminal it is redrawn in place; elsewhere plain text is printed on every change."""

import os
import sys
from dataclasses import replace
from typing import Mapping, Optional

from llamabar.app.loop import Watch
from llamabar.cli import terminal
from llamabar.cli.output import say
from llamabar.core.state import in_flight, requests_of
from llamabar.doctor.explain import explain
from llamabar.settings.load import Settings
from llamabar.sources import clock
from llamabar.store.history import HistoryStore
from llamabar.store.known_servers import KnownServers
from llamabar.view import terminal as lines_of
from llamabar.view.controls import QUIT, Controls, Seen, pressed, settled
from llamabar.view.live_screen import screen
from llamabar.view.menu import Menu
from llamabar.view.palette import BY_SYMBOL

PLAIN_WIDTH = 80
MESSAGE_FOR_S = 10.0
END_S = 1.0


class LiveView:
    """What `watch` shows; `keeps`: the environment whose history it keeps.

    A key acts through the same code as a click, on the menu that is shown.
    """

    def __init__(
        self, settings: Settings, *, seconds: Optional[float], note: str, keeps: Optional[Mapping[str, str]] = None
    ) -> None:
        known = None if keeps is None else KnownServers(keeps)
        self.watch = Watch(settings, self.draw, on_key=self.key, explain=explain, known=known)
        self.watch.monitor.lively = True
        self.keeps = keeps
        self.history: Optional[HistoryStore] = None
        self.note = note
        self.ends_s = None if seconds is None else clock.now_s() + seconds
        self.controls = Controls()
        self.answered_s = 0.0
        self.menu: Optional[Menu] = None
        self.screen: Optional[terminal.Screen] = None
        self.colour = "NO_COLOR" not in os.environ

    def run(self) -> int:
        """Show the menu until q, a signal or the time is up; return the exit code."""
        self.watch.stop_on_signals()
        self.watch.start()
        if self.keeps is not None:
            self.history = self.watch.keep(self.keeps)
        try:
            return self._run()
        finally:
            if self.history is not None:
                self.history.end()
                self.history.finish(END_S)

    def _run(self) -> int:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            self.watch.loop(until=self._time_is_up)
        else:
            with terminal.Screen(self.watch.inbox) as self.screen:
                self.watch.loop(until=self._time_is_up)
        return 130 if self.watch.stopping == "SIGINT" else 0

    def draw(self, menu: Menu, now_s: float) -> None:
        """Show a menu; what answered a key a while ago is not said any more."""
        self.menu = menu
        if now_s > self.answered_s + MESSAGE_FOR_S:
            self.controls = replace(self.controls, message="")
        if self.screen is None:
            text = "\n".join(lines_of.render(menu, width=PLAIN_WIDTH, glyph=BY_SYMBOL[menu.title.symbol]))
            say(text, "")
        else:
            self._redraw(menu)

    def key(self, key: str) -> None:
        """Do what a key means."""
        if self.menu is None:
            if key in ("q", "Q"):
                self.watch.stop(QUIT)
            return
        self.controls, click = pressed(self.controls, key, self._seen(self.menu))
        self.answered_s = clock.now_s()
        if click == QUIT:
            self.watch.stop(QUIT)
        elif click:
            self.watch.click(click)
        self._redraw(self.menu)

    def _redraw(self, menu: Menu) -> None:
        if self.screen is None:
            return
        seen, room = self._seen(menu), terminal.size()
        self.controls = settled(self.controls, seen)
        glyph = BY_SYMBOL[menu.title.symbol]
        self.screen.draw(
            screen(
                self.controls, seen, width=room.width, height=room.height, glyph=glyph, colour=self.colour,
                note=self.note,
            )
        )  # fmt: skip

    def _seen(self, menu: Menu) -> Seen:
        snapshots = {server: watched.snapshot for server, watched in self.watch.monitor.servers.items()}
        requests = {
            (server, model): len(requests_of(snapshot, model))
            for server, snapshot in snapshots.items()
            for model in snapshot.models
        }
        counts = {server: in_flight(snapshot) for server, snapshot in snapshots.items()}
        return Seen(menu, in_flight=counts, requests=requests)

    def _time_is_up(self, now_s: float) -> bool:
        if self.history is not None:
            self.history.note()
        return self.ends_s is not None and now_s >= self.ends_s
