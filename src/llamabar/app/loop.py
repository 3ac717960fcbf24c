"""The loop: it owns all state and connects sources, monitor and writer.

An internal error becomes a frame that shows it, and the loop continues: SwiftBar doesn't restart a streaming plugin
that exits. SIGTERM ends the loop within half a second, with its connections closed.
"""

import os
import signal
import threading
import traceback
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from llamabar import __version__
from llamabar.app.actions import Where, perform
from llamabar.app.connection import Connection, Explain
from llamabar.app.monitor import Monitor, Watched
from llamabar.app.notifications import Notifier
from llamabar.core import queries
from llamabar.core.backoff import Rediscovery
from llamabar.core.cadence import Shown
from llamabar.core.events import ActionAsked, ActionEnded, Fault, FaultKind, MemoryMeasured
from llamabar.core.history import BUCKETS, Chart, History
from llamabar.core.status import Cause
from llamabar.core.totals import Told
from llamabar.damage import is_repairable
from llamabar.settings import mistakes
from llamabar.settings.load import Settings
from llamabar.sources import clock, host
from llamabar.sources.inbox import Arrived, Click, Failed, Inbox, Key, Moved, Notice, ServiceLooked, Stop
from llamabar.store.history import HistoryStore
from llamabar.store.known_servers import KnownServers
from llamabar.view.charts import chart_of
from llamabar.view.compose import fault_menu
from llamabar.view.menu import Action, Menu
from llamabar.view.scene import MenuOptions, Scene

BUSY_HOST_S, CALM_HOST_S = 2.0, 20.0
LULL_S = 0.08  # between two reads of the inbox: a burst of events is processed together, the newest of each kind
FAULT_PAUSE_S = 5.0
ROWS_KEPT = 200  # in memory, if the history stores all of them: more hardly ever end between two turns
LONGEST_WAIT_S = 5.0


