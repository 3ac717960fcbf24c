"""`watch`: the dashboard on a terminal; without one, a plain line for every change."""

import os
import signal
import time
from typing import List, Mapping, Optional, Tuple

from llamabar.app.loop import Watch
from llamabar.cli import clipboard
from llamabar.cli.looking import speak_language_of
from llamabar.cli.output import say
from llamabar.cli.program import settings_of
from llamabar.cli.terminal import Looks, Screen, can_draw, size
from llamabar.doctor.explain import explain
from llamabar.macos.paths import start_words
from llamabar.settings.load import Settings
from llamabar.sources import clock
from llamabar.sources.inbox import Key
from llamabar.store.history import HistoryStore
from llamabar.store.known_servers import KnownServers
from llamabar.terminal import plain, words
from llamabar.terminal.cells import Size, line
from llamabar.terminal.controls import pressed
from llamabar.terminal.dashboard import draw
from llamabar.terminal.keys import Background, Named, Pressed, Typed
from llamabar.terminal.paint import Characters
from llamabar.terminal.state import Deed, Outcome, View, settled
from llamabar.terminal.state import say as answered
from llamabar.view.menu import Menu
from llamabar.view.scene import Scene

REDRAW_S = 0.1  # at most ten times a second, whatever happens
FIGURES_S = 1.0  # figures alone are drawn once a second
END_S = 1.0


def speak(settings: Settings) -> None:
    """Switch to the user's language if this terminal can show more than ASCII."""
    if Looks(os.environ).characters is not Characters.ASCII:
        speak_language_of(settings)


