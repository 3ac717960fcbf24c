"""The watcher's loop without a menu, and its metrics: a scrape sends no request to llama-swap.

Callers come on their own threads. Snapshots are values, so they may be read at any time; the counts have a lock.
"""

import sys
import threading
from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Tuple

from llamabar import __version__
from llamabar.app.loop import Watch
from llamabar.core.apply_requests import DISORDER
from llamabar.core.state import Host
from llamabar.core.totals import Rows
from llamabar.export import families as of
from llamabar.export.counts import Book
from llamabar.export.encode import Page, Scrape
from llamabar.export.points import labels_of, put_host, put_server
from llamabar.settings.load import Settings
from llamabar.sources import clock
from llamabar.sources.inbox import Arrived
from llamabar.store.ever import ever
from llamabar.store.history import HistoryStore
from llamabar.store.known_servers import KnownServers
from llamabar.view.menu import Menu

LULL_S = 0.25  # nobody is watching: arrivals within this time are processed together, however many servers there are
HISTORY_S = 10.0  # a disk may hang; then the counters start at 0
SAME_FOR_S = 0.2  # a hundred simultaneous scrapers get one page
ROWS_KEPT = 2 * DISORDER  # in memory: they aren't shown to anybody
APART_S = 0.1  # all finished requests of twenty servers at once would take 10 MiB
STUCK_S = 60.0  # the loop turns at least every 5 s


@dataclass
class Exporter(Watch):
    """A watch that exports its servers as metrics."""

    lull_s: float = LULL_S
    shows_history: bool = False  # the stored days of a fleet would take megabytes
    books: Dict[str, Book] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)  # for the books
    _writing: threading.Lock = field(default_factory=threading.Lock)  # for pages and the fields below
    _last: Optional[Tuple[str, float, Page]] = None  # Accept header, time, page
    _lag_s: float = 0.0
    _scrapes: int = 0
    _scrapes_s: float = 0.0
    _turned_s: float = field(default_factory=clock.now_s)

    def recall(self, environment: Mapping[str, str]) -> None:
        """Continue from each server's stored history."""

        def _read() -> None:
            for name, watched in self.monitor.servers.items():
                named = "" if name in self.settings.only_here else name
                self.books[name] = Book(ever(environment, named, watched.url))

        reading = threading.Thread(target=_read, daemon=True)
        reading.start()
        reading.join(HISTORY_S)
        self.books = {name: self.books.get(name) or Book(None) for name in self.monitor.servers}

    def keep(self, environment: Mapping[str, str]) -> HistoryStore:
        """Store the history, as the other watchers do, and count its rows."""
        store = super().keep(environment)

        def _take(rows: Rows) -> None:
            with self._lock:
                self.books[rows.name].take(rows.rows, self.monitor.servers[rows.name].snapshot.models)
            store.add(rows)

        self.monitor.keep, self.monitor.rows_kept = _take, ROWS_KEPT
        return store

    def start_apart(self) -> None:
        """Start like `start`, but each connection a moment after the previous one."""
        self.inbox.report_threads()
        threading.Thread(target=self._connect, name="start", daemon=True).start()

    def _connect(self) -> None:
        for connection in self.connections.values():
            connection.start()
            clock.wait(APART_S)

    def step(self, now_s: float) -> None:
        """Take a turn, and record how long the oldest arrival had waited."""
        self._lag_s = 0.0
        super().step(now_s)

    def _take(self, server: str, at_s: float, arrival: Arrived) -> None:
        self._lag_s = max(self._lag_s, clock.now_s() - at_s)
        super()._take(server, at_s, arrival)

    def show(self, now_s: float) -> None:
        """Record what happened, in place of drawing a menu."""
        self.monitor.unseen(now_s=now_s)
        with self._lock:
            for name, watched in self.monitor.servers.items():
                self.books[name].look(watched.snapshot)
        self._turned_s = now_s

    def is_well(self) -> bool:
        """Tell whether the loop is turning."""
        return clock.now_s() - self._turned_s < STUCK_S

    def page(self, accept: str) -> Page:
        """Return the metrics in the format that a scraper accepts."""
        with self._writing:
            began_s = clock.now_s()
            if self._last is None or self._last[0] != accept or began_s - self._last[1] >= SAME_FOR_S:
                page = self.scrape().page(accept)
                self._last = accept, clock.now_s(), page  # callers that waited for a slow page all get it
            self._scrapes += 1
            self._scrapes_s += clock.now_s() - began_s
            return self._last[2]

    def scrape(self) -> Scrape:
        """Return the points of this moment."""
        scrape, now_s, host = Scrape(), clock.now_s(), Host()
        for name, label in labels_of(self.monitor.servers).items():
            snapshot = self.monitor.servers[name].snapshot
            with self._lock:
                put_server(scrape, label, snapshot, self.books[name], now_s=now_s)
            stream = self.connections[name].stream
            scrape.put(of.EVENTS, (label,), float(stream.events_read))
            scrape.put(of.BYTES, (label,), float(stream.bytes_read))
            scrape.put(of.RECONNECTS, (label,), float(max(0, snapshot.connections - 1)))
            host = snapshot.host
        put_host(scrape, host)
        scrape.put(of.LAG, (), self._lag_s)
        scrape.put(of.EXPORTER, (__version__,), 1.0)
        scrape.put(of.SCRAPES, (), float(self._scrapes))
        scrape.put(of.SCRAPE_TIME, (), self._scrapes_s)
        return scrape


def exporter_of(settings: Settings, environment: Mapping[str, str]) -> Exporter:
    """Return an exporter that knows the earlier counts; nothing is started yet."""
    exporter = Exporter(settings, _say_fault, known=KnownServers(environment))
    exporter.recall(environment)
    return exporter


def _say_fault(menu: Menu, _: float) -> None:
    """Print an internal error: the only menu that an exporter draws."""
    print("\n".join(row.text for section in menu.sections for row in section), file=sys.stderr, flush=True)
