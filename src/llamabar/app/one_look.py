"""Read every server's state once: connect, send the one-time queries, wait for the answers, and disconnect."""

import os
import threading
from typing import Mapping, Optional

from llamabar.app.loop import Watch
from llamabar.app.monitor import Watched
from llamabar.core import queries
from llamabar.core.events import Fault, FaultKind, StreamLost
from llamabar.core.phases import Phase, phases
from llamabar.core.queries import Kind, Kinds
from llamabar.core.readings import generation
from llamabar.core.state import READY, at_work
from llamabar.core.totals import Totals
from llamabar.settings.load import Settings
from llamabar.sources import clock, host
from llamabar.sources.rarely import PRESSURE
from llamabar.store.known_servers import KnownServers

LONGEST_S = 4.0
SERVICE_S = 1.5
HISTORY_S = 1.0
PRESSURE_S = 0.2  # its program takes a few milliseconds
LULL_S = 0.01  # somebody is waiting for this
SPEED_S = 2.6  # two readings of the slots, a second apart


def look(
    settings: Settings, *, longest_s: float = LONGEST_S, services: bool = False,
    behind: Optional[Mapping[str, str]] = None, unwanted: Kinds = frozenset(),
) -> Watch:  # fmt: skip
    """Return a watch that has read each server once and is closed; its monitor holds the result.

    `unwanted`: probes whose answers aren't needed; they are sent only to find out what the server supports. `services`:
    also wait for the services of servers that are connected; for others that is always done. `behind`: the environment
    whose stored history the totals continue.
    """
    watch = Watch(settings, lambda *_: None, known=KnownServers(os.environ), unwanted=unwanted)
    look_with(watch, longest_s=longest_s, services=services)
    if behind is not None:
        reading = threading.Thread(target=_recall, args=(watch, behind), daemon=True)  # a disk may hang
        reading.start()
        reading.join(HISTORY_S)
    return watch


def look_with(watch: Watch, *, longest_s: float = LONGEST_S, services: bool = False) -> None:
    """Let a watch read each server once, then close it."""
    watch.lull_s = LULL_S
    for connection in watch.connections.values():
        connection.hurries = True
    began_s = clock.now_s()
    watch.start()
    alarm = threading.Timer(longest_s, watch.inbox.wake)  # if nothing arrives, the loop would sleep for longer
    alarm.daemon = True
    alarm.start()
    watch.loop(until=lambda now_s: _is_complete(watch, now_s - began_s, services) or now_s - began_s >= longest_s)
    alarm.cancel()
    for name, watched in watch.monitor.servers.items():
        if not watched.snapshot.connected and watched.snapshot.fault is None:
            watch.monitor.take(name, StreamLost(Fault(FaultKind.TIMEOUT)), at_s=clock.now_s())
    PRESSURE.wait(PRESSURE_S)
    measured = host.measure(every_s=longest_s)  # the difference from the first measurement, at the start
    for name in watch.monitor.servers:
        watch.monitor.take(name, measured, at_s=clock.now_s())


def _recall(watch: Watch, environment: Mapping[str, str]) -> None:
    """Load the history: what is stored, and of the rows seen now, those that aren't."""
    from llamabar.store import reports  # it returns None for any error

    monitor, day = watch.monitor, watch.monitor.today
    for name, watched in monitor.servers.items():
        named = "" if name in watch.settings.only_here else name
        found = reports.look(environment, named, watched.url, day=day, rows=watched.snapshot.rows)
        if found is not None and monitor.day_of is not None:
            watched.totals = Totals()
            watched.totals.take(found.told)
            watched.totals.add(found.new, monitor.day_of, until=monitor.tomorrow)
            for chart in found.charts:
                monitor.recall(name, chart, now_s=clock.now_s(), unix_s=clock.unix_s())


def _is_complete(watch: Watch, passed_s: float, services: bool) -> bool:
    for name, connection in watch.connections.items():
        snapshot = watch.monitor.servers[name].snapshot
        wanted = (services or not snapshot.connected) and not connection.service_looked and passed_s < SERVICE_S
        if connection.measuring or wanted or connection.lacks_a_look(snapshot, now_s=clock.now_s()):
            return False
    return all(_known(watched, passed_s, watch.unwanted) for watched in watch.monitor.servers.values())


def _known(watched: Watched, passed_s: float, unwanted: Kinds) -> bool:
    snapshot, log = watched.snapshot, watched.log
    if not snapshot.connected:
        fault = snapshot.fault
        return fault is not None and not (snapshot.connections and fault.kind is FaultKind.CLOSED)  # by a reload
    open_queries = [query for at_s, query in queries.schedule(snapshot, log, unwanted=unwanted) if at_s == 0.0]
    pending = any(log.is_pending(kind) for kind in (*queries.PROBES, Kind.RUNNING))
    if snapshot.table_is_new or open_queries or pending:
        return False
    ready = [model for model in snapshot.models.values() if model.state == READY]
    if any(not model.running_read for model in ready):
        return False
    counting = (at_work(model) and not model.slots_closed and model.server_url for model in ready)
    writing = Phase.GENERATING in phases(snapshot).values() or any(counting)
    unknown = all(generation(snapshot, model, now_s=clock.now_s()) is None for model in ready)
    return not (writing and unknown and passed_s < SPEED_S)
