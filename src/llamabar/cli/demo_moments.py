"""The moments of the demo that show every state once: the requests to send, what to wait for, and a caption."""

import threading
from dataclasses import replace
from typing import Callable, List, NamedTuple, Tuple

from llamabar.app.loop import Watch
from llamabar.core.phases import Phase, phases
from llamabar.core.speed import Source
from llamabar.core.state import READY
from llamabar.core.status import Status
from llamabar.demo.dialect import MODELS
from llamabar.demo.load import ask
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World
from llamabar.settings.load import ServerSettings, Settings
from llamabar.sources import clock
from llamabar.view.compose import compose
from llamabar.view.html import State
from llamabar.view.menu import Do
from llamabar.view.scene import Server

PATIENCE_S = 15.0  # for one moment, on a busy computer
REASON_S = 1.0  # the reason for a failure arrives shortly before or after it
FAST = 4.0  # how much faster these models load and read prompts than those of `demo`
CHAT, OTHER, BROKEN = "qwen3-30b", "coder-32b", "broken-7b"

Request = Tuple[str, int, int]  # model, tokens to generate, words in the prompt


class Moment(NamedTuple):
    """What to wait for, and what then follows: requests to send, and whether the oldest one is canceled."""

    caption: str
    seen: Callable[[Server, float], bool]
    then: Tuple[Request, ...] = ()
    cancels: bool = False


def _status(wanted: Status) -> Callable[[Server, float], bool]:
    return lambda server, _: server.status is wanted


def _measured(server: Server, _: float) -> bool:
    reading = server.figures.total
    return server.status is Status.GENERATING and reading is not None and reading.source is Source.LIVE


def _one_waits(server: Server, _: float) -> bool:
    found = list(phases(server.snapshot).values())
    return found.count(Phase.GENERATING) >= 2 and Phase.QUEUED in found


def _swapped(server: Server, _: float) -> bool:
    states = {model.id: model.state for model in server.snapshot.models.values()}
    return states.get(OTHER) == READY and states.get(CHAT) == "stopped" and server.status is Status.READY


def _failed(server: Server, now_s: float) -> bool:
    model = server.snapshot.models.get(BROKEN)
    if model is None or model.failed_at_s is None:
        return False
    return bool(model.failure) or now_s > model.failed_at_s + REASON_S


MOMENTS: Tuple[Moment, ...] = (
    Moment("No model is loaded", _status(Status.EMPTY), ((CHAT, 2000, 2400),)),
    Moment("A model is loading", _status(Status.LOADING)),
    Moment("It reads a long prompt", _status(Status.PROMPT)),
    Moment("It generates, its speed is counted", _measured, ((CHAT, 300, 10), (CHAT, 300, 10))),
    Moment("Two answers at once, a third request waits", _one_waits, cancels=True),
    Moment("Ready: nothing is asked", _status(Status.READY), ((OTHER, 12, 10),)),
    Moment("Another model took its place", _swapped, ((BROKEN, 5, 5),)),
    Moment("A model that cannot be loaded", _failed),
)


class Moments:
    """A demo llama-swap watched by the real program."""

    def __init__(self) -> None:
        models = tuple(
            m if m.broken else replace(m, load_s=m.load_s / FAST, prompt_tps=m.prompt_tps * FAST) for m in MODELS
        )
        self._server = DemoServer(World("v250", models))
        self._due = list(MOMENTS)
        self._since_s = 0.0
        self._states: List[State] = []

    def collect(self) -> List[State]:
        """Run until every moment was seen or has timed out; return their menus."""
        self._server.start()
        self._watch = Watch(Settings((ServerSettings("llama-swap", self._server.url, "demo"),)), lambda *_: None)
        self._watch.monitor.lively = True
        self._watch.start()
        self._since_s = clock.now_s()
        try:
            self._watch.loop(until=self._ended)
        finally:
            self._server.stop()
        return self._states

    def _next(self, now_s: float) -> None:
        moment = self._due.pop(0)
        self._since_s = now_s
        for model, tokens, words in moment.then:
            address = self._server.url.split("://", 1)[1]
            threading.Thread(target=ask, args=(address, model, tokens, words), daemon=True).start()
        menu = self._watch.monitor.menu
        if moment.cancels and menu is not None:
            oldest = next((action for action in menu.actions() if action.do is Do.CANCEL), None)
            self._watch.click(oldest.token if oldest is not None else "")

    def _ended(self, now_s: float) -> bool:
        """Keep the menu if it shows the current moment, or skip that after a timeout; return whether all are done."""
        scene = self._watch.monitor.scene(now_s=now_s)
        if self._due[0].seen(scene.servers[0], now_s):
            self._states.append(State(self._due[0].caption, compose(scene)))
            self._next(now_s)
        elif now_s > self._since_s + PATIENCE_S:
            self._next(now_s)
        return not self._due