class LiveView:
    """The view of `watch`. `keeps` is the environment whose history it records.

    Commands shown in its place get `lent` added to their environment.
    """

    def __init__(
        self, settings: Settings, *, seconds: Optional[float], note: str = "",
        keeps: Optional[Mapping[str, str]] = None, lent: Optional[Mapping[str, str]] = None,
    ) -> None:  # fmt: skip
        known = None if keeps is None else KnownServers(keeps)
        self.watch = Watch(
            settings, self.fault, on_key=self.key, paint=self.paint, explain=explain, known=known, lull_s=REDRAW_S
        )
        self.watch.monitor.lively = True
        self.keeps, self.lent = keeps, lent or {}
        self.history: Optional[HistoryStore] = None
        self.ends_s = None if seconds is None else clock.now_s() + seconds
        self.view = View(message=note, said_s=clock.now_s())
        self.screen: Optional[Screen] = None
        self._state: object = None
        self._drawn_s = float("-inf")
        self._touched = False
        self._said: Tuple[str, ...] = ()

    def run(self) -> int:
        """Show the servers until q, a signal or the time limit; return the exit code."""
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
        if not can_draw(os.environ):
            self.watch.loop(until=self._time_is_up)
        else:
            with Screen(self.watch.inbox, Looks(os.environ)) as self.screen:
                signal.signal(signal.SIGINT, lambda *_: self._interrupted())
                self.watch.loop(until=self._time_is_up)
        return 130 if self.watch.stopping == "SIGINT" else 0

    def _interrupted(self) -> None:
        if self.screen is not None and self.screen.lent:
            self.watch.inbox.put("", Key(Pressed("q")))
        else:
            self.watch.stop("SIGINT")

    def fault(self, menu: Menu, _: float) -> None:
        """Show an internal error. The next frame replaces it."""
        texts = [row.text for row in menu.rows()]
        if self.screen is None:
            say(*texts, error=True)
        else:
            self.screen.draw([line(f" {text}") for text in texts])

    def paint(self, now_s: float) -> None:
        """Draw if a key was pressed, a state changed, or the figures are due."""
        state = self._changing()
        due = now_s - self._drawn_s >= FIGURES_S
        if not (self._touched or state != self._state or due):
            return
        self._touched, self._state, self._drawn_s = False, state, now_s
        scene = self.look(now_s)
        if self.screen is None:
            self._print(scene)
            return
        room = size()
        self.view = settled(self.view, scene)
        shown = draw(scene, self.view, Size(room.columns, room.lines))
        self.view = shown.view
        self.screen.draw(shown.lines)

    def key(self, typed: Typed) -> None:
        """Handle a key."""
        self._touched = True
        if isinstance(typed, Background):
            if self.screen is not None:
                self.screen.looks.dark(typed.dark)
            return
        if self.screen is not None and self.screen.lent:
            leaves = isinstance(typed, Pressed) and typed.key in ("q", "Q", Named.ESCAPE)
            if leaves or (self.screen.has_ended and typed != Pressed(Named.RESIZE)):
                self.screen.take_back()
            return
        outcome = pressed(self.view, typed, self.look(clock.now_s()))
        self.view = outcome.view
        if outcome.deed is not None:
            self._do(outcome)

    def _do(self, outcome: Outcome) -> None:
        deed = outcome.deed
        if deed is Deed.QUIT:
            self.watch.stop("quit")
        elif deed is Deed.ACT and outcome.action is not None:
            self.watch.act(outcome.action)
        elif deed is Deed.COPY and self.screen is not None:
            clipboard.copy(outcome.text, self.screen.write, os.environ)
            self.view = answered(self.view, words.COPIED.format(outcome.text), self.look(clock.now_s()))
        elif deed in (Deed.LOG, Deed.DOCTOR) and self.screen is not None:
            self._lend(["logs", "-f"] if deed is Deed.LOG else ["doctor"], self.screen)
        elif deed is Deed.PAUSE:
            self.paused()

    def paused(self) -> None:
        """Pause or resume. Only the demo can."""

    def _lend(self, command: List[str], screen: Screen) -> None:
        said = words.LOG_RETURNS if command[0] == "logs" else words.DOCTOR_RETURNS
        chosen = next((one for one in self.look(clock.now_s()).servers if one.name == self.view.server), None)
        started = [*start_words(os.environ), *command, *(chosen.option.split() if chosen else ())]
        screen.lend(started, {**os.environ, **self.lent}, said, words.ENDED_RETURNS)

    def look(self, now_s: float) -> Scene:
        """Return the current scene. Its figures are passed on, so that the next one can hold them still."""
        monitor = self.watch.monitor
        scene = monitor.scene(now_s=now_s)
        for server in scene.servers:
            monitor.servers[server.name].figures = server.figures
        return scene

    def _changing(self) -> object:
        """Return what must be shown at once when it changes: states, requests, results of clicks."""
        return tuple(
            (
                one.snapshot.connected, one.snapshot.fault, one.snapshot.profile, tuple(one.snapshot.requests),
                tuple((model.id, model.state, model.failed_at_s) for model in one.snapshot.models.values()),
                tuple((token, asked.ended_s) for token, asked in one.snapshot.asked.items()), one.snapshot.service,
            )
            for one in self.watch.monitor.servers.values()
        )  # fmt: skip

    def _print(self, scene: Scene) -> None:
        """Print the new lines, each with the time of day."""
        lines = tuple(plain.lines(scene))
        fresh = [text for text in lines if text not in self._said]
        self._said = lines
        if fresh:
            stamp = time.strftime("%H:%M:%S")
            try:
                say(*(f"{stamp} {text}" for text in fresh))
            except BrokenPipeError:  # the reader is gone
                self.watch.stop("closed")

    def _time_is_up(self, now_s: float) -> bool:
        if self.history is not None:
            self.history.note()
        return self.ends_s is not None and not now_s < self.ends_s  # `--seconds nan` too


def watch(server: str, config: str) -> int:
    """Show a live dashboard. Keys: ? help, q quit."""
    settings = settings_of(server, config)
    speak(settings)
    return LiveView(settings, seconds=None, keeps=os.environ).run()
