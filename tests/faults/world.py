"""One fault's setup: a llama-swap, the fault proxy in front of it, and a watcher, in this process or as the real
plugin."""

import contextlib
import json
import os
import threading
import time
from typing import Callable, Iterator, NamedTuple, Optional, Tuple

from llamabar.app.loop import Watch
from llamabar.demo.dialect import DemoModel
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World as Swap
from llamabar.settings.load import ServerSettings, Settings
from llamabar.view.swiftbar import Clicks, render
from tests.fakes.programs import Plugin, Screen, wait_for
from tests.faults.proxy import Proxy

MODELS = (DemoModel("a-1b", stays=True), DemoModel("b-2b", stays=True))
WELL = ("a-1b: ready",)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nnot found"


class Fault(NamedTuple):
    """A row of the table: what happens, what the menu must show (starts of its rows) and by when.

    `happens` starts it, yields, and ends it; the watcher starts before it if `early`, else once the menu is right.
    Afterwards `well` must be shown within `well_s`; None: it doesn't end. `process`: watched by the real plugin.
    `test`: where it is tested instead, as path::name. `slow`: only in the long tests.
    """

    name: str
    said: Tuple[str, ...]
    by_s: float
    happens: "Optional[Callable[[World], Iterator[None]]]" = None
    well_s: Optional[float] = 6.0
    well: Tuple[str, ...] = WELL
    early: bool = False
    process: bool = False
    slow: bool = False
    test: str = ""


class Watcher(Screen):
    """The real loop with its threads, in this process; its frames are kept as SwiftBar would have read them."""

    def __init__(self, url):
        super().__init__()
        server = ServerSettings("llama-swap", url)
        self.watch = Watch(Settings((server,)), self._draw)
        self.watch.start()
        threading.Thread(target=self.watch.loop, daemon=True).start()

    def _draw(self, menu, _):
        text = render(menu, Clicks()).decode()
        self.frames.append((time.monotonic(), text.rsplit("~~~", 1)[0]))

    def __exit__(self, *_):
        self.watch.stop("the test is over")


class World:
    """What a fault acts on. Nothing is watched before `start`."""

    def __init__(self, home, *, process=False):
        self.home, self.process = home, process
        self.server = DemoServer(Swap("v250", MODELS)).start()
        self.set_state("a-1b", "ready", tell=False)
        self.proxy = Proxy(self.server.server_address[1])
        self.watcher: Optional[Screen] = None
        self._left = contextlib.ExitStack()
        for close in (self.server.stop, self.proxy.close):
            self._left.callback(close)

    def start(self, url="", **more):
        """Start watching: by default through the proxy."""
        url = url or self.proxy.url
        watcher = Plugin(url, self.home, **more) if self.process else Watcher(url)
        self.watcher = self._left.enter_context(watcher)
        return self.watcher

    def set_state(self, model, state, *, tell=True):
        """Put a model into a state, with or without an event."""
        one = self.server.world.processes[model]
        one.state, one.last_use_s = state, time.monotonic()
        if tell:
            self.server.world.publish("modelStatus", self.server.world.status())

    def generate(self, request_id="7", **more):
        """Report that a request is being answered."""
        entry = {
            "id": request_id, "timestamp": "t", "model": "a-1b", "req_path": "/v1/chat/completions",
            "resp_headers": {"Content-Type": "text/event-stream"}, "resp_bytes": 900, "elapsed_ms": 400,
        }  # fmt: skip
        self.server.world.publish("inflight", {"operation": "upsert", "request": {**entry, **more}})

    def reconnected(self, seconds=5.0):
        """Wait for one more event stream than at the time of this call."""
        before = self.proxy.streams
        return lambda: wait_for(lambda: self.proxy.streams > before, seconds)

    def says(self, rows, seconds):
        """Wait until all of these rows are shown; fail with what is shown instead.

        The timeout is longer if other programs use the processors.
        """
        slower = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        try:
            wait_for(lambda: all(map(self.watcher.row, rows)), seconds * slower)
        except AssertionError:
            missing = [row for row in rows if not self.watcher.row(row)]
            raise AssertionError(f"within {seconds} s no {missing} in:\n{self.watcher.text}") from None

    def close(self):
        self._left.close()


def play(fault, home):
    """Let a fault happen, and check the watcher against its row of the table."""
    world = World(home, process=fault.process)
    with contextlib.closing(world):
        if not fault.early:
            world.start()
            world.says(WELL, 15.0)
        steps = fault.happens(world)
        next(steps)
        world.says(fault.said, fault.by_s)
        next(steps, None)
        if fault.well_s is not None:
            world.says(fault.well, fault.well_s)


def event(kind, data):
    """Return an event of llama-swap as bytes."""
    return b"event:message\ndata:" + json.dumps({"type": kind, "data": json.dumps(data)}).encode() + b"\n\n"


def listed(*ids, state="ready"):
    """Return a model table as an event."""
    return event("modelStatus", [{"id": one, "state": state, "name": "", "description": ""} for one in ids])


def answers(raw, **how):
    """Return a fault in which every request gets this answer; the server is back afterwards."""

    def _happens(world):
        world.proxy.answer(raw, **how)
        yield
        world.proxy.pass_on()
        world.proxy.cut()

    return _happens


def speaks(*parts, hold_s=20.0, **how):
    """Return a fault in which the event stream sends these bytes, and every query gets a 404.

    A part may be a function: large content is created only when needed.
    """

    def _happens(world):
        body = STREAM + b"".join(part() if callable(part) else part for part in parts)
        return answers(lambda request: body if b"/api/events" in request else MISSING, hold_s=hold_s, **how)(world)

    return _happens
