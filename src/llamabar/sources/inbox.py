"""The only way into the loop, for every thread: stream events are coalesced, answers and clicks are queued."""

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from llamabar.core.coalesce import Pending, Stamped, add, take
from llamabar.core.events import Event, ServiceFound
from llamabar.core.history import Chart
from llamabar.core.limits import CLICKS
from llamabar.core.queries import Answer
from llamabar.core.status import Cause
from llamabar.core.totals import Told
from llamabar.sources import clock


class Click(NamedTuple):
    """A line that SwiftBar wrote for an item."""

    token: str


class Key(NamedTuple):
    """A key press or other terminal input, as `terminal` represents it."""

    typed: Any


class Notice(NamedTuple):
    """A message of our own that isn't a fault."""

    text: str


class Stop(NamedTuple):
    """Tells the loop to end."""

    why: str


class Failed(NamedTuple):
    """An unexpected exception in a thread that keeps running."""

    error: Exception


class ServiceLooked(NamedTuple):
    """The result of a search for a server's service; None if there is none that can be seen."""

    found: Optional[ServiceFound]


class Moved(NamedTuple):
    """The new address of a server that no setting names; None if none was found."""

    url: Optional[str]


Arrived = Union[Event, Answer, Click, Key, Notice, Stop, Moved, Cause, Failed, ServiceLooked, Told, Chart]
Arrival = Tuple[str, float, Arrived]


class Inbox:
    """Arrivals by server name. A signal handler may call `wake`: its queue takes none of our locks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: Dict[str, Pending] = {}
        self._others: SimpleQueue[Arrival] = SimpleQueue()
        self._roused = False  # the loop has been woken for stream news since it last took the arrivals
        self._clicks: Dict[str, float] = {}  # by token, when it came
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def event(self, server: str, event: Event, *, news: bool = True) -> bool:
        """Pass on a stream event; return False if the loop is hopelessly behind. An event that isn't `news` doesn't
        wake the loop: it is taken with the next one that is, or at the loop's next timeout."""
        with self._lock:
            fits = add(self._streams.setdefault(server, {}), Stamped(clock.now_s(), event))
            rouses, self._roused = news and not self._roused, self._roused or news
        if rouses:
            self.wake()
        return fits

    def put(self, server: str, arrival: Arrived) -> None:
        """Pass on anything else; never blocks."""
        self._others.put((server, clock.now_s(), arrival))
        self.wake()

    def click(self, token: str) -> None:
        """Pass on a click; a repeated one is dropped while the first waits, and so are all beyond CLICKS."""
        with self._lock:
            first = not self._clicks
            if len(self._clicks) < CLICKS:
                self._clicks.setdefault(token, clock.now_s())
        if first:
            self.wake()

    def report_threads(self) -> None:
        """Report every thread that an exception ends here, without printing a traceback."""
        threading.excepthook = lambda ended: self._ended(ended.exc_value)

    def _ended(self, error: Optional[BaseException]) -> None:
        if isinstance(error, Exception):
            self.put("", Failed(error))

    def wake(self) -> None:
        """Wake the loop now."""
        self._wakes.put(None)

    def wait(self, seconds: float) -> None:
        """Wait for an arrival or the timeout."""
        try:
            self._wakes.get(timeout=max(0.0, seconds))
            while True:
                self._wakes.get_nowait()
        except Empty:
            return

    def take(self) -> List[Arrival]:
        """Return everything that arrived: each stream's events in order, then the others in order."""
        with self._lock:
            taken = {server: take(pending) for server, pending in self._streams.items()}
            clicks, self._clicks, self._roused = self._clicks, {}, False
        arrivals: List[Arrival] = [(name, s.at_s, s.event) for name, stamped in taken.items() for s in stamped]
        with suppress(Empty):
            while True:
                arrivals.append(self._others.get_nowait())
        return arrivals + [("", at_s, Click(token)) for token, at_s in clicks.items()]
