"""How the cost of watching grows with models, active requests, log bytes and servers."""

import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import psutil

from llamabar.core import decode
from llamabar.core import events as ev
from llamabar.core.snapshot import apply
from llamabar.core.sse import EventSplitter
from llamabar.core.state import Snapshot
from llamabar.demo.dialect import DemoModel
from llamabar.demo.world import World, frame
from llamabar.sources.chunked import Dechunker
from llamabar.sources.client import READ_BYTES
from tools.bench_load import request
from tools.bench_programs import Plugin, Swap
from tools.bench_rows import Row, counted
from tools.bench_watching import wakeups

MEASURED_S, SETTLE_S = 8.0, 4.0
SETTLE_EACH_S = 0.5  # each server is first searched for among this computer's processes
MODELS, REQUESTS, SERVERS, LOG_MB = (1, 10, 50, 200, 1000), (1, 10, 100, 500), (1, 5, 20), (0.5, 1, 2, 4)
UPSERTS_A_SECOND = 4.0  # per request, as llama-swap sends them
MOST_UPSERTS = 200.0
FLOODED_MODELS = 50
LINE_BYTES, WRITE_BYTES, PROFILED_MB = 120, 1000, 1
EVENTS = 20_000


def growth() -> Iterator[Row]:
    """Measure the plugin's CPU by number of models, requests and servers."""
    for count in MODELS:
        what = f"{counted(count, 'model')} loaded, one generating"
        yield Row("growth", what, _busy(count, requests=1), "% of a core")
    for count in REQUESTS:
        rate = min(UPSERTS_A_SECOND * count, MOST_UPSERTS)
        what = f"{counted(count, 'request')} in flight, {rate:g} events a second"
        yield Row("growth", what, _busy(4, requests=count), "% of a core")
    for count in SERVERS:
        what = f"{counted(count, 'server')}, one generating on each"
        yield Row("growth", what, _busy(4, requests=1, servers=count), "% of a core")


def flood() -> Iterator[Row]:
    """Measure the plugin's CPU under logs, with 50 idle models, and its highest throughput."""
    swap = Swap(models=tuple(DemoModel(f"m{n}", stays=True) for n in range(FLOODED_MODELS)))
    with swap as (server, world), Plugin(server.url) as plugin:
        _load(world, 4)
        time.sleep(SETTLE_S)
        for bytes_each, how in ((WRITE_BYTES, "1,000 bytes a write"), (LINE_BYTES, "a line a write")):
            for mb in LOG_MB:
                began, woken = _cpu_s(plugin), wakeups(plugin.pid)
                took_s, sent = _write_logs(world, mb * 1e6, bytes_each)
                if sent < 0.95 * mb * 1e6 * took_s:
                    continue  # the demo llama-swap can't write as fast
                cpu, woken = (_cpu_s(plugin) - began) / took_s * 100, wakeups(plugin.pid) - woken
                yield Row("flood", f"{mb:g} MB/s of log, {how}", cpu, "% of a core")
                yield Row("flood", f"{mb:g} MB/s of log, {how}: wake-ups", woken / took_s, "a second")
                if mb == PROFILED_MB:
                    yield from _profile(f"{mb:g} MB/s of log, {how}", _logs(bytes_each), cpu=cpu)
    yield Row("flood", "events decoded and applied", _events_a_second(), "a second")


def _busy(models: int, *, requests: int, servers: int = 1) -> Optional[float]:
    """Return the CPU, in percent, while requests generate."""
    with contextlib.ExitStack() as stack:
        named = tuple(DemoModel(f"m{n}", stays=True) for n in range(models))
        waiting = [request(number) for number in range(requests)]
        found = [stack.enter_context(Swap(models=named)) for _ in range(servers)]
        plugin = stack.enter_context(Plugin(*_settings(stack, [server.url for server, _ in found])))
        for _, world in found:
            _load(world, models)
            world.publish("inflight", {"operation": "snapshot", "requests": waiting})  # their start counts as news
        time.sleep(SETTLE_S + SETTLE_EACH_S * servers)
        began = _cpu_s(plugin)
        took_s = _upserts([world for _, world in found], waiting)
        return (_cpu_s(plugin) - began) / took_s * 100


