"""Programs for the benchmarks: a demo llama-swap of known speed, and the built file run as SwiftBar runs it."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Dict, List, Tuple

from llamabar.demo.dialect import DemoModel
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World

PYZ = Path(__file__).resolve().parent.parent / "dist" / "llamabar.pyz"
MODELS = tuple(
    DemoModel(name, load_s=0.3, tps=tps, prompt_tps=4000.0, slots=4, ttl_s=3600)
    for name, tps in (("slow-70b", 3.0), ("usual-30b", 40.0), ("fast-1b", 250.0))
)


class Swap:
    """A demo llama-swap with models of known speed, or with given ones."""

    def __init__(self, dialect: str = "v250", models: Tuple[DemoModel, ...] = MODELS) -> None:
        self.dialect, self.models = dialect, models

    def __enter__(self) -> Tuple[DemoServer, World]:
        self.server = DemoServer(World(self.dialect, self.models)).start()
        return self.server, self.server.world

    def __exit__(self, *_: object) -> None:
        self.server.stop()


class Plugin:
    """The built file, run as SwiftBar runs it. Frames are kept with their times."""

    def __init__(self, url: str, config: str = "", *, python: str = sys.executable) -> None:
        self._begin()
        environment = {
            **os.environ,
            "HOME": self.home.name,
            "SWIFTBAR": "1",
            "SWIFTBAR_VERSION": "2.1.1",
            **({"LLAMABAR_URL": url} if url else {}),
            **({"LLAMABAR_CONFIG": config} if config else {}),
        }
        environment["LLAMABAR_PYTHON"] = python
        self._compile(environment)
        self._run([str(PYZ)], environment)

    def _begin(self) -> None:
        self.home = tempfile.TemporaryDirectory()
        self.frames: List[Tuple[float, str]] = []
        self.bytes = 0
        self.news = threading.Condition()

    def _run(self, words: List[str], environment: Dict[str, str]) -> None:
        self.process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()

    def _compile(self, environment: Dict[str, str]) -> None:
        """Start and stop it once. A process that also compiles its modules needs more memory."""
        first = subprocess.Popen([str(PYZ)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert first.stdout is not None
        while b": no model loaded" not in first.stdout.readline():
            continue
        first.terminate()
        first.communicate()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid

    def _read(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        while True:
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return
            at_s = time.monotonic()
            *whole, rest = (rest + piece).split(b"~~~\n")
            with self.news:
                self.bytes += len(piece)
                self.frames += [(at_s, one.decode()) for one in whole]
                self.news.notify_all()

    def wait(self, part: str, after_s: float = 0.0) -> float:
        """Return the time of the first frame that contains a text."""
        with self.news:
            found = self.news.wait_for(lambda: self._first(part, after_s), timeout=30)
        if not found:
            raise SystemExit(f"no frame with {part!r}")
        return float(found)

    def wait_until(self, part: str, *, there: bool, after_s: float) -> float:
        """Return the time of the first frame that contains a text, or no longer does."""

        def _first() -> float:
            return next((at_s for at_s, text in self.frames if at_s >= after_s and (part in text) is there), 0.0)

        with self.news:
            found = self.news.wait_for(_first, timeout=30)
        if not found:
            raise SystemExit(f"no frame {'with' if there else 'without'} {part!r}")
        return float(found)

    def _first(self, part: str, after_s: float) -> float:
        return next((at_s for at_s, text in self.frames if at_s >= after_s and part in text), 0.0)

    def __enter__(self) -> "Plugin":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.home.cleanup()


def first_byte_ms(words: List[str], environment: Dict[str, str]) -> float:
    """Start a program and return the time until the first byte of its output."""
    began_s = time.perf_counter()
    process = subprocess.Popen(
        words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.read(1)
    took_ms = (time.perf_counter() - began_s) * 1e3
    process.kill()
    process.communicate()
    return took_ms
