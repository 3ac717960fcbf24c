"""How fast the built file starts, and what it weighs, on every Python that is found."""

import statistics
import subprocess
import sys
import tempfile
import time
from typing import Dict, Iterator, List, Tuple

import build
import psutil

from llamabar.demo.load import ask
from tools.bench_programs import PYZ, Plugin, Swap, first_byte_ms

BARE = ["-I", "-S", "-c", "print(1)"]
WEIGHED = ("3.9", "3.13")
GENERATING_S = 120.0


def startup() -> Iterator[Tuple[str, str]]:
    """First frame and one status, cold and warm, beside a bare Python in turn."""
    yield "llamabar.pyz, members stored", f"{PYZ.stat().st_size:,} bytes"
    for version, python in pythons():
        with tempfile.TemporaryDirectory() as home, Swap() as (server, _):
            environment = _environment(home, python, server.url)
            cold = [_cold_ms(python, server.url) for _ in range(7)]
            first_byte_ms([str(PYZ)], environment)
            pairs = [
                (first_byte_ms([str(PYZ)], environment), first_byte_ms([python, *BARE], environment)) for _ in range(25)
            ]
            warm, bare = (statistics.median(times) for times in zip(*pairs))
            status = [_status_ms(environment) for _ in range(12)][2:]
            yield f"{version}: first frame, cold (unpacks)", f"{statistics.median(cold):.0f} ms median"
            ratio = f"{warm / bare:.1f} x a bare Python's {bare:.0f} ms"
            yield f"{version}: first frame, warm", f"{warm:.0f} ms median, {ratio}"
            yield f"{version}: status, warm", f"{statistics.median(status):.0f} ms median, {min(status):.0f} ms least"


def memory() -> Iterator[Tuple[str, str]]:
    """The plugin after two minutes in which a model answers all the time."""
    chosen = [(version, python) for version, python in pythons() if version in WEIGHED] or [("this", sys.executable)]
    with Swap() as (server, _):
        plugins = [(version, Plugin(server.url, python)) for version, python in chosen]
        try:
            ends_s = time.monotonic() + GENERATING_S
            while time.monotonic() < ends_s:
                ask(server.url[7:], "fast-1b", 1500, 50)
            for version, plugin in plugins:
                yield from _weight(version, plugin)
        finally:
            for _, plugin in plugins:
                plugin.__exit__()


def pythons() -> List[Tuple[str, str]]:
    """Return version and path of every Python that is found, the oldest first."""
    found = [(version, build._interpreter(version)) for version in build.INTERPRETERS]
    return [(version, python) for version, python in found if python]


def _weight(version: str, plugin: Plugin) -> Iterator[Tuple[str, str]]:
    process = psutil.Process(plugin.pid)
    used_s, lived_s = sum(process.cpu_times()[:2]), time.time() - process.create_time()
    yield f"{version}: RSS after two minutes of generating", f"{process.memory_info().rss / 2**20:.1f} MiB"
    yield f"{version}: CPU in these minutes", f"{used_s / lived_s * 100:.1f} % of a core"
    frames = f"{len(plugin.frames) / lived_s:.2f} a second, {plugin.bytes / max(1, len(plugin.frames)):,.0f} bytes each"
    yield f"{version}: frames in these minutes", frames


def _environment(home: str, python: str, url: str) -> Dict[str, str]:
    return {
        "HOME": home, "PATH": "/usr/bin:/bin", "SWIFTBAR": "1", "SWIFTBAR_VERSION": "2.1.1", "LLAMABAR_URL": url,
        "LLAMABAR_PYTHON": python,
    }  # fmt: skip


def _cold_ms(python: str, url: str) -> float:
    with tempfile.TemporaryDirectory() as home:
        return first_byte_ms([str(PYZ)], _environment(home, python, url))


def _status_ms(environment: Dict[str, str]) -> float:
    began_s = time.perf_counter()
    subprocess.run([str(PYZ), "status"], env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - began_s) * 1e3