@dataclass
class Watch:
    """A monitor with its sources. `draw` gets each menu that is worth showing, `on_key` each key pressed."""

    settings: Settings
    draw: Callable[[Menu, float], None]
    on_key: Callable[[Any], None] = lambda _: None
    paint: Optional[Callable[[float], Optional[Menu]]] = None  # draws by itself, without a menu
    inbox: Inbox = field(default_factory=Inbox)
    known: Optional[KnownServers] = None  # server features stored on disk
    connections: Dict[str, Connection] = field(default_factory=dict)
    stopping: str = ""
    lull_s: float = LULL_S
    explain: Optional[Explain] = None  # diagnoses why a server isn't responding
    notifier: Optional[Notifier] = None  # only the plugin notifies: a terminal beside it would repeat everything
    unwanted: queries.Kinds = frozenset()  # probes whose answers aren't needed
    shows_history: bool = True  # days and charts
    _host_s: Optional[float] = None
    _reported: Set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        settings, bucket_s = self.settings, self.settings["history.minutes"] * 60 / BUCKETS
        watched = {
            one.name: Watched(one.name, one.url, bool(one.api_key), history=History(bucket_s=bucket_s))
            for one in settings.servers
        }
        blank = Scene(
            (), 0.0, title=settings["menu.title"], key=settings["menu.key"], version=__version__,
            mistakes=mistakes.in_menu(settings.mistakes),
            options=MenuOptions(settings["menu.pinned"], settings["menu.expand"]),
            chart=chart_of(settings["chart_width_px"], settings["chart_height_px"], buckets=BUCKETS),
        )  # fmt: skip
        by_id = settings["menu.names"] == "id"
        self.monitor = Monitor(watched, blank, day_of=clock.local_day, unwanted=self.unwanted, by_id=by_id)
        for server in settings.servers:
            search = Rediscovery() if server.discovered and settings.rediscover is not None else None
            self.connections[server.name] = Connection(server, self.inbox, self.known, search)

    def start(self) -> None:
        """Start every thread."""
        self.inbox.report_threads()
        for connection in self.connections.values():
            connection.start()

    def keep(self, environment: Mapping[str, str]) -> HistoryStore:
        """Store the history of the servers from now on; return the store."""
        places = {name: watched.url for name, watched in self.monitor.servers.items()}
        store = HistoryStore(
            environment, self.inbox.put, servers=places, histories=self.monitor.histories, days=self.settings.kept_days,
            report=lambda error: self.inbox.put("", Failed(error)), only_here=self.settings.only_here,
            shown=self.shows_history,
        )  # fmt: skip
        self.monitor.keep, self.monitor.rows_kept = store.add, ROWS_KEPT
        store.start()
        return store

    def stop_on_signals(self, *, within_s: float = 0.0) -> None:
        """Make SIGTERM, SIGINT and SIGHUP end the loop; `within_s`: exit after this time in any case."""
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda got, _: self.stop(signal.Signals(got).name, within_s=within_s))
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # a suspended reader would leave the stream unread

    def stop(self, why: str, *, within_s: float = 0.0) -> None:
        """End the loop soon, and the process `within_s`; safe in a signal handler and on any thread."""
        if within_s:
            signal.setitimer(signal.ITIMER_REAL, within_s)
        self.stopping = self.stopping or why
        self.inbox.wake()

    def loop(self, until: Callable[[float], bool] = lambda _: False) -> None:
        """Run until stopped, or until `until` returns True for the current time."""
        try:
            while not self.stopping and not self._turn(until):
                pass
        finally:
            self.close()

    def _turn(self, until: Callable[[float], bool]) -> bool:
        """Take one turn and wait for the next; return whether `until` ended the loop."""
        now_s = clock.now_s()
        try:
            self.step(now_s)
            if self.stopping or until(clock.now_s()):
                return True
            began_s, now_s = now_s, clock.now_s()
            self.inbox.wait(self.pause_s(now_s))
            clock.wait(began_s + self.lull_s - clock.now_s())
        except Exception as error:
            if is_repairable(error):
                raise
            self._show_fault(error, now_s)
        return False

    def pause_s(self, now_s: float) -> float:
        """Return how long nothing is due if nothing arrives."""
        servers = self.monitor.servers.items()
        looks_s = [self.connections[name].look_every_s(one.snapshot, now_s=now_s) for name, one in servers]
        return min(LONGEST_WAIT_S, *looks_s, self.monitor.wake_at_s(now_s=now_s) - now_s)

    def _show_fault(self, error: Exception, now_s: float) -> None:
        """Show an internal error, and continue after a pause; the next menu replaces it."""
        self.draw(fault_menu(type(error).__name__, _place_of(error)), now_s)
        self.monitor.shown = Shown()
        ends_s = clock.now_s() + FAULT_PAUSE_S
        while not self.stopping and clock.now_s() < ends_s:
            self.inbox.wait(ends_s - clock.now_s())

    def close(self) -> None:
        """Close every connection and end every thread."""
        for connection in self.connections.values():
            connection.stop()

    def step(self, now_s: float) -> None:
        """Process arrivals, send due queries, show changes."""
        failures: List[Exception] = []
        for server, at_s, arrival in self.inbox.take():
            try:
                self._take(server, at_s, arrival)
            except Exception as error:  # the rest of the batch must not be lost
                failures.append(error)
        if failures:
            raise failures[0]
        self._measure_host(now_s)
        for name, watched in self.monitor.servers.items():
            self._attend(self.connections[name], watched, now_s)
        for name, query in self.monitor.due(now_s=now_s):
            self.monitor.mark_sent(name, query, now_s=now_s)
            self.connections[name].ask(query, self.monitor.servers[name].snapshot)
        self.show(now_s)

    def show(self, now_s: float) -> None:
        """Draw what is worth showing."""
        self.monitor.today, self.monitor.tomorrow = clock.day_ago(0), clock.day_ago(-1)
        self.monitor.tick(now_s=now_s)
        menu = self.monitor.frame(now_s=now_s) if self.paint is None else self.paint(now_s)
        if menu is not None:
            self.draw(menu, now_s)

    def _take(self, server: str, at_s: float, arrival: Arrived) -> None:
        if isinstance(arrival, Stop):
            self.stop(arrival.why)
        elif isinstance(arrival, Key):
            self.on_key(arrival.typed)
        elif isinstance(arrival, Notice):
            self.monitor.tell(arrival.text)
        elif isinstance(arrival, Cause):
            self.monitor.explain(server, arrival)
        elif isinstance(arrival, (Told, Chart)):
            self.monitor.recall(server, arrival, now_s=clock.now_s(), unix_s=clock.unix_s())
        elif isinstance(arrival, Click):
            self.click(arrival.token)
        elif isinstance(arrival, MemoryMeasured):
            self.connections[server].measuring = False
            self._take_memory(server, arrival, at_s)
        elif isinstance(arrival, ServiceLooked):
            self.connections[server].service_looked = True
            if arrival.found is not None:
                self.monitor.take(server, arrival.found, at_s=at_s)
        elif isinstance(arrival, Failed):
            self._report(arrival.error)
        elif isinstance(arrival, Moved):
            self._move(server, arrival)
        else:
            self.monitor.take(server, arrival, at_s=at_s)

    def _report(self, error: Exception) -> None:
        """Show each exception of a thread once: the thread keeps running and may raise it again and again."""
        place = _place_of(error)
        if place not in self._reported or is_repairable(error):
            self._reported.add(place)
            raise error

    def click(self, token: str) -> None:
        """Do what a click means."""
        action = self.monitor.action(token)
        if action is not None:
            self.act(action)

    def act(self, action: Action) -> None:
        """Carry out an action on its own thread, unless it is already in progress."""
        server = action.server if action.server in self.connections else next(iter(self.connections))
        asked = self.monitor.servers[server].snapshot.asked.get(action.token)
        if asked is None or asked.ended_s is not None:
            self.monitor.take(server, ActionAsked(action.token, action.do.value, action.target), at_s=clock.now_s())
            threading.Thread(target=self._perform, args=(server, action), daemon=True).start()

    def _perform(self, server: str, action: Action) -> None:
        try:
            failure = perform(action, self.where(server)).why
        except Exception as error:
            failure = f"internal error: {type(error).__name__}"
        self.inbox.put(server, ActionEnded(action.token, failure))
        self.connections[server].look_at_service_again()

    def where(self, server: str) -> Where:
        """Return what an action on a server needs."""
        connection = self.connections[server]
        return Where(connection.client, snapshot=self.monitor.servers[server].snapshot, server=connection.server)

    def _measure_host(self, now_s: float) -> None:
        """Measure this computer and the processes found before, more often while something is happening."""
        every_s, menus_s = (
            (BUSY_HOST_S if busy else CALM_HOST_S) * queries.slower(self.monitor.sparing)
            for busy in (self.monitor.is_busy(), self.monitor.works())
        )
        every_s = BUSY_HOST_S if any(one.misses_a_process for one in self.connections.values()) else every_s
        if self._host_s is not None and now_s < self._host_s + every_s:
            return
        self._host_s, measured, self.monitor.sparing = now_s, host.measure(every_s=menus_s), host.saves_power()
        for name, watched in self.monitor.servers.items():
            connection = self.connections[name]
            self.monitor.take(name, measured, at_s=now_s)
            if connection.processes is not None and not connection.measuring and watched.snapshot.connected:
                self._take_memory(name, connection.processes.measure(), now_s)

    def _attend(self, connection: Connection, watched: Watched, now_s: float) -> None:
        """Run all checks of a server that are due."""
        connection.follow(self.settings.rediscover, watched.snapshot, now_s=now_s)
        connection.note_sleep()
        if queries.heartbeat_failed(watched.snapshot):
            connection.stream.reconnect(Fault(FaultKind.TIMEOUT))
        if watched.snapshot.connected and connection.processes is not None and not connection.measuring:
            found = connection.find_processes(watched.snapshot, now_s=now_s)
            seen = None if found else connection.look(watched.snapshot, now_s=now_s)
            if seen is not None:
                self.monitor.take(watched.name, seen, at_s=now_s)
        connection.learn(watched.snapshot)
        connection.look_at_service(watched.snapshot, now_s=now_s)
        if self.explain is not None:
            connection.look_for_cause(self.explain, watched.snapshot, now_s=now_s)
        if self.notifier is not None:
            self.notifier.look(watched.name, watched.snapshot, now_s=now_s)

    def _move(self, server: str, moved: Moved) -> None:
        """Watch a server at its new address; switching to TLS requires a restart (without_tls.py)."""
        watched = self.monitor.servers[server]
        same_scheme = moved.url is not None and moved.url.split(":")[0] == watched.url.split(":")[0]
        others = [one.url for one in self.monitor.servers.values()]  # including its own: it hasn't moved
        if moved.url is None or not same_scheme or moved.url in others or watched.snapshot.connected:
            return
        self.monitor.move(server, moved.url)
        self.connections[server].move(moved.url)

    def _take_memory(self, server: str, measured: MemoryMeasured, at_s: float) -> None:
        connection, watched = self.connections[server], self.monitor.servers[server]
        self.monitor.take(server, connection.measured(measured, watched.snapshot), at_s=at_s)
        connection.note_gone(measured, watched.snapshot)


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"
