"""Optionally keep this Mac awake while one of its own llama-swaps is working, with macOS's caffeinate.

Laws: at most one caffeinate, only if launchd is available, and with `-w` on our process: it ends however we end.
"""

import os
import subprocess
from typing import Optional

from llamabar.app.monitor import Monitor
from llamabar.core.address import is_local
from llamabar.core.status import BUSY, Status
from llamabar.macos import launchctl, tools
from llamabar.sources import clock

LINGER_S = 10.0  # after the last request: the next one often follows at once
AGAIN_S = 60.0  # one that ended by itself isn't restarted sooner


class KeepAwake:
    """Starts and stops caffeinate depending on what a monitor's servers do, and tells the monitor for which of them."""

    def __init__(self, monitor: Monitor, *, wanted: bool) -> None:
        self._monitor = monitor
        self._wanted = wanted
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._started_s = self._worked_s = float("-inf")

    def note(self) -> bool:
        """Keep this Mac awake, or stop doing so; return False, so that a loop continues."""
        if self._wanted:
            self._look(clock.now_s())
        return False

    def end(self) -> None:
        """Let this Mac sleep again."""
        if self._process is not None:
            self._process.kill()  # macOS drops its assertion with it
            self._process.wait()
            self._process, self._started_s = None, float("-inf")

    def _look(self, now_s: float) -> None:
        working = frozenset(
            name
            for name, status in self._monitor.statuses.items()
            if status in BUSY and status is not Status.STOPPING and is_local(self._monitor.servers[name].url)
        )
        self._worked_s = now_s if working else self._worked_s
        if working and not self._is_held() and now_s >= self._started_s + AGAIN_S:
            self._start(now_s)
        elif now_s >= self._worked_s + LINGER_S:
            self.end()
        self._monitor.note_awake((working or self._monitor.awake) if self._is_held() else frozenset())

    def _is_held(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _start(self, now_s: float) -> None:
        program = tools.find("caffeinate") if launchctl.available() else None
        if program is None:
            self._wanted = False
            return
        self._started_s = now_s
        null, environment = subprocess.DEVNULL, {**os.environ, "LC_ALL": "C"}
        words = [program, "-i", "-w", str(os.getpid())]
        try:
            self._process = subprocess.Popen(words, stdin=null, stdout=null, stderr=null, env=environment)
        except OSError:
            self._process = None
