"""Keeps the history of what a watch sees, on a thread of its own: nothing waits for the disk."""

import threading
from queue import Empty, SimpleQueue
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Union

from llamabar.core.history import Chart, History, kept
from llamabar.core.totals import Charts, Rows, Tell
from llamabar.sources import clock

EVERY_S = 10.0  # at most one commit
CHARTS_EVERY_S = 60.0


class HistoryStore:
    """Keeps the history of servers, by name their address. `tell` is told of a server what stands there, on another
    thread; `histories` is asked for the charts, a server's own under ""; `days`: of how many with requests the rows are
    kept; None: of all. `report` is told of a fault of ours. `only_here`: servers whose name means nothing elsewhere.
    """

    def __init__(
        self, environment: Mapping[str, str], tell: Tell, *, servers: Mapping[str, str],
        histories: Callable[[], Mapping[str, Mapping[str, History]]], days: Optional[int],
        report: Callable[[Exception], None] = lambda _: None, only_here: FrozenSet[str] = frozenset(),
    ) -> None:  # fmt: skip
        self._environment, self._tell, self._report = environment, tell, report
        self._histories, self._servers, self._days, self._only_here = histories, dict(servers), days, only_here
        self._queue: SimpleQueue[Union[Rows, Charts, None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._charts_s = clock.now_s()

    def start(self) -> None:
        """Begin to read what stands there."""
        self._thread.start()

    def add(self, rows: Rows) -> None:
        """Hand over rows; they are written when it is time to."""
        self._servers[rows.name] = rows.url
        self._queue.put(rows)

    def note(self) -> bool:
        """Hand over the charts once a minute; False, so that a loop goes on."""
        if clock.now_s() >= self._charts_s + CHARTS_EVERY_S:
            self._hand_over()
        return False

    def end(self) -> None:
        """Begin to write down everything; `finish` waits for it."""
        self._hand_over()
        self._queue.put(None)

    def finish(self, seconds: float) -> None:
        """Wait until that is done, at most so long."""
        self._thread.join(max(0.0, seconds))

    def _hand_over(self) -> None:
        self._charts_s, unix_s = clock.now_s(), clock.unix_s()
        charts: Dict[str, List[Chart]] = {}
        for name, found in self._histories().items():
            for model, history in found.items():
                chart = kept(history, now_s=self._charts_s, unix_s=unix_s, model=model)
                if chart is not None:
                    charts.setdefault(self._servers[name], []).append(chart)
        self._queue.put(charts)

    def _run(self) -> None:
        from llamabar.store.writer import Writer  # with SQLite, which nothing before the first frame waits for

        writer = Writer(self._environment, self._tell, days=self._days, only_here=self._only_here)
        self._do(lambda: writer.begin(self._servers))
        ending, stuck, next_s = False, False, 0.0  # stuck: what waits could not be written
        while not ending:
            try:
                arrived = self._queue.get(timeout=max(0.0, next_s - clock.now_s()) if writer.rows else None)
                ending = arrived is None
                while arrived is not None:
                    writer.take(arrived)
                    arrived = None
                    if stuck or not writer.is_full:
                        arrived = self._queue.get_nowait()
                        ending = arrived is None
            except Empty:
                pass
            if ending or (writer.is_full and not stuck) or (writer.rows and clock.now_s() >= next_s):
                next_s = clock.now_s() + EVERY_S
                self._do(writer.write)
                stuck = bool(writer.rows)
        writer.close()

    def _do(self, work: Callable[[], None]) -> None:
        """Do a part of the work; one that fails in a way that nobody expected is reported, and the next one is done."""
        try:
            work()
        except Exception as error:
            self._report(error)
