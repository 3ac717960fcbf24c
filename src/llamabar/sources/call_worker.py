"""Threads for slow calls. What a call returns goes to the inbox; one that raises is reported there."""

import threading
from queue import SimpleQueue
from typing import Callable, Optional

from llamabar.sources.inbox import Arrived, Failed, Inbox

Call = Callable[[], Optional[Arrived]]


class CallWorker(threading.Thread):
    """A queue of calls for one server, made one after the other."""

    def __init__(self, server: str, inbox: Inbox) -> None:
        super().__init__(name=f"calls to {server}", daemon=True)
        self._server = server
        self._inbox = inbox
        self._calls: SimpleQueue[Optional[Callable[[], None]]] = SimpleQueue()

    def do(self, call: Call, otherwise: Optional[Arrived] = None) -> None:
        """Queue a call; `otherwise` arrives in the place of one that raises."""
        self._calls.put(lambda: _make(call, otherwise, self._server, self._inbox))

    def stop(self) -> None:
        """End the thread once it has done what was queued; returns at once."""
        self._calls.put(None)

    def run(self) -> None:
        """Work until stopped."""
        call = self._calls.get()
        while call is not None:
            call()
            call = self._calls.get()


def call_once(server: str, inbox: Inbox, call: Call, otherwise: Optional[Arrived] = None) -> None:
    """Make one call on a thread of its own; returns at once."""
    threading.Thread(target=_make, args=(call, otherwise, server, inbox), daemon=True).start()


def _make(call: Call, otherwise: Optional[Arrived], server: str, inbox: Inbox) -> None:
    try:
        arrived = call()
    except Exception as error:
        inbox.put(server, Failed(error))
        arrived = otherwise
    if arrived is not None:
        inbox.put(server, arrived)
