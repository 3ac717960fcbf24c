"""Threads for slow calls: each takes one question at a time and hands its answer to the loop."""

import threading
from queue import SimpleQueue
from typing import Callable, Optional

from llamabar.sources.inbox import Arrived, Inbox

Task = Callable[[], Arrived]


class Asker(threading.Thread):
    """A queue of calls for one server, made one after the other; what a call returns goes to the inbox."""

    def __init__(self, server: str, inbox: Inbox) -> None:
        super().__init__(name=f"questions to {server}", daemon=True)
        self._server = server
        self._inbox = inbox
        self._tasks: SimpleQueue[Optional[Task]] = SimpleQueue()

    def ask(self, task: Task) -> None:
        """Queue a call; it returns an event or an answer, and raises nothing."""
        self._tasks.put(task)

    def stop(self) -> None:
        """End the thread once it has done what was queued; returns at once."""
        self._tasks.put(None)

    def run(self) -> None:
        """Work until stopped."""
        task = self._tasks.get()
        while task is not None:
            self._inbox.put(self._server, task())
            task = self._tasks.get()
