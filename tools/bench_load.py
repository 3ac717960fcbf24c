"""Costs of watching: the plugin's CPU under load, and what it requests from a server and causes in its log."""

import json
import re
import time
from collections import Counter
from typing import Any, Dict, Iterator, List, Tuple

import psutil

from llamabar.core import decode
from llamabar.core import events as ev
from llamabar.core.snapshot import apply
from llamabar.core.state import Snapshot
from llamabar.demo.dialect import DIALECTS, DemoModel
from llamabar.demo.load import ask
from llamabar.demo.world import World
from tools.bench_programs import Plugin, Swap
from tools.bench_rows import Row, counted

COUNTS = (1, 10, 50, 200)
RATES = (1, 100, 1000)
IN_FLIGHT = 25
LOADED = 4
MEASURED_S = 6.0
IDLE_S = 20.0
BEGINNING_S = 5.0
FINISHED = 20
OURS = "llamabar/"


def load() -> Iterator[Row]:
    """Measure CPU with many models and many events per second, and of decoding alone."""
    for count in COUNTS:
        for rate in RATES:
            with _busy(count) as (world, plugin):
                cpu_percent = _cpu_percent(world, plugin, rate)
                yield Row("load", f"{counted(count, 'model')}, {rate} events a second", cpu_percent, "% of a core")
    for count in COUNTS:
        listed = [{"id": f"m{n}", "state": "ready", "name": "", "description": ""} for n in range(count)]
        took_us = _per_event_us("modelStatus", listed)
        yield Row("load", f"decode and apply a table of {counted(count, 'model')}", took_us, "µs")
    upsert = {"operation": "upsert", "request": request(0)}
    yield Row("load", "decode and apply an in-flight event", _per_event_us("inflight", upsert), "µs")


def quiet() -> Iterator[Row]:
    """Count the log lines and requests that watching causes, idle and for finished requests, in every dialect."""
    for dialect in DIALECTS:
        with Swap(dialect) as (server, world), Plugin(server.url) as plugin:
            plugin.wait("no model loaded")
            ask(server.url[7:], "fast-1b", 10, 5)
            plugin.wait("fast-1b: ready")
            time.sleep(BEGINNING_S)
            lines, asked = _lines(world), len(server.requests)
            time.sleep(IDLE_S)
            yield Row("quiet", f"{dialect}: log lines, idle", (_lines(world) - lines) * 60 / IDLE_S, "a minute")
            yield from _routes(f"{dialect}: idle", server.requests[asked:], IDLE_S)
            lines, asked, began_s = _lines(world), len(server.requests), time.monotonic()
            for _ in range(FINISHED):
                ask(server.url[7:], "fast-1b", 150, 5)
            time.sleep(2.0)
            each = (_lines(world) - lines) / FINISHED
            yield Row("quiet", f"{dialect}: log lines of {FINISHED} requests one by one", each, "a request")
            busy = [request for request in server.requests[asked:] if not request[1].startswith("/v1/")]
            yield from _routes(f"{dialect}: one by one", busy, time.monotonic() - began_s)


class _busy:
    """A server with many models, four of them loaded, and a plugin that watches it."""

    def __init__(self, count: int) -> None:
        self._swap = Swap(models=tuple(DemoModel(f"m{n}", stays=True) for n in range(count)))

    def __enter__(self) -> Tuple[World, Plugin]:
        server, world = self._swap.__enter__()
        self._plugin = Plugin(server.url).__enter__()
        self._plugin.wait("no model loaded")
        for process in list(world.processes.values())[:LOADED]:
            process.state = "ready"
        world.publish("modelStatus", world.status())
        self._plugin.wait("m0: ready")
        time.sleep(1.5)
        return world, self._plugin

    def __exit__(self, *_: object) -> None:
        self._plugin.__exit__()
        self._swap.__exit__()


def _cpu_percent(world: World, plugin: Plugin, rate: int) -> float:
    process, sent = psutil.Process(plugin.pid), 0
    requests = [request(n) for n in range(min(IN_FLIGHT, rate))]
    before_s, began_s = sum(process.cpu_times()[:2]), time.monotonic()
    while time.monotonic() - began_s < MEASURED_S:
        while sent < (time.monotonic() - began_s) * rate:
            one = requests[sent % len(requests)]
            one.update(resp_bytes=one["resp_bytes"] + 500, elapsed_ms=int((time.monotonic() - began_s) * 1000))
            world.publish("inflight", {"operation": "upsert", "request": one})
            sent += 1
        time.sleep(0.001)
    return (sum(process.cpu_times()[:2]) - before_s) / (time.monotonic() - began_s) * 100


def request(number: int) -> Dict[str, Any]:
    """Return an active request as llama-swap reports it."""
    told = {"id": str(number + 1), "timestamp": "t", "model": "m0", "req_path": "/v1/chat/completions"}
    return {**told, "resp_headers": {"Content-Type": "text/event-stream"}, "resp_bytes": 0, "elapsed_ms": 0}


def _lines(world: World) -> int:
    return sum(OURS in line for line in world.logs["proxy"].splitlines())


def _routes(what: str, requests: List[Tuple[str, str]], seconds: float) -> Iterator[Row]:
    """Yield the requests per minute, by route."""
    shown = Counter(f"{method} {re.sub('no-model-.*', 'no-model-…', path.split('?')[0])}" for method, path in requests)
    for route, count in sorted(shown.items()) or [("requests", 0)]:
        yield Row("quiet", f"{what}, {route}", count * 60 / seconds, "a minute")


def _per_event_us(kind: str, data: object) -> float:
    payload = json.dumps({"type": kind, "data": json.dumps(data)}).encode()
    snapshot = apply(Snapshot(), ev.StreamOpened(), 0.0)
    snapshot = apply(snapshot, ev.ModelsListed((ev.ModelInfo("m0", "ready"),)), 0.0)
    began_s = time.perf_counter()
    for index in range(400):
        event = decode.decode_event(payload)
        assert event is not None
        snapshot = apply(snapshot, event, float(index))
    return (time.perf_counter() - began_s) / 400 * 1e6
