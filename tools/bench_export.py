"""Costs of the exporter: time and size of a scrape with many servers, idle CPU per number of servers, memory."""

import contextlib
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import psutil

from llamabar.demo.dialect import DemoModel
from llamabar.demo.load import ask
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World, free_port, stamp
from tools.bench_programs import PYZ
from tools.bench_rows import Row, counted

MODELS = tuple(DemoModel(f"model-{number}-30b", stays=True, load_s=0.2) for number in range(10))
ROWS = 10  # finished requests per model
FLEETS = (1, 20, 50)
MANY, MANY_ROWS = 20, 100  # as many rows as a llama-swap keeps
USED = 2  # of a server's models, in most fleets
SCRAPED = 20
SETTLED_S, IDLE_S = 12.0, 40.0


def export() -> Iterator[Row]:
    """Scrape fleets with ten models per server, each with finished requests, and measure the idle cost."""
    for count in FLEETS:
        named = counted(count, "server")
        with _fleet(count) as (_, process, url):
            yield from _scrapes(f"{named} of {len(MODELS)} models", url)
            before, began_s = sum(process.cpu_times()[:2]), time.monotonic()
            time.sleep(IDLE_S)
            percent = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began_s) * 100
            yield Row("export", f"{named}: idle CPU of each, not scraped", percent / count, "% of a core")
            yield Row("export", f"{named}: memory (RSS)", process.memory_info().rss / 2**20, "MiB")
    with _fleet(MANY, used=USED) as (servers, _, url):
        with ThreadPoolExecutor(MANY) as callers:
            list(callers.map(_use, servers))
        time.sleep(SETTLED_S)
        yield from _scrapes(f"{counted(MANY, 'server')} of {len(MODELS)} models, {USED} of them used", url)
    with _fleet(MANY, rows=MANY_ROWS) as (_, process, url):
        list(_scrapes("", url))
        what = f"{counted(MANY, 'server')}, {MANY_ROWS * len(MODELS):,} finished requests of each: memory (RSS)"
        yield Row("export", what, process.memory_info().rss / 2**20, "MiB")


def _scrapes(fleet: str, url: str) -> Iterator[Row]:
    times_ms: Dict[str, List[float]] = {"": [], "gzip": []}
    text = b""
    for coding, taken in times_ms.items():
        for _ in range(SCRAPED):
            time.sleep(0.25)  # otherwise the previous page is served again
            request = urllib.request.Request(url, headers={"Accept-Encoding": coding})
            began_s = time.perf_counter()
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
            taken.append((time.perf_counter() - began_s) * 1e3)
    plain = gzip.decompress(text)
    yield Row("export", f"{fleet}: lines of a scrape", float(plain.count(b"\n")), "lines")
    for (coding, taken), size in zip(times_ms.items(), (len(plain), len(text))):
        what = f"{fleet}: a scrape{', gzip' * bool(coding)}"
        yield Row("export", what, size / 1000, "kB")
        yield Row("export", f"{what}: time", statistics.median(taken[1:]), "ms")
        yield Row("export", f"{what}: time of the first", taken[0], "ms")


@contextlib.contextmanager
def _fleet(
    count: int, *, rows: int = ROWS, used: int = len(MODELS)
) -> Iterator[Tuple[List[DemoServer], psutil.Process, str]]:
    """Run servers in this process, and the built file's exporter watching all of them."""
    servers = [DemoServer(_world(rows, used)).start() for _ in range(count)]
    with tempfile.TemporaryDirectory() as home:
        file, at = Path(home) / "config.toml", free_port()
        named = (f'[[server]]\nname = "server-{number}"\nurl = "{one.url}"\n' for number, one in enumerate(servers))
        file.write_text("".join(named), "utf-8")
        words = [str(PYZ), "export", "--config", str(file), "--listen", f"127.0.0.1:{at}"]
        environment = {**os.environ, "HOME": home, "LLAMABAR_PYTHON": sys.executable, "LLAMABAR_DATA_DIR": home}
        subprocess.run([str(PYZ), "--version"], env=environment, stdout=subprocess.DEVNULL, check=True)  # compiles it
        exporter = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{at}/metrics"
            _wait(url, b"llamabar_requests_total", count * used * 2)
            time.sleep(SETTLED_S)
            yield servers, psutil.Process(exporter.pid), url
        finally:
            exporter.terminate()
            exporter.wait()
            for server in servers:
                server.stop()


def _use(server: DemoServer) -> None:
    """Load the used models, one after another, for a request each."""
    for model in MODELS[:USED]:
        ask(server.url[len("http://") :], model.id, 20, 10)


def _world(rows: int, used: int) -> World:
    world = World("v250", MODELS)
    for number in range(rows * used):
        speed = 20.0 + number % 37
        tokens = {"cache_tokens": 100, "input_tokens": 200, "output_tokens": 150, "prompt_per_second": 700.0 + number}
        world.rows.append({
            "id": number + 1, "timestamp": stamp(), "model": MODELS[number % used].id,
            "req_path": "/v1/chat/completions", "resp_content_type": "application/json", "resp_status_code": 200,
            "tokens": {**tokens, "tokens_per_second": speed}, "duration_ms": 4000 + number * 50, "has_capture": True,
        })  # fmt: skip
    return world


def _wait(url: str, name: bytes, lines: int) -> None:
    """Wait until every server's rows have been read."""
    ends_s = time.monotonic() + 120
    while time.monotonic() < ends_s:
        try:
            with urllib.request.urlopen(url) as answer:
                if sum(line.startswith(name) for line in answer.read().split(b"\n")) >= lines:
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"the exporter has no {lines} lines of {name.decode()}")
