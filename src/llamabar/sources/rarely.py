"""What a program of macOS said last. It is asked seldom, on a thread of its own, so that nothing waits for it."""

import threading
from typing import Callable, Generic, Optional, TypeVar

from llamabar.macos import launchctl, tools
from llamabar.sources import clock

Said = TypeVar("Said")


class Rarely(Generic[Said]):
    """The answer of `ask`, which runs `tool`; what it said at the `first` look is not known yet."""

    def __init__(self, ask: Callable[[], Said], *, tool: str, first: Said) -> None:
        self._ask = ask
        self._tool = tool
        self._said = first
        self._asked_s: Optional[float] = None
        self._thread: Optional[threading.Thread] = None

    def said(self, *, every_s: float) -> Said:
        """Return what was said last; ask again if that is so long ago, where this is a Mac."""
        now_s = clock.now_s()
        due = self._asked_s is None or now_s >= self._asked_s + every_s
        if due and launchctl.available() and tools.find(self._tool):
            self._asked_s = now_s
            self._thread = threading.Thread(target=self._look, name=self._tool, daemon=True)
            self._thread.start()
        return self._said

    def wait(self, longest_s: float) -> None:
        if self._thread is not None:
            self._thread.join(longest_s)

    def _look(self) -> None:
        self._said = self._ask()