def _settings(stack: contextlib.ExitStack, urls: List[str]) -> "tuple[str, str]":
    """Return the URL of one server, or a settings file for several."""
    if len(urls) == 1:
        return urls[0], ""
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "config.toml"
    path.write_text("".join(f'[[server]]\nname = "s{n}"\nurl = "{url}"\n' for n, url in enumerate(urls)))
    return "", str(path)


def _load(world: World, count: int) -> None:
    for process in list(world.processes.values())[:count]:
        process.state, process.last_use_s = "ready", time.monotonic()
    world.publish("modelStatus", world.status())


def _upserts(worlds: List[World], waiting: List[Dict[str, Any]]) -> float:
    """Let requests generate for a while; return for how long."""
    began_s, sent = time.monotonic(), 0
    rate = min(UPSERTS_A_SECOND * len(waiting), MOST_UPSERTS)
    while time.monotonic() - began_s < MEASURED_S:
        while sent < (time.monotonic() - began_s) * rate:
            one = waiting[sent % len(waiting)]
            one.update(resp_bytes=one["resp_bytes"] + 500, elapsed_ms=int((time.monotonic() - began_s) * 1000))
            for world in worlds:
                world.publish("inflight", {"operation": "upsert", "request": one})
            sent += 1
        time.sleep(0.005)
    return time.monotonic() - began_s


def _write_logs(world: World, rate: float, bytes_each: int) -> "tuple[float, int]":
    """Write log lines at a rate; return for how long, and how many bytes the plugin's connection accepted."""
    piece, began_s, sent, taken = _logs(bytes_each), time.monotonic(), 0, 0
    while time.monotonic() - began_s < MEASURED_S:
        while sent < (time.monotonic() - began_s) * rate:
            sent += bytes_each
            for listener in world.listeners:
                if not listener.full():
                    listener.put_nowait(piece)
                    taken += bytes_each
        time.sleep(0.002)
    return time.monotonic() - began_s, taken


def _logs(bytes_each: int) -> bytes:
    """Return an event with `bytes_each` bytes of log."""
    lines = ("x" * (LINE_BYTES - 1) + "\n") * (bytes_each // LINE_BYTES + 1)
    return frame("logData", {"data": lines[:bytes_each], "source": "upstream"})


def _profile(what: str, piece: bytes, *, cpu: float) -> Iterator[Row]:
    """Measure each step alone, on the same bytes as they arrive from a socket."""
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    raw = chunk * int(PROFILED_MB * 1e6 // len(piece))
    dechunker, splitter = Dechunker(), EventSplitter()
    began_s = time.process_time()
    plain = [dechunker.feed(raw[at : at + READ_BYTES]) for at in range(0, len(raw), READ_BYTES)]
    dechunked_s = time.process_time()
    for one in plain:
        splitter.feed(one)
    steps = {"the chunked coding": dechunked_s - began_s, "finding the events": time.process_time() - dechunked_s}
    for step, spent_s in steps.items():
        yield Row("flood", f"{what}: of it {step}", spent_s * 100, "% of a core")
    rest = cpu - sum(steps.values()) * 100
    yield Row("flood", f"{what}: of it reading, locks and wake-ups", max(0.0, rest), "% of a core")


def _events_a_second() -> float:
    """Return how many in-flight events per second one core can split, decode and apply."""
    upsert = json.dumps({"operation": "upsert", "request": request(0)})
    raw = b"event:message\ndata:" + json.dumps({"type": "inflight", "data": upsert}).encode() + b"\n\n"
    snapshot = apply(apply(Snapshot(), ev.StreamOpened(), 0.0), ev.ModelsListed((ev.ModelInfo("m0", "ready"),)), 0.0)
    splitter, began_s = EventSplitter(), time.process_time()
    for at in range(EVENTS // 50):
        for number, payload in enumerate(splitter.feed(raw * 50)):
            event = decode.decode_event(payload)
            assert event is not None
            snapshot = apply(snapshot, event, (at * 50 + number) / UPSERTS_A_SECOND)
    return EVENTS / (time.process_time() - began_s)


def _cpu_s(plugin: Plugin) -> float:
    return sum(psutil.Process(plugin.pid).cpu_times()[:2])

