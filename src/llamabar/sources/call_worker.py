"""Threads for slow calls. A call's result goes to the inbox; an exception is reported there."""

import threading
from queue import SimpleQueue
from typing import Callable, Optional

from llamabar.sources.inbox import Arrived, Failed, Inbox

Call = Callable[[], Optional[Arrived]]


class CallWorker(threading.Thread):
    """A queue of calls for one server, made one after another."""

    def __init__(self, server: str, inbox: Inbox) -> None:
        super().__init__(name=f"calls to {server}", daemon=True)
        self._server = server
        self._inbox = inbox
        self._calls: SimpleQueue[Optional[Callable[[], None]]] = SimpleQueue()

    def do(self, call: Call, otherwise: Optional[Arrived] = None) -> None:
        """Queue a call; if it raises, `otherwise` arrives in its place."""
        self._calls.put(lambda: _make(call, otherwise, self._server, self._inbox))

    def stop(self) -> None:
        """End the thread once it has done what is queued; returns at once."""
        self._calls.put(None)

    def run(self) -> None:
        """Work until stopped."""
        call = self._calls.get()
        while call is not None:
            call()
            call = self._calls.get()


def call_once(server: str, inbox: Inbox, call: Call, otherwise: Optional[Arrived] = None) -> None:
    """Make one call on its own thread; returns at once."""
    threading.Thread(target=_make, args=(call, otherwise, server, inbox), daemon=True).start()


def _make(call: Call, otherwise: Optional[Arrived], server: str, inbox: Inbox) -> None:
    try:
        arrived = call()
    except Exception as error:
        inbox.put(server, Failed(error))
        arrived = otherwise
    if arrived is not None:
        inbox.put(server, arrived)
