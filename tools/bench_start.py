"""How fast the built file starts, and its memory, on every installed Python."""

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
from tools.bench_rows import Row

BARE = ["-I", "-S", "-c", "print(1)"]
WEIGHED = ("3.9", "3.13")
GENERATING_S = 120.0


def startup() -> Iterator[Row]:
    """Measure the first frame and one `status`, cold and warm, alternating with a bare Python."""
    yield Row("startup", "llamabar.pyz, members stored", PYZ.stat().st_size, "bytes")
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
            yield Row("startup", f"{version}: first frame, cold (unpacks)", statistics.median(cold), "ms median")
            yield Row("startup", f"{version}: first frame, warm", warm, "ms median")
            yield Row("startup", f"{version}: first frame, warm, beside a bare Python", warm / bare, "x")
            yield Row("startup", f"{version}: status, warm", statistics.median(status), "ms median")


def memory() -> Iterator[Row]:
    """Measure the plugin's memory after two minutes in which a model answers all the time."""
    this = "{}.{}".format(*sys.version_info), sys.executable
    chosen = [(version, python) for version, python in pythons() if version in WEIGHED] or [this]
    with Swap() as (server, _):
        plugins = [(version, Plugin(server.url, python=python)) for version, python in chosen]
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
    """Return version and path of every installed Python, oldest first."""
    found = [(version, build._interpreter(version)) for version in build.INTERPRETERS]
    return [(version, python) for version, python in found if python]


def _weight(version: str, plugin: Plugin) -> Iterator[Row]:
    process = psutil.Process(plugin.pid)
    used_s, lived_s = sum(process.cpu_times()[:2]), time.time() - process.create_time()
    rss_mib = process.memory_info().rss / 2**20
    yield Row("memory", f"{version}: RSS after two minutes of generating", rss_mib, "MiB")
    yield Row("memory", f"{version}: CPU in these minutes", used_s / lived_s * 100, "% of a core")
    yield Row("memory", f"{version}: frames", len(plugin.frames) / lived_s, "a second")
    yield Row("memory", f"{version}: a frame", plugin.bytes / max(1, len(plugin.frames)), "bytes")


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
