"""Cost of watching, and delay of news, compared in the same run with a simple plugin that polls every second."""

import os
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import psutil

from llamabar.demo.load import ask
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World
from tools.bench_programs import Plugin, Swap
from tools.bench_rows import Row

IDLE_S, ACTIVE_S = 60.0, 60.0
CHANGES, LEAST_PAUSE_S, MOST_PAUSE_S = 20, 0.5, 2.0
OURS = ("llamabar/", "Python-urllib/")
TASKS = "/proc/{}/task"


class Cost(NamedTuple):
    """What a watching process used, extrapolated to a minute or an hour."""

    cpu_percent: float
    wakeups: Optional[float]  # per second; None if the system doesn't tell
    frames: float  # per hour
    mb: float  # printed per hour
    requests: float  # per minute
    log_lines: float  # per minute
    rss_mib: float


class Poller(Plugin):
    """The simple plugin."""

    def __init__(self, url: str) -> None:
        self._begin()
        words = [sys.executable, str(Path(__file__).with_name("reference_poller.py")), url]
        self._run(words, dict(os.environ))


class Meter:
    """Reads the usage of a process and its server, twice."""

    def __init__(self, plugin: Plugin, server: DemoServer) -> None:
        self._plugin, self._server = plugin, server
        self._process = psutil.Process(plugin.pid)
        self._before, self._began_s = self._read(), time.monotonic()

    def cost(self) -> Cost:
        """Return the usage since the start."""
        now, seconds = self._read(), time.monotonic() - self._began_s
        cpu, woken, frames, printed, requests, lines = (after - before for after, before in zip(now, self._before))
        wakeups = woken / seconds if os.path.isdir("/proc/self/task") else None
        rss = self._process.memory_info().rss / 2**20
        return Cost(
            cpu / seconds * 100, wakeups, frames / seconds * 3600, printed / seconds * 3600 / 1e6,
            requests / seconds * 60, lines / seconds * 60, rss,
        )  # fmt: skip

    def _read(self) -> Tuple[float, ...]:
        users = [path for method, path in self._server.requests if not path.startswith("/v1/chat")]
        log = sum(any(name in line for name in OURS) for line in self._server.world.logs["proxy"].splitlines())
        cpu_s = sum(self._process.cpu_times()[:4])  # including the programs it ran
        return cpu_s, wakeups(self._plugin.pid), len(self._plugin.frames), self._plugin.bytes, len(users), log


def wakeups(pid: int) -> int:
    """Return how often the threads of a process gave up the processor voluntarily; 0 if unknown."""
    found = 0
    folder = TASKS.format(pid)
    for task in os.listdir(folder) if os.path.isdir(folder) else ():
        try:
            status = Path(folder, task, "status").read_text()
        except OSError:
            continue
        found += int(status.split("voluntary_ctxt_switches:")[1].split()[0])
    return found


def watching() -> Iterator[Row]:
    """Measure the cost while idle and while one model answers, and the delay of news."""
    with Swap() as (one, world), Swap() as (other, others), Plugin(one.url) as plugin, Poller(other.url) as poller:
        for server in (one, other):
            ask(server.url[7:], "usual-30b", 5, 5)
        plugin.wait("usual-30b: ready")
        poller.wait("usual-30b: ready")
        time.sleep(8)
        for name, seconds, work in (("idle", IDLE_S, None), ("active", ACTIVE_S, _answering)):
            meters = [Meter(plugin, one), Meter(poller, other)]
            _meanwhile(work, [one, other], seconds)
            ours, theirs = (meter.cost() for meter in meters)
            yield from _rows(name, ours, theirs)
        yield from _news(plugin, world, poller, others)


def _answering(server: DemoServer, seconds: float) -> None:
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        ask(server.url[7:], "usual-30b", int(40 * min(10.0, ends_s - time.monotonic())) + 1, 20)


def _meanwhile(work: Optional[Callable[[DemoServer, float], None]], servers: List[DemoServer], seconds: float) -> None:
    if work is None:
        time.sleep(seconds)
        return
    threads = [threading.Thread(target=work, args=(server, seconds), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _rows(name: str, ours: Cost, theirs: Cost) -> Iterator[Row]:
    for what, label, unit in (
        ("cpu_percent", "CPU", "% of a core"), ("wakeups", "wake-ups", "a second"), ("frames", "frames", "an hour"),
        ("mb", "printed", "MB an hour"), ("requests", "requests", "a minute"),
        ("log_lines", "log lines it causes", "a minute"), ("rss_mib", "memory (RSS)", "MiB"),
    ):  # fmt: skip
        yield Row(name, label, getattr(ours, what), unit, getattr(theirs, what))


def _news(plugin: Plugin, world: World, poller: Plugin, others_world: World) -> Iterator[Row]:
    """Make twenty state changes in a row, half a second to two seconds apart."""
    mine = threading.Thread(target=lambda: waits.update(ours=_waits_ms(plugin, world)))
    waits: Dict[str, List[float]] = {}
    mine.start()
    waits["theirs"] = _waits_ms(poller, others_world)
    mine.join()
    for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        yield Row("news", f"from the event to its frame, {name} of {CHANGES}", _part(waits["ours"], part), "ms",
                  _part(waits["theirs"], part))  # fmt: skip


def _waits_ms(plugin: Plugin, world: World) -> List[float]:
    process, waits = world.processes["usual-30b"], []
    for number in range(CHANGES):
        time.sleep(LEAST_PAUSE_S + (MOST_PAUSE_S - LEAST_PAUSE_S) * (number * 7 % CHANGES) / CHANGES)
        process.state = "stopped" if process.state == "ready" else "ready"
        process.last_use_s = time.monotonic()
        began_s = time.monotonic()
        world.publish("modelStatus", world.status())
        shown_s = plugin.wait_until("usual-30b: ready", there=process.state == "ready", after_s=began_s)
        waits.append((shown_s - began_s) * 1e3)
    return waits


def _part(waits: List[float], part: float) -> float:
    ordered = sorted(waits)
    return statistics.median(ordered) if part == 0.5 else ordered[min(len(ordered) - 1, int(len(ordered) * part))]

