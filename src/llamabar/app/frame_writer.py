"""Write frames: each in full, only the newest, and never on the loop's thread.

Law: SwiftBar may read slowly or not at all; that must block only this thread.
"""

import os
import threading
from typing import Callable, Optional


class FrameWriter(threading.Thread):
    """Owns a file descriptor. A newer frame replaces one that waits; `gone` is called when the reader has closed."""

    def __init__(self, descriptor: int, gone: Callable[[], None]) -> None:
        super().__init__(name="frames", daemon=True)
        self._descriptor = descriptor
        self._gone = gone
        self._news = threading.Condition()
        self._next: Optional[bytes] = None
        self._writing = False
        self.frames = 0
        self.written_bytes = 0

    def show(self, frame: bytes) -> None:
        """Queue a frame; returns at once."""
        with self._news:
            self._next = frame
            self._news.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until everything is written, up to this many seconds; return whether it is."""
        with self._news:
            return self._news.wait_for(lambda: self._next is None and not self._writing, timeout=seconds)

    def run(self) -> None:
        """Write frames until the reader is gone."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._next is not None)
                frame, self._next, self._writing = self._next or b"", None, True
            try:
                self._write(frame)
            except OSError:
                self._gone()
                return
            finally:
                with self._news:
                    self._writing = False
                    self._news.notify_all()

    def _write(self, frame: bytes) -> None:
        rest = memoryview(frame)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.frames += 1
        self.written_bytes += len(frame)
