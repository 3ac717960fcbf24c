"""The minute that `demo` shows, played with a fake clock: its script and models as events for the real monitor.

It has no processes and nothing random, so it is always the same.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, Iterator, List

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import events as ev
from llamabar.demo.dialect import MODELS, DemoModel
from llamabar.demo.load import CRASH, PAUSE_S, SCRIPT
from llamabar.view.compose import compose
from llamabar.view.menu import Menu
from llamabar.view.scene import Scene
from tools.scenes import ROUTES

NAME, CHAT, EMBEDDINGS = "mac", "/v1/chat/completions", "/v1/embeddings"
TOTAL_BYTES, BASE_BYTES = 64_000_000_000, 21_300_000_000
TODAY, UNIX_S = "2027-01-15", 1_800_000_000.0
STEP_S = 0.25
STOPPING_S = 0.5
TOKEN_BYTES, UNEVEN = 250, 0.06
LOOPS = 4  # loops played before the one shown, to fill the charts
KNOWN = {model.id: model for model in MODELS}
FAILING = {model.id for model in MODELS if model.broken} | {step[1] for step in SCRIPT if step[2] == CRASH}


@dataclass
class Asked:
    """An active request: how much of its prompt was read, and how much was answered."""

    number: int
    model: DemoModel
    tokens: int
    words: int
    came_s: float
    read: float = 0.0
    made: float = 0.0

    @property
    def is_done(self) -> bool:
        """Tell whether the answer is complete."""
        return self.read >= self.words and self.made >= self.tokens

    def work(self, now_s: float) -> None:
        """Read or write for one step, at a slightly varying speed."""
        if self.read < self.words:
            self.read = min(self.words, self.read + self.model.prompt_tps * STEP_S)
        else:
            self.made = min(self.tokens, self.made + self.tps(now_s) * STEP_S)

    def tps(self, now_s: float) -> float:
        """Return the current speed."""
        return self.model.tps * (1.0 + UNEVEN * math.sin(now_s))

    def told(self, now_s: float) -> ev.RequestInfo:
        """Return the request as llama-swap reports it."""
        size = int(self.made) * TOKEN_BYTES
        path = CHAT if self.tokens else EMBEDDINGS
        return ev.RequestInfo(
            str(self.number), self.model.id, path, str(self.number), now_s - self.came_s, size, bool(size), "Zed"
        )

    def row(self, now_s: float, error: str = "") -> ev.FinishedRequest:
        """Return the request as a row of llama-swap's activity log."""
        return ev.FinishedRequest(
            self.number, self.model.id, UNIX_S + now_s, CHAT, 502 if error else 200, self.words, 0, int(self.made),
            None if error else self.model.prompt_tps, self.model.tps if self.made else None, now_s - self.came_s, error,
        )  # fmt: skip


