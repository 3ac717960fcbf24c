"""The table of benchmark figures: as text, as JSON, compared with an earlier run, and as docs/performance.md."""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

PAGE_HEAD = """# Performance: every figure, and how it was measured

    python3 build.py bench                       this table, about ten minutes
    python3 build.py bench NAME …                some of its groups, by their names below
    python3 build.py bench --json > before.json  and later: python3 build.py bench --compare before.json
    python3 build.py bench --page                measures, and writes this page and performance.json next to it;
                                                 with names, only those groups are measured

Every figure is measured with the built `llamabar.pyz`, run as SwiftBar runs it, over real sockets, against the built-in
llama-swap. The last columns are for a simple plugin in the same run on the same computer: `tools/reference_poller.py`,
60 lines that poll every second and print everything, in one process that is never restarted. So the ratios hold on any
computer; the absolute figures are for this one: {machine}.

CPU is in percent of one core. A wake-up is a voluntary context switch of any thread in the process (/proc, Linux).
"News" is the time from writing an event to the server's socket until the frame that shows it is read from the plugin.
When the last run ended, all programs together demanded {wanted:g} times the available CPU. Above 1, times in ms and s
are too high by that factor; CPU, wake-ups and counts are not.
"""


def counted(count: float, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count:g} {noun}{'s' * (count != 1)}"


PROMISES = {  # the highest figure allowed, and what causes more
    "idle: wake-ups": (2.0, "queries and ticks"),
    "news: from the event to its frame, p95 of 20": (100.0, "a frame printed just before"),
    "active: printed": (10.0, "requests that begin and end are shown at once"),
    "flood: 1 MB/s of log, 1,000 bytes a write": (4.0, "framing"),
    "flood: 1 MB/s of log, a line a write": (4.0, "reading thousands of small packets"),
    "growth: 1000 models loaded, one generating": (5.0, "taking in what moved, and one menu at a time"),
    "growth: 500 requests in flight, 200 events a second": (5.0, "decoding and taking in each event"),
    "growth: 20 servers, one generating on each": (5.0, "twenty streams, and whose processes theirs are"),
    "frame: 4 models, 4 loaded, 1 generating: its size": (6000.0, "charts"),
    "frame: 50 models, 4 loaded, 1 generating: its size": (12000.0, "the names of models"),
    "history: the file": (150.0, "rows"),
    "history: a month's sums and percentiles by day": (100.0, "unpacking 300 days of models"),
    "history: a month's by model, with the trend": (100.0, "adding 300 days of models up"),
    "history: a burst of 1,000 rows, with its commit": (50.0, "adding each row up, then SQLite"),
    "history: start-up: what the loop waits for": (3.0, "a thread"),
    "history: RSS after 1,000 more rows: its own": (1.5, "Python's module for SQLite, and its cache"),
    "export: 20 servers of 10 models: a scrape, gzip": (200.0, "histograms"),
    "export: 20 servers of 10 models: a scrape": (200.0, "histograms; Prometheus asks for gzip"),
    "export: 20 servers of 10 models, 2 of them used: a scrape": (200.0, "histograms; Prometheus asks for gzip"),
    "export: 20 servers of 10 models: a scrape, gzip: time": (30.0, "8,600 lines"),
    "export: 20 servers: memory (RSS)": (40.0, "what is known of 200 models"),
    "export: 20 servers, 1,000 finished requests of each: memory (RSS)": (40.0, "rows, while they are counted"),
    "export: 20 servers: idle CPU of each, not scraped": (0.1, "queries"),
}


class Row(NamedTuple):
    """One figure. `poller` is the simple plugin's; `value` is None if it couldn't be measured here."""

    group: str
    what: str
    value: Optional[float]
    unit: str
    poller: Optional[float] = None

    @property
    def id(self) -> str:
        """Return the key that identifies the row in another run."""
        return f"{self.group}: {self.what}"


def machine() -> str:
    """Return the machine the figures were taken on, without any names."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"


def document(rows: Iterable[Row]) -> Dict[str, Any]:
    """Return a run as JSON. `wanted_ratio` is the load of all programs per processor at its end; 1 is full."""
    wanted_ratio = round(os.getloadavg()[0] / (os.cpu_count() or 1), 1)
    return {
        "llamabar_json": 1, "machine": machine(), "wanted_ratio": wanted_ratio, "rows": [row._asdict() for row in rows],
    }  # fmt: skip


def load(path: Path) -> List[Row]:
    """Return the rows of an earlier run."""
    return [Row(**one) for one in json.loads(path.read_text("utf-8"))["rows"]]


def merged(before: List[Row], anew: List[Row]) -> List[Row]:
    """Return an earlier run's rows, with the newly measured groups replaced."""
    measured = {row.group for row in anew}
    groups = dict.fromkeys(row.group for row in (*before, *anew))
    return [row for group in groups for row in (anew if group in measured else before) if row.group == group]


def line(row: Row, before: Optional[Row] = None) -> str:
    """Return a row as text, with the earlier figure."""
    shown = f"{row.group:<9} {row.what:<58} {number(row.value):>10} {row.unit:<14}"
    if row.poller is not None:
        shown += f" poller {number(row.poller)}{ratio(row)}"
    if before is not None and before.value is not None and row.value is not None:
        change = f" ({(row.value / before.value - 1) * 100:+.0f} %)" if before.value else ""
        shown += f" before {number(before.value)}{change}"
    return shown.rstrip()


def write(folder: Path, said: Dict[str, Any]) -> None:
    """Write the page, and the run that it is made from."""
    (folder / "performance.json").write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", "utf-8")
    (folder / "performance.md").write_text(page(said), "utf-8")


def page(said: Dict[str, Any]) -> str:
    """Return docs/performance.md for a run."""
    rows = [Row(**one) for one in said["rows"]]
    lines = [PAGE_HEAD.format(machine=said["machine"], wanted=said["wanted_ratio"])]
    lines += ["## What was promised\n", "| what | at most | figure | kept |", "|---|---|---|---|"]
    for row in (row for row in rows if row.id in PROMISES and row.value is not None):
        most, why = PROMISES[row.id]
        kept = "yes" if row.value <= most else f"no: {row.value / most:.3g} times as much ({why})"
        lines.append(f"| {row.id} | {number(most)} {row.unit} | {number(row.value)} | {kept} |")
    lines.append("")
    for group in dict.fromkeys(row.group for row in rows):
        lines += [f"## {group[0].upper()}{group[1:]}\n", "| what | figure | unit | simple plugin | ratio |"]
        lines.append("|---|---|---|---|---|")
        for row in (row for row in rows if row.group == group):
            poller = "" if row.poller is None else number(row.poller)
            lines.append(f"| {row.what} | {number(row.value)} | {row.unit} | {poller} | {ratio(row).strip(' ()')} |")
        lines.append("")
    return "\n".join(lines)


def number(value: Optional[float]) -> str:
    """Return a figure with three significant digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def ratio(row: Row) -> str:
    """Return how many times as much the simple plugin needs; "" if unknown."""
    return f" ({row.poller / row.value:.3g} x)" if row.poller is not None and row.value else ""
