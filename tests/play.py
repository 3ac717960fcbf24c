"""Plays a recording into the real pipeline with a clock of its own."""

from pathlib import Path
from typing import Iterator, Optional, Tuple

from llamabar.core.asks import Kind
from llamabar.core.decode import decode_event
from llamabar.core.events import ActivityNoted, Fault, FaultKind, HostMeasured, StreamLost, StreamOpened
from llamabar.core.sse import EventSplitter
from llamabar.monitor import Monitor, Watched
from llamabar.sources import replay
from llamabar.sources.questions import answer

RECORDINGS = Path(__file__).parent / "recordings"
HOST = HostMeasured(cpu_ratio=0.06, memory_used_bytes=41_000_000_000, memory_total_bytes=64_000_000_000)
TICK_S = 0.05
SLOTS_WITHIN_S = 0.9  # the recording asked every half second, we once a second: its next answer is ours
NAME = "llama-swap"


class Player:
    """A monitor that lives through a recording."""

    def __init__(self, version: str, piece_bytes: Optional[int] = None) -> None:
        self.recording = replay.load(RECORDINGS / version)
        self.client = replay.RecordedClient(self.recording)
        self.monitor = Monitor({NAME: Watched(NAME, self.client.url)})
        self.frames = []
        self.pieces: Iterator[replay.Read] = replay.pieces(self.recording, piece_bytes)
        self.splitter = EventSplitter()
        self.next: Optional[replay.Read] = next(self.pieces)
        self.now_s = 0.0
        self.ended = False
        self.waiting = []
        self.opened = False

    def play(self, until_s: float) -> "Player":
        """Go on to a time."""
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
    def snapshot(self):
        return self.monitor.servers[NAME].snapshot

    def _hear(self) -> None:
        while self.next is not None and self.next.at_s <= self.now_s:
            if not self.opened:
                self.opened = True
                self._take(StreamOpened(), self.next.at_s)
                self._take(HOST, self.next.at_s)
            for payload in self.splitter.feed(self.next.data):
                event = decode_event(payload)
                if event is not None:
                    self._take(event, self.next.at_s)
                if isinstance(event, ActivityNoted):
                    self.client.noted_id = max(self.client.noted_id, event.id)
            self.next = next(self.pieces, None)
        if self.next is None and not self.ended and self.now_s >= self.recording.ends_s:
            self.ended = True
            self._take(StreamLost(Fault(FaultKind.REFUSED)), self.recording.ends_s)

    def _take(self, event, at_s: float) -> None:
        self.monitor.take(NAME, event, at_s=at_s)

    def _ask(self) -> None:
        self.client.now_s = self.now_s
        for _, ask in self.monitor.questions(now_s=self.now_s):
            at_s = self.client.next_slots_s(ask.url, SLOTS_WITHIN_S) if ask.kind is Kind.SLOTS else self.now_s
            self.waiting.append((self.now_s + SLOTS_WITHIN_S if at_s is None else at_s, ask))
        for due in [due for due in self.waiting if due[0] <= self.now_s]:
            self.waiting.remove(due)
            self.client.now_s = due[0]
            self.monitor.take(NAME, answer(self.client, due[1]), at_s=due[0])


def moments(version: str, times: Tuple[Tuple[float, str], ...]):
    """Yield a player at each of the moments."""
    player = Player(version)
    for at_s, name in times:
        yield name, player.play(at_s)