class Life:
    """The demo's llama-swap, and the monitor watching it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.monitor = Monitor(
            {NAME: Watched(NAME, "http://127.0.0.1:8080")},
            today=TODAY,
            day_of=lambda _: TODAY,
            lively=True,
        )
        self.states = {model.id: "stopped" for model in MODELS}
        self.since_s = dict.fromkeys(self.states, 0.0)
        self.asked: List[Asked] = []
        self.count = 0
        told = (ev.StreamOpened(), ev.VersionRead("250"), ev.CapabilitiesFound(confirmed=ROUTES))
        for event in (*told, ev.ServiceFound("org.llamabar.llama-swap", ev.ServiceState.RUNNING), self._listed()):
            self._tell(event)

    def minute(self) -> Iterator[Menu]:
        """Play the script once; yield the menu at each second."""
        return map(compose, self.scenes())

    def scenes(self, *, goes_well: bool = False) -> Iterator[Scene]:
        """Play the script once, or without its failures; yield the scene at each second."""
        due = [one for one in _timed(self.now_s) if not (goes_well and one[1] in FAILING)]
        ends_s = due[-1][0] + PAUSE_S
        while self.now_s < ends_s:
            for _, model, tokens, words in [one for one in due if one[0] <= self.now_s]:
                self._ask(KNOWN[model], tokens, words)
            due = [one for one in due if one[0] > self.now_s]
            self._step()
            if self.now_s % 1.0 == 0.0:
                self._measure()
                self.monitor.tick(now_s=self.now_s)
                yield self._scene()
            self.now_s += STEP_S

    def _scene(self) -> Scene:
        scene = self.monitor.scene(now_s=self.now_s)
        for server in scene.servers:
            self.monitor.servers[server.name].figures = server.figures
        return scene

    def _tell(self, event: ev.Event) -> None:
        self.monitor.take(NAME, event, at_s=self.now_s)

    def _ask(self, model: DemoModel, tokens: int, words: int) -> None:
        if tokens == CRASH:
            for one in [one for one in self.asked if one.model is model]:
                self._end(one)
            self._become(model.id, "stopped")
            return
        self.count += 1
        self.asked.append(Asked(self.count, model, tokens, words, self.now_s))
        self._tell(ev.InflightUpserted(self.asked[-1].told(self.now_s)))

    def _step(self) -> None:
        for model in MODELS:
            self._move(model, self.now_s - self.since_s[model.id])
        wanted = next((one.model for one in self.asked if self.states[one.model.id] != "ready"), None)
        if wanted is not None and self.states[wanted.id] == "stopped":
            self._make_room(wanted)
        for model in MODELS:
            if self.states[model.id] == "ready":
                for one in [one for one in self.asked if one.model is model][: model.slots]:
                    self._work(one)

    def _move(self, model: DemoModel, for_s: float) -> None:
        """Let time pass for a model: it finishes loading or unloading, or is unloaded after idling."""
        state = self.states[model.id]
        if state == "starting" and for_s >= model.load_s:
            self._become(model.id, "stopped" if model.broken else "ready")
            for one in [one for one in self.asked if model.broken and one.model is model]:
                self._end(one, "process exited while loading")
        elif state == "stopping" and for_s >= STOPPING_S:
            self._become(model.id, "stopped")
        elif state == "ready" and self._works(model):
            self.since_s[model.id] = self.now_s
        elif state == "ready" and model.ttl_s and for_s >= model.ttl_s:
            self._become(model.id, "stopping")

    def _make_room(self, wanted: DemoModel) -> None:
        """Load a model once the models it can't run beside are gone; unload those as soon as they are idle."""
        others = [one for one in MODELS if self.states[one.id] != "stopped" and not one.stays and one is not wanted]
        if not others or wanted.stays:
            self._become(wanted.id, "starting")
        elif all(self.states[one.id] == "ready" and not self._works(one) for one in others):
            for one in others:
                self._become(one.id, "stopping")

    def _works(self, model: DemoModel) -> bool:
        return any(one.model is model for one in self.asked)

    def _work(self, one: Asked) -> None:
        one.work(self.now_s)
        self._tell(ev.InflightUpserted(one.told(self.now_s)))
        if one.is_done:
            self._end(one)

    def _end(self, one: Asked, error: str = "") -> None:
        self.asked.remove(one)
        self._tell(ev.InflightRemoved(str(one.number)))
        self._tell(ev.RequestsFinished((one.row(self.now_s, error),), total=one.number))

    def _become(self, model: str, state: str) -> None:
        self.states[model], self.since_s[model] = state, self.now_s
        self._tell(self._listed())
        running = [one for one in MODELS if self.states[one.id] != "stopped"]
        self._tell(ev.RunningListed(tuple(
            ev.RunningModel(one.id, self.states[one.id], f"http://localhost:{5800 + len(one.id)}", float(one.ttl_s))
            for one in running
        )))  # fmt: skip

    def _listed(self) -> ev.ModelsListed:
        return ev.ModelsListed(tuple(
            ev.ModelInfo(one.id, self.states[one.id], one.name, one.unlisted, aliases=one.aliases) for one in MODELS
        ))  # fmt: skip

    def _measure(self) -> None:
        """Send what is measured once a second: memory, the computer, the busy models' slots."""
        ready = [one for one in MODELS if self.states[one.id] == "ready"]
        memory: Dict[str, int] = {one.id: one.memory_bytes for one in ready}
        servers = {one.id: ev.ModelServer(f"http://127.0.0.1:{5800 + len(one.id)}") for one in ready}
        self._tell(ev.MemoryMeasured(90_000_000, memory, servers=servers))
        busy = any(self._works(one) for one in ready)
        self._tell(ev.HostMeasured(0.34 if busy else 0.06, BASE_BYTES + sum(memory.values()), TOTAL_BYTES))
        self._tell(ev.GpuMeasured(0.96 if busy else 0.02))
        for model in ready:
            if self._works(model) and any(one.tokens for one in self.asked):
                self._tell(ev.SlotsAnswered(model.id, tuple(self._slots(model))))

    def _slots(self, model: DemoModel) -> Iterator[ev.Slot]:
        mine = [one for one in self.asked if one.model is model][: model.slots]
        for at in range(model.slots):
            one = mine[at] if at < len(mine) else None
            if one is None:
                yield ev.Slot(at, None, False, context_tokens=model.context)
            else:
                yield ev.Slot(at, one.number, True, int(one.made), int(one.read), 0, model.context)


def _timed(begin_s: float) -> Iterator["tuple[float, str, int, int]"]:
    """Yield the script's steps with their times."""
    for wait_s, model, tokens, words in SCRIPT:
        begin_s += wait_s
        yield begin_s, model, tokens, words


@lru_cache(maxsize=1)
def menus() -> List[Menu]:
    """Return the menu at each second of a minute, after some similar minutes."""
    life = Life()
    for _ in range(LOOPS):
        list(life.scenes(goes_well=True))
    return list(life.minute())
