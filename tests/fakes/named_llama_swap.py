"""The demo's llama-swap as a process of its own, called llama-swap, that tells what it was asked.

    llama-swap DIALECT PORT [--config FILE] [--computes]
        a line on stdin is answered with every request so far, as JSON; `--computes`: its model servers use the
        processor while they answer, as real ones do
"""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "installer")]

from llamabar.demo.server import DemoServer  # noqa: E402
from llamabar.demo.world import World  # noqa: E402
from tests.fakes import backend  # noqa: E402
from tests.fakes.programs import MODELS  # noqa: E402


class NamedLlamaSwap:
    """A handle; `asked` returns the requests since the last call."""

    def __init__(self, folder, dialect, port, *more):
        program = folder / "llama-swap"
        if not program.exists():
            program.symlink_to(__file__)
        self.address, self.seen = f"127.0.0.1:{port}", 0
        self.url = f"http://{self.address}"
        self.process = subprocess.Popen(
            [sys.executable, str(program), dialect, str(port), *more], cwd=folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.process.stdout.readline()

    def asked(self):
        print(file=self.process.stdin, flush=True)
        told = json.loads(self.process.stdout.readline())
        new, self.seen = told[self.seen :], len(told)
        return [f"{method} {path.partition('?')[0]}" for method, path in new]


@contextlib.contextmanager
def named_llama_swap(folder, dialect, port, *more):
    started = NamedLlamaSwap(folder, dialect, port, *more)
    try:
        yield started
    finally:
        started.process.stdin.close()
        started.process.wait(10)
        started.process.stdout.close()


def main(dialect, port, *more):
    world = World(dialect, MODELS)
    for process in world.processes.values() if "--computes" in more else ():
        process.program = [sys.executable, backend.__file__, "--style", "llama"]
    server = DemoServer(world, int(port)).start()
    print("listening", flush=True)
    for _ in sys.stdin:
        print(json.dumps(server.requests), flush=True)
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
