"""A llama-swap on "another machine": its own process, and where it is asked for, its own network namespace.

    other_machine.py DIALECT PORT MODEL_PORT TOLD_PORT TPS FILE [SOCKET]
        a llama-swap whose model listens on one port and is said to listen on another (the same in a network of its
        own); what its model server is asked is written to FILE; with SOCKET it is reached through that file
    other_machine.py forward PORT TARGET
        passes connections on to a port, or to a socket's file
"""

import contextlib
import os
import socket
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "installer")]

from llamabar.demo.dialect import DemoModel  # noqa: E402
from llamabar.demo.server import DemoServer  # noqa: E402
from llamabar.demo.world import World  # noqa: E402
from tests.fakes.programs import accept, recording  # noqa: E402


class Elsewhere(World):
    """Reports a model server's port as it is on another machine."""

    told_port = 0

    def running(self):
        told = super().running()
        return [{**one, "proxy": f"http://localhost:{self.told_port}"} if "proxy" in one else one for one in told]


def serve(dialect, port, model_port, told_port, tps, record):
    world = Elsewhere(dialect, (DemoModel("m", ttl_s=600, load_s=0.1, tps=tps, prompt_tps=5000.0),))
    world.told_port, world.processes["m"].port = told_port, model_port
    world.processes["m"].program = recording(record)
    DemoServer(world, port).start()


def forward(listener, target):
    """Forward every connection, in both directions, forever."""

    def both(caller):
        with contextlib.suppress(OSError), reach(target) as there:
            threading.Thread(target=pump, args=(there, caller), daemon=True).start()
            pump(caller, there)

    accept(listener, both)


def reach(target):
    if target.isdigit():
        return socket.create_connection(("127.0.0.1", int(target)))
    there = socket.socket(socket.AF_UNIX)
    there.connect(target)
    return there


def pump(one, other):
    with contextlib.suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)


def main(words):
    if words[0] == "forward":
        forward(socket.create_server(("127.0.0.1", int(words[1]))), words[2])
        return
    dialect, port, model_port, told_port, tps, record, *way = words
    serve(dialect, int(port), int(model_port), int(told_port), float(tps), record)
    if way:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(way[0])
        listener.listen(32)
        forward(listener, port)
    while os.getppid() > 1:
        time.sleep(0.5)


if __name__ == "__main__":
    main(sys.argv[1:])
