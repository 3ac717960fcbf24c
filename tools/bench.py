"""Measures what the program promises and prints figures, not verdicts. Every run is a real process on real sockets.

python3 build.py bench                    everything, one table (about ten minutes)
python3 build.py bench NAME …             some of: watching growth flood latency frame startup speed memory load quiet
                                          history export
python3 build.py bench --json             as JSON on stdout, the table on stderr
python3 build.py bench --compare FILE     compared with an earlier --json
python3 build.py bench --page             writes docs/performance.md and docs/performance.json; with names their groups
"""

import argparse
import json
import re
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "installer"), str(ROOT)]

from llamabar.core import events as ev  # noqa: E402
from llamabar.core.capabilities import Capability  # noqa: E402
from llamabar.core.history import History, Readings, record  # noqa: E402
from llamabar.core.snapshot import apply  # noqa: E402
from llamabar.core.state import Snapshot  # noqa: E402
from llamabar.core.status import Status  # noqa: E402
from llamabar.demo.load import ask  # noqa: E402
from llamabar.demo.server import DemoServer  # noqa: E402
from llamabar.demo.world import World  # noqa: E402
from llamabar.view import charts, words  # noqa: E402
from llamabar.view.compose import compose  # noqa: E402
from llamabar.view.scene import Scene, seen  # noqa: E402
from llamabar.view.swiftbar import Clicks, render  # noqa: E402
from tools import bench_rows  # noqa: E402
from tools.bench_export import export  # noqa: E402
from tools.bench_growth import flood, growth  # noqa: E402
from tools.bench_history import history  # noqa: E402
from tools.bench_load import load, quiet  # noqa: E402
from tools.bench_programs import MODELS, PYZ, Plugin, Swap  # noqa: E402
from tools.bench_rows import Row  # noqa: E402
from tools.bench_start import memory, startup  # noqa: E402
from tools.bench_watching import watching  # noqa: E402


