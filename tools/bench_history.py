"""Costs of the history: a million rows, a burst of a thousand, a month's figures, and its writer's memory."""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Iterator, List, Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.totals import Rows
from llamabar.macos.paths import HISTORY_FILE
from llamabar.store import database as db
from llamabar.store import reports, schema
from llamabar.store.reports import Asked
from llamabar.view import history_page

ROWS, DAYS, MODELS, CLIENTS, BURST = int(os.environ.get("ROWS", 1_000_000)), 90, 10, 7, 1000
DAY_S = 86_400.0
URL = "http://127.0.0.1:8080"
START = """
import sys, time
def memory(): return [int(line.split()[1]) for line in open('/proc/self/status') if line[:7] in ('RssAnon', 'RssFile')]
from llamabar.app.loop import Watch
from llamabar.core.events import FinishedRequest
from llamabar.core.totals import Rows
from llamabar.settings.load import ServerSettings, Settings
from llamabar.store.history import HistoryStore
watch = Watch(Settings((ServerSettings('s', 'http://127.0.0.1:8080'),)), lambda *_: None)
known = [FinishedRequest(n, f'model-{n % 10}', time.time() + n - 1000, '/v1/chat/completions', 200, 99, 9, 99, 700.0,
         40.0, 4.0) for n in range(1000)]
before, began_s, cpu_s = memory(), time.perf_counter(), time.process_time()
store = watch.keep({'LLAMABAR_DATA_DIR': sys.argv[1]})
inline_s = time.perf_counter() - began_s
while not watch.inbox.take(): time.sleep(0.001)
cpu_s = time.process_time() - cpu_s
store.add(Rows('s', 'http://127.0.0.1:8080', tuple(known), number=1)); store.end(); store.finish(60.0)
print(inline_s, cpu_s, *(now - then for now, then in zip(memory(), before)))
"""


def burst(count: int, until_s: float, *, first_id: int = 1, step_s: float = 0.5) -> Iterator[FinishedRequest]:
    """Yield made-up rows; the last one ends at `until_s`."""
    chance = random.Random(first_id)
    for number in range(count):
        tps = 40.0 + number % MODELS * 5 + chance.gauss(0.0, 4.0)
        generated, prompt, prompt_tps = chance.randint(20, 900), chance.randint(50, 4000), chance.gauss(700.0, 60.0)
        seconds = generated / tps + prompt / prompt_tps + chance.expovariate(2.0)
        yield FinishedRequest(
            first_id + number, f"model-{number % MODELS}-30b", until_s - (count - number) * step_s,
            "/v1/chat/completions", 200, prompt, chance.randint(0, 9000), generated, prompt_tps, tps, seconds,
            client=f"client-{number % CLIENTS}",
        )  # fmt: skip


def fill(path: Path, count: int = ROWS, *, days: int = DAYS) -> None:
    """Make a database with made-up rows, spread evenly over the last `days` days."""
    step_s, now_s = days * DAY_S / count, time.time()
    with closing(schema.opened(path)) as database:
        for first in range(0, count, 10_000):
            rows = tuple(burst(10_000, now_s - (count - first - 10_000) * step_s, first_id=first + 1, step_s=step_s))
            with schema.transaction(database):
                db.add(database, Rows("s", URL, rows))


def history() -> Iterator[Tuple[str, str]]:
    """Fill a database and query it as a screen does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / HISTORY_FILE
        began_s = time.perf_counter()
        fill(path)
        yield f"fill with {ROWS:,} rows of {DAYS} days", f"{time.perf_counter() - began_s:.0f} s"
        yield "the file", f"{path.stat().st_size / 1e6:.0f} MB"
        with closing(schema.opened(path)) as database:
            rows = Rows("s", URL, tuple(burst(BURST, time.time(), first_id=2 * ROWS)))
            yield "a burst of 1,000 rows, with its commit", _ms(lambda: _add(database, rows), once=True)
            yield "a month's sums and percentiles by day", _ms(lambda: _screen(database, "day", days=30))
            yield "a month's by model, with the trend", _ms(lambda: _screen(database, "model", days=30))
            yield "a month's by client", _ms(lambda: _screen(database, "client", days=30))
            yield "two days by hour", _ms(lambda: _screen(database, "hour", days=2))
            yield "the menu's day", _ms(lambda: reports.told(database, place="", name="s", day=_day(0)))
        words, more = [sys.executable, "-c", START, folder], {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        found = [subprocess.run(words, capture_output=True, text=True, check=True, env=more) for _ in range(5)]
        inline_s, cpu_s, own, shared = (min(map(float, one)) for one in zip(*(run.stdout.split() for run in found)))
        yield "start-up: what the loop waits for", f"{inline_s * 1e3:.1f} ms"
        yield "start-up: CPU until the day is known, on its own thread", f"{cpu_s * 1e3:.1f} ms"
        yield "RSS after 1,000 more rows: its own", f"{own / 1024:.1f} MiB"
        yield "RSS after 1,000 more rows: SQLite's code, shared", f"{shared / 1024:.1f} MiB"


def _day(ago: int) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(time.time() - ago * DAY_S))


def _add(database: sqlite3.Connection, rows: Rows) -> None:
    with schema.transaction(database):
        db.add(database, rows)


def _screen(database: sqlite3.Connection, by: str, *, days: int) -> None:
    """Read what a screen shows, and work out each line's figures."""
    for line in reports.lines(database, by, Asked(since=_day(days - 1), figures=history_page.SPREADS)):
        history_page.figures(line.sums, complete=line.complete)


def _ms(work: "object", *, once: bool = False) -> str:
    times: List[float] = []
    for _ in range(1 if once else 5):
        began_s = time.perf_counter()
        work()  # type: ignore[operator]
        times.append((time.perf_counter() - began_s) * 1e3)
    return f"{min(times):.0f} ms"  # longer runs are due to other load
