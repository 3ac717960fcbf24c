"""Ask SwiftBar to restart the plugin after much output: SwiftBar keeps every byte it receives until then.

Laws: in a quiet moment, or at twice the budget; rarely; on a thread. SwiftBar sends SIGTERM and starts the plugin
again; the last menu stays on screen meanwhile, and the history continues (from SwiftBar's source).
"""

import os
import threading
from typing import Callable, Mapping
from urllib.parse import quote

from llamabar.app.frame_writer import FrameWriter
from llamabar.macos import tools
from llamabar.macos.paths import PLUGIN
from llamabar.sources import clock

ASK_AGAIN_S = 600.0


class RestartRequest:
    """Watches how much a writer has printed for SwiftBar; it does nothing outside SwiftBar."""

    def __init__(
        self, writer: FrameWriter, environment: Mapping[str, str], *, limit_bytes: float, is_busy: Callable[[], bool]
    ) -> None:
        self._writer = writer
        self._limit_bytes = limit_bytes if environment.get("SWIFTBAR") else float("inf")
        self._is_busy = is_busy
        self._url = url(environment)
        self._next_s = 0.0

    def note(self) -> bool:
        """Request a restart if it is time; return False, so that a loop continues."""
        printed, now_s = self._writer.written_bytes, clock.now_s()
        if printed < self._limit_bytes or now_s < self._next_s:
            return False
        if printed < 2 * self._limit_bytes and self._is_busy():
            return False
        self._next_s = now_s + ASK_AGAIN_S
        threading.Thread(target=tools.run, args=("open", "-g", self._url), name="restart request", daemon=True).start()
        return False


def url(environment: Mapping[str, str]) -> str:
    """Return the URL that makes SwiftBar restart this plugin."""
    name = os.path.basename(environment.get("SWIFTBAR_PLUGIN_PATH", "")) or PLUGIN
    return f"swiftbar://refreshplugin?plugin={quote(name, safe='')}"
