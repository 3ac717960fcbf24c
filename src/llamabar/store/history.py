"""Store the history of what a watch sees, on its own thread: nothing waits for the disk."""

import threading
from queue import Empty, SimpleQueue
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Union

from llamabar.core.history import Chart, History, kept
from llamabar.core.totals import Charts, Rows, Tell
from llamabar.sources import clock

EVERY_S = 10.0  # at most one commit
CHARTS_EVERY_S = 60.0


class HistoryStore:
    """Stores the history of servers, given as name → address. `tell` gets a server's stored history, on another thread.
    `histories` returns the charts, a server's own under "". `days`: for how many days with requests rows are kept;
    None: all. `report` gets internal errors. `only_here`: servers whose name has no meaning outside this run. `shown`:
    whether anybody is shown days and charts; otherwise those stored aren't read."""

    def __init__(
        self, environment: Mapping[str, str], tell: Tell, *, servers: Mapping[str, str],
        histories: Callable[[], Mapping[str, Mapping[str, History]]], days: Optional[int],
        report: Callable[[Exception], None] = lambda _: None, only_here: FrozenSet[str] = frozenset(),
        shown: bool = True,
    ) -> None:  # fmt: skip
        self._environment, self._tell, self._report = environment, tell, report
        self._histories, self._servers, self._days, self._only_here = histories, dict(servers), days, only_here
        self._queue: SimpleQueue[Union[Rows, Charts, None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._shown, self._charts_s = shown, clock.now_s()

    def start(self) -> None:
        """Start reading the stored history."""
        self._thread.start()

    def add(self, rows: Rows) -> None:
        """Queue rows for the next write."""
        self._servers[rows.name] = rows.url
        self._queue.put(rows)

    def note(self) -> bool:
        """Queue the charts once a minute; return False, so that a loop continues."""
        if clock.now_s() >= self._charts_s + CHARTS_EVERY_S:
            self._hand_over()
        return False

    def end(self) -> None:
        """Start writing everything; `finish` waits for it."""
        self._hand_over()
        self._queue.put(None)

    def finish(self, seconds: float) -> None:
        """Wait until that is done, up to this many seconds."""
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
        from llamabar.store.writer import Writer  # imports SQLite, which must not delay the first frame

        writer = Writer(
            self._environment, self._tell, days=self._days, only_here=self._only_here, shown=self._shown,
        )  # fmt: skip
        self._do(lambda: writer.begin(self._servers))
        ending, stuck, next_s = False, False, 0.0  # stuck: the queued rows couldn't be written
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
        """Do one step of the work; report an unexpected failure and go on with the next step."""
        try:
            work()
        except Exception as error:
            self._report(error)
