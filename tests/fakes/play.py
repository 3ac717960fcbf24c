"""Play recordings of real servers into the real pipeline, with the recording's clock."""

from pathlib import Path
from typing import Iterator, List, Optional, Tuple

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import events as ev
from llamabar.core.decode import decode_event
from llamabar.core.queries import Kind, Query
from llamabar.core.sse import EventSplitter
from llamabar.core.state import READY, Snapshot
from llamabar.sources.query_answers import answer
from llamabar.view.menu import Menu
from tests.fakes import replay

NAME = "llama-swap"
RECORDINGS = Path(__file__).parents[1] / "recordings"
HOST = ev.HostMeasured(cpu_ratio=0.06, memory_used_bytes=41_000_000_000, memory_total_bytes=64_000_000_000)
TICK_S = 0.05
SLOTS_WITHIN_S = 0.9  # the recording has an answer every half second, we query once a second: its next answer is ours


class Player:
    """A monitor that runs through the recording of a version, on a computer that the test chooses."""

    def __init__(self, version: str, piece_bytes: Optional[int] = None) -> None:
        self.recording = recording = replay.load(RECORDINGS / version)
        self.client = replay.RecordedClient(recording)
        self.monitor = Monitor({NAME: Watched(NAME, self.client.url)})
        self.frames: List[Tuple[float, Menu]] = []
        self.now_s = 0.0
        self._pieces: Iterator[replay.Read] = replay.pieces(recording, piece_bytes)
        self._next: Optional[replay.Read] = next(self._pieces, None)
        self._splitter = EventSplitter()
        self._waiting: List[Tuple[float, Query]] = []
        self._opened = False
        self._ended = False

    def play(self, until_s: float) -> "Player":
        """Advance to a time, and return the same player."""
        while self.now_s < until_s:
            self.now_s = round(min(until_s, self.now_s + TICK_S), 6)
            self._hear()
            self._ask()
            self.monitor.tick(now_s=self.now_s)
            menu = self.monitor.frame(now_s=self.now_s)
            if menu is not None:
                self.frames.append((self.now_s, menu))
        return self

    @property
    def snapshot(self) -> Snapshot:
        """Return the server's current snapshot."""
        return self.monitor.servers[NAME].snapshot

    def _hear(self) -> None:
        while self._next is not None and self._next.at_s <= self.now_s:
            if not self._opened:
                self._opened = True
                for event in (ev.StreamOpened(), HOST):
                    self._take(event, self._next.at_s)
            for payload in self._splitter.feed(self._next.data):
                self._take_payload(payload, self._next.at_s)
            self._next = next(self._pieces, None)
        if self._next is None and not self._ended and self.now_s >= self.recording.ends_s:
            self._ended = True
            self._take(ev.StreamLost(ev.Fault(ev.FaultKind.REFUSED)), self.recording.ends_s)

    def _take_payload(self, payload: bytes, at_s: float) -> None:
        event = decode_event(payload)
        if event is not None:
            self._take(event, at_s)
        if isinstance(event, ev.ActivityNoted):
            self.client.noted_id = max(self.client.noted_id, event.id or 0)

    def _take(self, event: ev.Event, at_s: float) -> None:
        self.monitor.take(NAME, event, at_s=at_s)

    def _ask(self) -> None:
        self.client.now_s = self.now_s
        for _, query in self.monitor.due(now_s=self.now_s):
            self.monitor.mark_sent(NAME, query, now_s=self.now_s)
            at_s = self.client.next_slots_s(query.url, SLOTS_WITHIN_S) if query.kind is Kind.SLOTS else self.now_s
            self._waiting.append((self.now_s + SLOTS_WITHIN_S if at_s is None else at_s, query))
        for due in [due for due in self._waiting if due[0] <= self.now_s]:
            self._waiting.remove(due)
            self.client.now_s = due[0]
            found = answer(self.client, due[1])
            self.monitor.take(NAME, found, at_s=due[0])
            if any(isinstance(event, ev.RunningListed) for event in found.events):
                self._take(self._processes(), due[0])
        if self.snapshot.inflight_total is not None:
            self._take(self._connections(), self.now_s)

    def _processes(self) -> ev.MemoryMeasured:
        """Return the model servers, which in a recording ran locally, as processes of a local llama-swap."""
        models = [model for model in self.snapshot.models.values() if model.state == READY and model.proxy]
        return ev.MemoryMeasured(None, {}, servers={model.id: ev.ModelServer(model.proxy) for model in models})

    def _connections(self) -> ev.ConnectionsSeen:
        """Return connections, which a recording doesn't contain: there are some while the server counts requests."""
        open_to = (1,) if self.snapshot.inflight_total else ()
        return ev.ConnectionsSeen({one.id: open_to for one in self.snapshot.models.values() if one.server_url})


def moments(version: str, times: Tuple[Tuple[float, str], ...]):
    """Yield a player at each of the moments."""
    player = Player(version)
    for at_s, name in times:
        yield name, player.play(at_s)
