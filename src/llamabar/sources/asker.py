"""Threads for slow calls: each takes one question at a time and hands its answer to the loop."""

import threading
from queue import SimpleQueue
from typing import Callable

from llamabar.sources.inbox import Arrived, Inbox

Task = Callable[[], Arrived]


class Asker(threading.Thread):
    """A queue of calls for one server, made one after the other; what a call returns goes to the inbox."""

    def __init__(self, server: str, inbox: Inbox) -> None:
        super().__init__(name=f"questions to {server}", daemon=True)
        self._server = server
        self._inbox = inbox
        self._tasks: SimpleQueue[Task] = SimpleQueue()

    def ask(self, task: Task) -> None:
        """Queue a call; it returns an event or an answer, and raises nothing."""
        self._tasks.put(task)

    def run(self) -> None:
        """Work for ever; a daemon thread ends with the program."""
        while True:
            self._inbox.put(self._server, self._tasks.get()())
