"""`demo`: the built-in llama-swap and its users, watched by the real program."""

import os
import signal
import sys
import time
from typing import List, Optional

from llamabar.cli.output import say
from llamabar.cli.watch import LiveView
from llamabar.demo.dialect import DIALECTS
from llamabar.demo.load import Users
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World
from llamabar.errors import LlamabarError
from llamabar.plugin.click_style import program_path
from llamabar.settings.load import ServerSettings, Settings


def run_demo(port: Optional[int], *, seconds: Optional[float], dialect: str, unwatched_s: float) -> int:
    """Serve, and unless only that was asked for, watch; return the exit code."""
    if dialect not in DIALECTS:
        raise LlamabarError(f"There is no dialect {dialect!r}.", f"There are {', '.join(DIALECTS)}.")
    world = World(dialect)
    world.has_gpu = True
    try:
        server = DemoServer(world, port or 0).start()
    except OSError:
        raise LlamabarError(f"Port {port} is taken.", "Choose another, or 0 for any free one.") from None
    users = Users(server.url)
    users.start()
    try:
        return _serve(server, seconds) if port is not None else _watch(server, seconds, unwatched_s)
    finally:
        users.stop()
        server.stop()


def _serve(server: DemoServer, seconds: Optional[float]) -> int:
    say(f"A made-up llama-swap answers at {server.url} (Ctrl-C ends it).")
    say(f"SwiftBar's text: SWIFTBAR=1 LLAMABAR_URL={server.url} {program_path(os.environ)}")
    ends_s = None if seconds is None else time.monotonic() + seconds
    got: List[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: got.append(number))
    while not got and (ends_s is None or time.monotonic() < ends_s):
        time.sleep(0.2)
    return 130 if signal.SIGINT in got else 0


def _watch(server: DemoServer, seconds: Optional[float], unwatched_s: float) -> int:
    settings = Settings((ServerSettings("llama-swap", server.url, "demo"),))
    note = f"A made-up llama-swap at {server.url}"
    watched = sys.stdin.isatty() and sys.stdout.isatty()
    if not watched:
        say(f"{note}: a line for every change.")
    seconds = seconds if seconds is not None or watched else unwatched_s
    return LiveView(settings, seconds=seconds, note=note, lent={"LLAMABAR_URL": server.url}).run()
