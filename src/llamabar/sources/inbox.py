"""The one door into the loop, for every thread: events of the stream coalesce, answers and clicks queue."""

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
    """What came from a terminal: the terminal room's word for it."""

    typed: Any


class Notice(NamedTuple):
    """A sentence of our own that is no fault."""

    text: str


class Stop(NamedTuple):
    """The loop shall end."""

    why: str


class Failed(NamedTuple):
    """A thread met an exception that nobody expected, and went on."""

    error: Exception


class ServiceLooked(NamedTuple):
    """The service of a server was looked for; None: it is none that can be seen."""

    found: Optional[ServiceFound]


class Moved(NamedTuple):
    """A server that was found by itself listens here now; None: nobody was found."""

    url: Optional[str]


Arrived = Union[Event, Answer, Click, Key, Notice, Stop, Moved, Cause, Failed, ServiceLooked, Told, Chart]
Arrival = Tuple[str, float, Arrived]


class Inbox:
    """Arrivals by server name. `wake` may be called from a signal handler: its queue takes no lock of ours."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: Dict[str, Pending] = {}
        self._others: SimpleQueue[Arrival] = SimpleQueue()
        self._roused = False  # news of a stream has woken the loop since it last took what had arrived
        self._clicks: Dict[str, float] = {}  # by token, when it came
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def event(self, server: str, event: Event, *, news: bool = True) -> bool:
        """Hand over an event of a stream; return False when the loop lags hopelessly. What is no `news` wakes nobody:
        it is taken with the next that is, or with the loop's next look at the time.
        """
        with self._lock:
            fits = add(self._streams.setdefault(server, {}), Stamped(clock.now_s(), event))
            rouses, self._roused = news and not self._roused, self._roused or news
        if rouses:
            self.wake()
        return fits

    def put(self, server: str, arrival: Arrived) -> None:
        """Hand over anything else; never waits."""
        self._others.put((server, clock.now_s(), arrival))
        self.wake()

    def click(self, token: str) -> None:
        """Hand over a click; one that waits already is the same, and beyond CLICKS nobody clicks."""
        with self._lock:
            first = not self._clicks
            if len(self._clicks) < CLICKS:
                self._clicks.setdefault(token, clock.now_s())
        if first:
            self.wake()

    def report_threads(self) -> None:
        """Have it reported here when a thread, of whoever, is ended by an exception; its traceback is not printed."""
        threading.excepthook = lambda ended: self._ended(ended.exc_value)

    def _ended(self, error: Optional[BaseException]) -> None:
        if isinstance(error, Exception):
            self.put("", Failed(error))

    def wake(self) -> None:
        """Make the loop look now."""
        self._wakes.put(None)

    def wait(self, seconds: float) -> None:
        """Wait for an arrival, or for the time to pass."""
        try:
            self._wakes.get(timeout=max(0.0, seconds))
            while True:
                self._wakes.get_nowait()
        except Empty:
            return

    def take(self) -> List[Arrival]:
        """Return everything that arrived: each stream's events in their order, then the others in theirs."""
        with self._lock:
            taken = {server: take(pending) for server, pending in self._streams.items()}
            clicks, self._clicks, self._roused = self._clicks, {}, False
        arrivals: List[Arrival] = [(name, s.at_s, s.event) for name, stamped in taken.items() for s in stamped]
        with suppress(Empty):
            while True:
                arrivals.append(self._others.get_nowait())
        return arrivals + [("", at_s, Click(token)) for token, at_s in clicks.items()]
