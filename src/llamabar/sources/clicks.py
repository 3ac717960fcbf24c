"""Clicks that SwiftBar (2.1.0 and later) writes to our stdin, one token per line."""

import os
import threading

from llamabar.sources.inbox import Inbox

LINE_LIMIT_BYTES = 256


class ClickReader(threading.Thread):
    """Reads a file descriptor to its end. os.read holds no lock, so the program can exit at any time."""

    def __init__(self, descriptor: int, inbox: Inbox) -> None:
        super().__init__(name="clicks", daemon=True)
        self._descriptor = descriptor
        self._inbox = inbox

    def run(self) -> None:
        """Pass on every short line; a longer one isn't a click."""
        rest = b""
        while True:
            try:
                piece = os.read(self._descriptor, 4096)
            except OSError:
                return
            if not piece:
                return
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[-LINE_LIMIT_BYTES:]
            for line in lines:
                token = line.strip().decode("ascii", "replace")
                if token and len(line) <= LINE_LIMIT_BYTES:
                    self._inbox.click(token)
