"""A month in minutes: the real plugin watches a demo llama-swap that lives through it. Nothing may grow.

    python3 build.py soak                   100,000 events (about five minutes)
    python3 build.py soak --events N --json
    python3 build.py soak --page             keeps the run in docs/soak.json, for docs/reliability.md

100,000 events include 200 lost connections, 50 restarts of llama-swap, 20 sleeps of the computer, 10,000 finished
requests dated over 30 days, and 60 models of which 12 are configured at a time. Memory (RSS), threads and descriptors
are sampled 20 times. After the first fifth, RSS may grow by 2 MiB, threads and descriptors not at all, and the history
by what each request needs. The last frame must be right.
"""

import argparse
import json
import random
import signal
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "installer"), str(ROOT)]

import psutil  # noqa: E402

from llamabar.demo.dialect import DemoModel, Process  # noqa: E402
from llamabar.demo.inflight import Entry  # noqa: E402
from llamabar.demo.server import DemoServer  # noqa: E402
from llamabar.demo.world import World, free_port  # noqa: E402

EVENTS, MONTH_S = 100_000, 30 * 86_400.0
RECONNECT_EVERY, RESTART_EVERY, SLEEP_EVERY, MODELS_EVERY = 500, 2000, 5000, 250
SLEPT_S = 0.4  # stopped, with its connections closed
SAMPLES, WARM_RATIO = 20, 0.2
MODELS, POOL = 12, 60
IN_FLIGHT = 6
MOST_WAITING = 300  # events queued per listener in the demo, which drops the rest
MOST_GROWTH_BYTES = 2 << 20
PATIENCE_S = 30.0
MIX = ("upsert",) * 60 + ("finish",) * 10 + ("begin",) * 10 + ("state",) * 8 + ("log",) * 12


class Sample(NamedTuple):
    """What the plugin uses after some number of events."""

    events: int
    rss_bytes: int
    threads: int
    descriptors: int
    file_bytes: int


