"""Five minutes of servers with everything that a menu can show, played with a clock of its own."""

import math

from tools.scenes import ROUTES

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import events as ev
from llamabar.core.needs import Needs
from llamabar.core.run import MemoryKind
from llamabar.core.totals import Told
from llamabar.view.scene import Scene

TODAY, UNIX_S = "2027-01-15", 1_800_000_000.0
CHAT, GB = "/v1/chat/completions", 10**9
ENDS_S, TURN_S, ANSWER_S = 310, 20, 17  # a turn: a prompt, an answer, and a pause
NEEDS = Needs(18 * GB, MemoryKind.RESIDENT, 8.4, 8192, 3)


def play(loaded, others=(), *, servers=("mac",), at_work=1, used=None, host=True):
    """Return the monitor, and the time, after all loaded models, or the first `used`, had their turns.

    Some work, `at_work` per server.

    The models are dealt out to the servers; `others` aren't loaded.
    """
    monitor = Monitor(
        {name: Watched(name, f"http://127.0.0.1:{8080 + at}") for at, name in enumerate(servers)},
        today=TODAY, day_of=lambda _: TODAY, blank=Scene((), 0.0, version="1.0.0"), lively=True,
    )  # fmt: skip
    lives = [_Life(monitor, name, loaded[at :: len(servers)], others[at :: len(servers)], at_work, used)
             for at, name in enumerate(servers)]  # fmt: skip
    for second in range(9, ENDS_S + 1):
        for life in lives:
            life.live(second, host=host)
        monitor.tick(now_s=float(second))
    return monitor, float(ENDS_S)


class _Life:
    """One server: it loads its models at once, then they take turns."""

    def __init__(self, monitor, name, loaded, others, at_work, used):
        self.monitor, self.name, self.loaded, self.at_work, self.finished = monitor, name, loaded, at_work, 0
        self.used = loaded[:used]
        for event in (
            ev.StreamOpened(), ev.VersionRead("250"), ev.CapabilitiesFound(confirmed=ROUTES), ev.InflightListed(()),
            ev.ServiceFound("org.llamabar.llama-swap", ev.ServiceState.RUNNING),
            ev.ProfilesListed(("coding",), "coding"), ev.RequestsFinished((), total=0, came_unix_s=UNIX_S),
            *(_table(loaded, others, state) for state in ("stopped", "starting")),
        ):  # fmt: skip
            self.tell(event, 0)
        self.tell(_table(loaded, others, "ready"), 8)
        running = (ev.RunningModel(one, "ready", f"http://127.0.0.1:58{at:02}", 600.0) for at, one in enumerate(loaded))
        self.tell(ev.RunningListed(tuple(running)), 8)
        told = Told(TODAY, {}, needs=dict.fromkeys((*loaded, *others), NEEDS), changes=dict.fromkeys(loaded[:1], -0.12))
        monitor.recall(name, told, now_s=8.0, unix_s=UNIX_S)

    def tell(self, event, second):
        self.monitor.take(self.name, event, at_s=float(second))

    def live(self, second, *, host):
        if second % 2 == 0:
            memory = {one: 18 * GB + at * GB for at, one in enumerate(self.loaded)}
            memory[self.loaded[0]] += second * GB // 100
            self.tell(ev.MemoryMeasured(90_000_000, memory), second)
        if second % 2 == 0 and host:
            cpu_ratio, gpu_ratio = 0.3 + 0.2 * math.sin(second / 7), 0.5 + 0.4 * math.sin(second / 5)
            self.tell(ev.HostMeasured(cpu_ratio, 101 * GB + second * 10**7, 128 * GB), second)
            self.tell(ev.GpuMeasured(gpu_ratio, 38.0), second)
        turn, age_s = divmod(second, TURN_S)
        for at in range(self.at_work):
            self._work(self.used[(turn + at) % len(self.used)], f"{turn}{at}", age_s, second)

    def _work(self, model, request, age_s, second):
        if age_s < ANSWER_S:
            info = ev.RequestInfo(request, model, CHAT, request, age_s, age_s * 9000, age_s > 0, "Open WebUI")
            tokens = int(age_s * (41 + 3 * math.sin(second)))
            slots = (ev.Slot(0, int(request), True, tokens, 1900, 300, 32768), ev.Slot(1, None, False))
            self.tell(ev.InflightUpserted(info), second)
            self.tell(ev.SlotsAnswered(model, slots), second)
        elif age_s == ANSWER_S:
            self.finished += 1
            drafts = 100 if model == self.loaded[0] else None
            row = ev.FinishedRequest(
                self.finished, model, UNIX_S + second, CHAT, status=200, prompt_tokens=1900, cached_tokens=300,
                generated_tokens=700, prompt_tps=612.0 + second, generation_tps=41.0 + second % 5, duration_s=17.0,
                draft_tokens=drafts, accepted_tokens=drafts,
            )  # fmt: skip
            self.tell(ev.InflightRemoved(request), second)
            self.tell(ev.RequestsFinished((row,), total=self.finished, came_unix_s=row.at_unix_s), second)


def _table(loaded, others, state):
    states = {**dict.fromkeys(loaded, state), **dict.fromkeys(others, "stopped")}
    return ev.ModelsListed(tuple(ev.ModelInfo(one, states[one]) for one in sorted(states)))
