"""Shows on a terminal what is being waited for, as one line that counts seconds and disappears at the end."""

import os
import sys
import threading
from typing import Optional

from llamabar.cli.output import say_over
from llamabar.core import units
from llamabar.sources import clock

EVERY_S = 1.0


class Progress:
    """A context that shows `Loading coder-32b … 12 s (usually 14 s)` on stderr; nothing without a movable cursor."""

    def __init__(self, what: str, *, usual_s: Optional[float] = None) -> None:
        self._what, self._usual_s = what, usual_s
        self._began_s = clock.now_s()
        self._ended = threading.Event()
        self.shown = sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Progress":
        if self.shown:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self.shown:
            self._thread.join(EVERY_S)
            say_over("")

    def say(self, what: str) -> None:
        """Change what is being waited for."""
        self._what = what
        if self.shown:
            self._draw()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._draw()
            self._ended.wait(EVERY_S)

    def _draw(self) -> None:
        say_over(line(self._what, clock.now_s() - self._began_s, self._usual_s))


def line(what: str, waited_s: float, usual_s: Optional[float]) -> str:
    """Return what is being waited for, for how long, and how long it usually takes, if known."""
    waited = f" {units.duration(waited_s)}" if waited_s >= 1 else ""
    return f"{what} …{waited}" + ("" if usual_s is None else f" (usually {units.span(usual_s)})")