def main(arguments: List[str]) -> int:
    """Run the named benchmarks, or all of them."""
    parser = argparse.ArgumentParser(prog="build.py bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="an earlier --json")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    before = {row.id: row for row in bench_rows.load(asked.compare)} if asked.compare else {}
    out = sys.stderr if asked.json else sys.stdout
    print(f"{bench_rows.machine()}, {PYZ.stat().st_size:,} bytes of llamabar.pyz", file=out)
    rows = []
    for name in asked.names or BENCHMARKS:
        for row in BENCHMARKS[name]():
            rows.append(row if isinstance(row, Row) else _row_of(name, *row))
            print(bench_rows.line(rows[-1], before.get(rows[-1].id)), file=out, flush=True)
    if asked.page and asked.names:
        rows = bench_rows.merged(bench_rows.load(ROOT / "docs" / "performance.json"), rows)
    said = bench_rows.document(rows)
    if asked.json:
        print(json.dumps(said, ensure_ascii=False, indent=1))
    if asked.page:
        bench_rows.write(ROOT / "docs", said)
    return 0


def _row_of(group: str, what: str, figures: str) -> Row:
    """Return the row for figures given as text. The last one counts: `12 ms median, 30 ms p95`."""
    value, unit = figures.rpartition(", ")[2].split(" ", 1)
    return Row(group, what, float(value.replace(",", "")), unit)


def frame() -> Iterator[Row]:
    """Build and render frames of different sizes, with every chart drawn again."""
    for count in (1, 4, 10, 50, 200):
        scenes = [_scene(count, shift) for shift in range(30)]
        sizes, times_ms = [], []
        for scene in scenes:
            charts.draw.cache_clear()
            began_s = time.perf_counter()
            sizes.append(len(render(compose(scene), Clicks())))
            times_ms.append((time.perf_counter() - began_s) * 1e3)
        loaded = min(4, count)
        what = f"{bench_rows.counted(count, 'model')}, {loaded} loaded, 1 generating"
        yield Row("frame", f"{what}: build and render", statistics.median(times_ms), "ms median")
        yield Row("frame", f"{what}: its size", max(sizes), "bytes")
    yield Row("frame", "in an hour of idling, five minutes after activity", _quiet_frames(), "frames")


def latency() -> Iterator[Tuple[str, str]]:
    """Measure the time from a state change on the socket until its frame is written."""
    with Swap() as (server, world), Plugin(server.url) as plugin:
        plugin.wait("no model loaded")
        waits_ms: List[float] = []
        process = world.processes["usual-30b"]
        for index in range(25):
            time.sleep(2.1 + index % 7 * 0.05)  # states that change more than once a second are shown with a delay
            process.state = "stopping" if process.state == "ready" else "ready"
            process.last_use_s = time.monotonic()  # otherwise its idle timer would end it at once
            status = Status.READY if process.state == "ready" else Status.STOPPING
            wanted = f"{words.SERVER}: {words.STATUS[status]}"
            began_s = time.monotonic()
            world.publish("modelStatus", world.status())
            waits_ms.append((plugin.wait(wanted, after_s=began_s) - began_s) * 1e3)
        process.state = "stopped"
        ordered = sorted(waits_ms)
        p95 = ordered[int(len(ordered) * 0.95)]
        yield (
            "state change at the socket to frame written",
            f"{statistics.median(ordered):.0f} ms median, {p95:.0f} ms p95",
        )


def speed() -> Iterator[Row]:
    """Compare displayed speeds with those the model server really has, from slots and from bytes alone."""
    for model, tokens in (("slow-70b", 60), ("usual-30b", 500), ("fast-1b", 2500)):
        with Swap() as (server, _), Plugin(server.url) as plugin:
            plugin.wait("no model loaded")
            yield from _compared(f"{model}: live, from /slots", *_errors(server, plugin, model, tokens))
    with Swap() as (server, _), Plugin(server.url) as plugin:
        plugin.wait("no model loaded")
        shown = _after_change(server, plugin, "usual-30b", 250.0)
        yield from _compared("usual-30b: from 40 to 250 tok/s in mid-request", shown, 250.0)
    with Swap() as (server, _), Plugin(server.url) as plugin:
        plugin.wait("no model loaded")
        ask(server.url[7:], "usual-30b", 200, 10)
        time.sleep(1.6)
        _close_slots(server.world)
        errors = _errors(server, plugin, "usual-30b", 500, mark="~")
        yield from _compared("usual-30b: ~, from bytes, calibrated by one request", *errors)


def _quiet_frames() -> int:
    """Play an hour of an idle menu with a fake clock; return how often it is printed."""
    from llamabar.app.monitor import Monitor, Watched

    monitor = Monitor({"s": Watched("s", "http://127.0.0.1:1")})
    running = ev.RunningListed((ev.RunningModel("m", "ready", "http://localhost:1", 7200.0),))
    models = ev.ModelsListed((ev.ModelInfo("m", "ready"),))
    for event in (
        ev.StreamOpened(),
        models,
        running,
        ev.InflightUpserted(ev.RequestInfo("1", "m")),
        ev.InflightRemoved("1"),
    ):
        monitor.take("s", event, at_s=0.0)
    now_s, frames = 400.0, 0
    while now_s < 4000.0:
        monitor.take("s", ev.HostMeasured(0.05 + now_s % 7 / 100, int(3e10 + now_s * 1e6), int(6.4e10)), at_s=now_s)
        monitor.tick(now_s=now_s)
        frames += monitor.frame(now_s=now_s) is not None
        now_s += 5.0
    return frames


def _scene(count: int, shift: int) -> Scene:
    models = ev.ModelsListed(
        tuple(ev.ModelInfo(f"model-{n:03}-30b-q4", "ready" if n < 4 else "stopped") for n in range(count))
    )
    snapshot = apply(Snapshot(), ev.StreamOpened(), 0.0)
    rows = tuple(
        ev.FinishedRequest(n, f"model-{n:03}-30b-q4", prompt_tokens=50, prompt_tps=600.0, generation_tps=41.0)
        for n in range(4)
    )
    said = (
        models,
        ev.RunningListed(tuple(ev.RunningModel(m.id, m.state, "http://localhost:1", 300.0) for m in models.models)),
        ev.CapabilitiesFound(confirmed=frozenset({Capability.UNLOAD_ONE, Capability.CANCEL})),
        ev.RequestsFinished(rows, total=4),
        ev.MemoryMeasured(10**7, {model.id: 18 * 10**9 for model in models.models[:4]}),
        ev.HostMeasured(0.1, 41 * 10**9, 64 * 10**9),
        ev.InflightUpserted(ev.RequestInfo("1", models.models[0].id, "/v1/chat/completions", "t", 1.0, 900, True)),
    )
    for event in said:
        snapshot = apply(snapshot, event, 1.0)
    history = History()
    for second in range(300):
        readings = Readings((second + shift) * 37 % 60, None, 1.0, 18e9 + second * 1e7, (second + shift) % 50 / 50)
        history = record(history, readings, now_s=float(second))
    return Scene((seen("llama-swap", "http://127.0.0.1:8080", snapshot, history, now_s=299.0),), now_s=299.0)


def _errors(server: DemoServer, plugin: Plugin, model: str, tokens: int, mark: str = "") -> Tuple[List[float], float]:
    """Stream one answer; return what each frame showed, and the demo model's real speed."""
    truth = next(one.tps for one in MODELS if one.id == model)
    thread = threading.Thread(target=ask, args=(server.url[7:], model, tokens, 10), daemon=True)
    began_s = time.monotonic()
    thread.start()
    thread.join()
    shown = _shown(plugin, model, began_s, time.monotonic(), mark)
    return (shown if mark else shown[1:]), truth


def _after_change(server: DemoServer, plugin: Plugin, model: str, truth: float) -> List[float]:
    """Return what is shown from three seconds after a change of speed."""
    began_s = time.monotonic()
    ask(server.url[7:], model, 240 + int(truth * 8), 10, demo={"tps": [40.0, truth], "switch_s": 6})
    ends_s = time.monotonic() - 0.5
    return _shown(plugin, model, began_s + 6 + 3, ends_s, "")


def _shown(plugin: Plugin, model: str, from_s: float, until_s: float, mark: str) -> List[float]:
    found = [
        re.search(rf"^{model}: {mark}([\d.]+) tok/s", text, re.MULTILINE)
        for at_s, text in plugin.frames
        if from_s < at_s < until_s
    ]
    return [float(one.group(1)) for one in found if one]


def _compared(what: str, shown: List[float], truth: float) -> Iterator[Row]:
    errors = sorted(abs(tps - truth) / truth * 100 for tps in shown)
    yield Row("speed", f"{what}: error", statistics.median(errors) if errors else None, "% median")
    yield Row("speed", f"{what}: error", errors[int(len(errors) * 0.95)] if errors else None, "% p95")


def _close_slots(world: World) -> None:
    """Make /running say that the model may sleep. Its slots are then left alone, and only bytes remain."""
    original = world.running

    def _running() -> List[Dict[str, object]]:
        return [{**entry, "cmd": f"{entry['cmd']} --sleep-idle-seconds 600"} for entry in original()]

    world.running = _running  # type: ignore[method-assign]
    world.hang_up()
    time.sleep(2.5)


BENCHMARKS: Dict[str, Callable[[], Iterator["Row | Tuple[str, str]"]]] = {
    "watching": watching, "growth": growth, "flood": flood, "latency": latency, "frame": frame, "startup": startup,
    "speed": speed, "memory": memory, "load": load, "quiet": quiet, "history": history, "export": export,
}  # fmt: skip

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
