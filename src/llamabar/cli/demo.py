"""`demo`: the built-in llama-swap and its users, watched by the real program."""

import os
import signal
import sys
import time
from dataclasses import replace
from typing import List, Optional

from llamabar.cli.output import say
from llamabar.cli.watch import LiveView, speak
from llamabar.core.state import READY, loaded
from llamabar.demo.dialect import MODELS
from llamabar.demo.load import Users
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World
from llamabar.errors import LlamabarError
from llamabar.plugin.click_style import program_path
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.terminal import words
from llamabar.terminal.state import say as say_in
from llamabar.view.scene import Scene

UNWATCHED_S = 15.0
TOTAL_BYTES, BASE_BYTES = 64_000_000_000, 21_300_000_000


def demo(port: Optional[int], seconds: Optional[float], dialect: str) -> int:
    """Serve, and unless a port was given, show the dashboard; return the exit code."""
    world = World(dialect)
    world.has_gpu = True
    try:
        server = DemoServer(world, port or 0).start()
    except OSError as error:
        said = f"Can't listen on port {port}: {error.strerror}."
        raise LlamabarError(said, "Choose another, or 0 for any free one.") from None
    users = Users(server.url, world.crash)
    users.start()
    try:
        return _serve(server, seconds) if port is not None else _watch(server, users, seconds)
    finally:
        users.stop()
        server.stop()


def _serve(server: DemoServer, seconds: Optional[float]) -> int:
    say(f"Demo server at {server.url}. Press Ctrl-C to stop it.")
    say(f"To see the menu as SwiftBar gets it: SWIFTBAR=1 LLAMABAR_URL={server.url} {program_path(os.environ)}")
    ends_s = None if seconds is None else time.monotonic() + seconds
    got: List[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: got.append(number))
    while not got and (ends_s is None or time.monotonic() < ends_s):
        time.sleep(0.2)
    return 130 if signal.SIGINT in got else 0


class DemoView(LiveView):
    """The demo's dashboard. Its models have realistic memory sizes, and Space pauses it."""

    def __init__(self, settings: Settings, users: Users, *, seconds: Optional[float], note: str) -> None:
        super().__init__(settings, seconds=seconds, note=note, lent={"LLAMABAR_URL": settings.servers[0].url})
        self.users = users
        self.view = replace(self.view, demo=True)
        self._frozen: Optional[Scene] = None

    def look(self, now_s: float) -> Scene:
        """Return the current scene; while paused, the one that was shown when it was paused."""
        return self._frozen or believable(super().look(now_s))

    def paused(self) -> None:
        """Pause or resume."""
        scene = self.look(clock.now_s())
        self.users.paused = not self.users.paused
        self._frozen = scene if self.users.paused else None
        self.view = say_in(self.view, words.PAUSED if self.users.paused else "", scene)


def believable(scene: Scene) -> Scene:
    """Return the scene as on a Mac with 64 GB, with each model's memory as large as its name suggests."""
    server = scene.servers[0]
    sizes = {model.id: model.memory_bytes for model in MODELS}
    there = {one.id: sizes.get(one.id, 0) for one in loaded(server.snapshot) if one.state == READY}
    models = dict(server.snapshot.models)
    for one in models.values():
        if one.memory_peak_bytes:  # it is or was loaded
            models[one.id] = replace(one, memory_bytes=there.get(one.id), memory_peak_bytes=sizes.get(one.id))
    used = BASE_BYTES + sum(there.values())
    host = replace(server.snapshot.host, memory_total_bytes=TOTAL_BYTES, memory_used_bytes=used, gpu_power_w=None)
    snapshot = replace(server.snapshot, models=models, host=host)
    figures = replace(server.figures, memory_bytes=there, used_bytes=used)
    return replace(scene, servers=(replace(server, snapshot=snapshot, figures=figures),))


def _watch(server: DemoServer, users: Users, seconds: Optional[float]) -> int:
    settings = Settings((ServerSettings("demo", server.url, "demo"),))
    watched = sys.stdin.isatty() and sys.stdout.isatty()
    speak(settings)
    note = words.made_up(server.url, drawn=watched)
    if not watched:
        say(note)
        seconds = UNWATCHED_S if seconds is None else seconds
    return DemoView(settings, users, seconds=seconds, note=note).run()