class Soak:
    """A llama-swap on one port, what happens to it, and the process that watches it."""

    def __init__(self, pid: int, port: int, data: Path, *, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.plugin = psutil.Process(pid)
        self.port, self.data = port, data
        self.done, self.finished, self.samples = 0, 0, []  # type: int, int, List[Sample]
        self.rows: List[Dict[str, Any]] = []
        self.entries: List[Entry] = []
        self.server = self._started()
        self._do: Dict[str, Callable[[], None]] = {
            "upsert": self._upsert, "finish": self._finish, "begin": self._begin, "state": self._state,
            "log": self._log,
        }  # fmt: skip

    def live(self, events: int) -> None:
        """Let some number of events happen, along with everything that comes between."""
        every = max(1, events // SAMPLES)
        while self.done < events:
            self._do[self.chance.choice(MIX)]()
            self.done += 1
            for often, what in ((MODELS_EVERY, self._models), (RECONNECT_EVERY, self._reconnect),
                                (RESTART_EVERY, self._restart), (SLEEP_EVERY, self._sleep)):  # fmt: skip
                if self.done % often == 0:
                    what()
            if self.done % 20 == 0:
                self._let_it_drain()
            if self.done % every == 0:
                self.samples.append(self._sample())

    def end(self) -> List[str]:
        """End every request and load one model; return the rows that the last frame must have."""
        while self.entries:
            self._finish()
        for process in self.server.world.processes.values():
            process.state = "stopped"
        first = next(iter(self.server.world.processes))
        self.server.world.processes[first].state = "ready"
        self._tell_models()
        return [f"{first}: ready", "llama-swap: ready"]

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop()

    def _started(self) -> DemoServer:
        world = World("v250", self._chosen())
        world.rows = self.rows
        return DemoServer(world, self.port).start()

    def _chosen(self) -> Tuple[DemoModel, ...]:
        return tuple(DemoModel(f"model-{n}", stays=True) for n in sorted(self.chance.sample(range(POOL), MODELS)))

    def _models(self) -> None:
        """Switch to another configuration: other models, one of them loaded."""
        world = self.server.world
        models = self._chosen()
        world.processes = {model.id: Process(model, 1) for model in models}
        world.models = models
        world.processes[models[0].id].state = "ready"
        self._tell_models()

    def _tell_models(self) -> None:
        self.server.world.publish("modelStatus", self.server.world.status())

    def _model(self) -> str:
        return self.chance.choice(self.server.world.models).id

    def _state(self) -> None:
        process = self.server.world.processes[self._model()]
        process.state, process.last_use_s = self.chance.choice(("ready", "starting", "stopped")), time.monotonic()
        self._tell_models()

    def _begin(self) -> None:
        if len(self.entries) < IN_FLIGHT:
            path = self.chance.choice(("/v1/chat/completions", "/v1/embeddings", "/v1/completions"))
            self.entries.append(self.server.inflight.add(self._model(), path, {}))

    def _upsert(self) -> None:
        if not self.entries:
            return self._begin()
        entry = self.chance.choice(self.entries)
        entry.body["resp_bytes"] += self.chance.randrange(2000)
        entry.body["resp_headers"] = {"Content-Type": "text/event-stream"}
        return self.server.world.publish("inflight", {"operation": "upsert", "request": entry.as_json()})

    def _finish(self) -> None:
        if not self.entries:
            return
        entry = self.entries.pop(0)
        self.server.inflight.remove(entry)
        self.finished += 1
        ended_s = time.time() - MONTH_S * (1 - min(1.0, self.done / EVENTS))
        stamp = datetime.fromtimestamp(ended_s, timezone.utc).isoformat()
        tokens = {"input_tokens": 50, "output_tokens": self.chance.randrange(900), "tokens_per_second": 40.0}
        self.rows.append({
            "id": len(self.rows) + 1, "timestamp": stamp, "model": entry.body["model"], "resp_status_code": 200,
            "req_path": "/v1/chat/completions", "tokens": tokens, "duration_ms": self.chance.randrange(30_000),
        })  # fmt: skip
        self.server.world.publish("activity", {"id": len(self.rows)})

    def _log(self) -> None:
        self.server.world.log("upstream", f"slot print_timing: {self.chance.random()}\n" * self.chance.randrange(1, 40))

    def _reconnect(self) -> None:
        self.server.world.hang_up()
        self._wait_for_listener()

    def _restart(self) -> None:
        self.server.stop()
        self.entries.clear()
        self.server = self._started()
        self._wait_for_listener()

    def _sleep(self) -> None:
        """Simulate the computer sleeping: nothing runs, and its connections are lost."""
        self.plugin.send_signal(signal.SIGSTOP)
        self.server.world.hang_up()
        time.sleep(SLEPT_S)
        self.plugin.send_signal(signal.SIGCONT)
        self._wait_for_listener()

    def _wait_for_listener(self) -> None:
        self._wait(lambda: bool(self.server.world.listeners))

    def _let_it_drain(self) -> None:
        waiting = self.server.world.listeners
        self._wait(lambda: all(one.qsize() < MOST_WAITING for one in list(waiting)))

    def _wait(self, is_so: Callable[[], bool]) -> None:
        ends_s = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > ends_s or not self.plugin.is_running():
                raise SystemExit(f"after {self.done:,} events the plugin does not listen any more")
            time.sleep(0.01)

    def _sample(self) -> Sample:
        files = sum(path.stat().st_size for path in self.data.rglob("*") if path.is_file())
        used = self.plugin.memory_info().rss
        return Sample(self.done, used, self.plugin.num_threads(), self.plugin.num_fds(), files)


def growth(samples: List[Sample]) -> Sample:
    """Return for each figure how far its maximum in the last fifth exceeds its maximum in the second fifth."""
    fifth = max(1, len(samples) // 5)
    warm, late = samples[fifth : 2 * fifth], samples[-fifth:]
    return Sample(*(max(one[at] for one in late) - max(one[at] for one in warm) for at in range(len(Sample._fields))))


def is_flat(found: Sample) -> bool:
    """Tell whether nothing grew beyond its limit."""
    return found.rss_bytes <= MOST_GROWTH_BYTES and found.threads <= 0 and found.descriptors <= 0


def main(arguments: List[str]) -> int:
    """Run the soak and print the figures; return 1 if something grew or the last frame was wrong."""
    from tools.bench_programs import Plugin

    parser = argparse.ArgumentParser(prog="build.py soak")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--page", action="store_true", help="keep the run for docs/reliability.md")
    asked = parser.parse_args(arguments)
    port, began_s = free_port(), time.monotonic()
    first = DemoServer(World("v250", (DemoModel("model-0", stays=True),)), port).start()
    with Plugin(first.url) as plugin:
        plugin.wait("no model loaded")
        first.stop()
        folder = ".local/share/llamabar" if sys.platform != "darwin" else "Library/Application Support/llamabar"
        soak = Soak(plugin.pid, port, Path(plugin.home.name) / folder)
        soak.live(asked.events)
        wanted = soak.end()
        right = _comes(plugin, wanted)
        took_s, frames, printed = time.monotonic() - began_s, len(plugin.frames), plugin.bytes
        plugin.process.terminate()
        code = plugin.process.wait(5)
        soak.stop()
    found = growth(soak.samples)
    report = {
        "events": soak.done, "took_s": round(took_s, 1), "reconnects": soak.done // RECONNECT_EVERY,
        "restarts": soak.done // RESTART_EVERY, "sleeps": soak.done // SLEEP_EVERY, "finished": soak.finished,
        "frames": frames, "printed_bytes": printed, "last_frame_is_right": right, "exit_code": code,
        "rss_bytes": soak.samples[-1].rss_bytes, "rss_growth_bytes": found.rss_bytes,
        "threads": soak.samples[-1].threads, "threads_growth": found.threads,
        "descriptors": soak.samples[-1].descriptors, "descriptors_growth": found.descriptors,
        "file_bytes": soak.samples[-1].file_bytes,
        "file_bytes_a_finished_request": round(soak.samples[-1].file_bytes / max(1, soak.finished)),
        "samples": [one._asdict() for one in soak.samples],
    }  # fmt: skip
    good = is_flat(found) and right and code == 0
    document = {"llamabar_json": 1, **report}
    print(json.dumps(document) if asked.json else table(report), flush=True)
    if asked.page:
        (ROOT / "docs" / "soak.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return 0 if good else 1


def _comes(plugin: Any, wanted: List[str]) -> bool:
    """Tell whether a frame with the right content arrives within some seconds."""
    ends_s = time.monotonic() + 10.0
    while time.monotonic() < ends_s:
        last = plugin.frames[-1][1] if plugin.frames else ""
        if all(f"\n{row}" in last for row in wanted) and "\nRequest " not in last:
            return True
        time.sleep(0.1)
    return False


def table(report: Dict[str, Any]) -> str:
    """Return a run as text."""
    shown = {name: value for name, value in report.items() if name not in ("samples", "llamabar_json")}
    rows = [f"{name.replace('_', ' '):<32} {value}" for name, value in shown.items()]
    heads = f"{'events':>9} {'RSS MiB':>9} {'threads':>8} {'descriptors':>12} {'files KiB':>10}"
    lines = [
        f"{one['events']:>9,} {one['rss_bytes'] / 2**20:>9.1f} {one['threads']:>8} {one['descriptors']:>12} "
        f"{one['file_bytes'] / 1024:>10.0f}"
        for one in report["samples"]
    ]
    return "\n".join([*rows, "", heads, *lines])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
