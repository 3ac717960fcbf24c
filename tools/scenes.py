"""Every state that a user can see, as values, for the pictures and for tests: one made-up Mac and its history."""

import functools
import math
from dataclasses import replace
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from llamabar import __version__
from llamabar.core import events as ev
from llamabar.core.capabilities import Capability
from llamabar.core.history import History, Readings, record, tick
from llamabar.core.needs import Needs
from llamabar.core.run import MemoryKind
from llamabar.core.snapshot import apply
from llamabar.core.state import Snapshot, loaded
from llamabar.core.status import Cause
from llamabar.core.totals import Told, Totals
from llamabar.view.compose import compose
from llamabar.view.html import State
from llamabar.view.scene import MenuOptions, Scene, seen

NOW_S = 10_000.0
URL = "http://127.0.0.1:8080"
CHAT = "/v1/chat/completions"
QWEN, BGE, CODER = "qwen3-30b", "bge-m3", "coder-32b"
UNLOADED = (CODER, "gemma-12b", "llama-70b", "tiny-1b")
ROUTES = frozenset({Capability.INFLIGHT_LIST, Capability.CANCEL, Capability.UNLOAD_ONE, Capability.PROFILES})
MEMORY_BYTES = {QWEN: 18_400_000_000, BGE: 1_300_000_000}
TOTAL_BYTES = 64_000_000_000
TODAY, TODAY_UNIX_S = "2027-01-15", 1_800_000_000.0
AGENT = "org.llamabar.llama-swap"
RUNNING, ELSEWHERE = ev.ServiceFound(AGENT, ev.ServiceState.RUNNING), ev.ServiceFound("", ev.ServiceState.NONE)
CRASHES, STOPPED = ev.ServiceFound(AGENT, ev.ServiceState.FAILING, 4), ev.ServiceFound(AGENT, ev.ServiceState.STOPPED)
BUSY_RATIO, CALM_RATIO = 0.34, 0.06
SECONDS, READING = 300, (*range(85, 92), *range(175, 182), *range(232, 238))  # … of prompts
NEEDS = {
    model: Needs(int(gigabytes * 1e9), MemoryKind.RESIDENT, load_s, 8192, 3)
    for model, gigabytes, load_s in ((CODER, 19.8, 8.4), ("gemma-12b", 8.1, 3.9), ("llama-70b", 42.5, 21.0))
}
OWNERS = ("unsloth", "bartowski", "ggml-org", "mradermacher")
_REFUSED = ev.FaultKind.REFUSED
_NO_CONFIG = Cause("The service's config file is missing", "llamabar install", starts=False)


class Named(NamedTuple):
    """A scene: its picture's name, its caption, its function, and the keys of the rows whose submenus are open."""

    name: str
    caption: str
    make: Callable[[], Scene]
    opened: Tuple[str, ...] = ()

    @property
    def scene(self) -> Scene:
        """Return the scene, made when first used."""
        return _made(self.make)

    @property
    def state(self) -> State:
        """Return the scene's menu as a state of the page."""
        return State(self.caption, compose(self.scene), self.opened)


@functools.lru_cache
def _made(make: Callable[[], Scene]) -> Scene:
    return make()


def scenes() -> Tuple[Named, ...]:
    """Return every scene, the busiest first."""
    return _ALL


def _listed(states: Dict[str, str]) -> ev.ModelsListed:
    known = {**dict.fromkeys((*UNLOADED, QWEN, BGE), "stopped"), **states}
    return ev.ModelsListed(tuple(ev.ModelInfo(model, state) for model, state in sorted(known.items())))


def _live(states: Dict[str, str], *then: Tuple[float, ev.Event], service: ev.ServiceFound = RUNNING) -> Snapshot:
    """Return a server watched for three hours, with two finished requests. `then`: events, each some seconds ago."""
    works = any(isinstance(event, ev.InflightUpserted) for _, event in then)
    loaded = {model: state for model, state in states.items() if state == "ready"}
    began: Tuple[Tuple[float, ev.Event], ...] = (
        (10_800.0, ev.StreamOpened()),
        (10_800.0, ev.VersionRead("250")),
        (10_800.0, service),
        (10_800.0, ev.CapabilitiesFound(confirmed=ROUTES)),
        (10_800.0, ev.ProfilesListed(("coding",), None)),
        (10_800.0, _listed({})),
        (2_000.0, _listed(dict.fromkeys(loaded, "starting"))),
        (1_993.8, _listed(loaded)),
        (1_990.0, ev.RunningListed((_running(QWEN, 600.0), _running(BGE, 0.0)))),
        (1_990.0, ev.MemoryMeasured(90_000_000, {model: MEMORY_BYTES[model] for model in loaded})),
        (120.0, ev.RequestsFinished(tuple(_row(number) for number in range(1, 39)), total=38)),
        (1.0, ev.HostMeasured(BUSY_RATIO if works else CALM_RATIO, 41_000_000_000, TOTAL_BYTES)),
    )
    later = then or ((0.5, _listed(states)),)
    snapshot = Snapshot()
    for ago_s, event in sorted((*began, *later), key=lambda pair: -pair[0]):
        snapshot = apply(snapshot, event, NOW_S - ago_s)
    return snapshot


def _running(model: str, ttl_s: float) -> ev.RunningModel:
    return ev.RunningModel(model, "ready", f"http://127.0.0.1:58{len(model):02}", ttl_s)


def _row(number: int) -> ev.FinishedRequest:
    return ev.FinishedRequest(
        number, QWEN, TODAY_UNIX_S + number, CHAT, status=200, prompt_tokens=900, generated_tokens=3_700,
        prompt_tps=612.0, generation_tps=38.0 + number % 5, duration_s=95.0,
    )  # fmt: skip


def _request(number: int, model: str = QWEN, *, answer_bytes: int = 0, age_s: float) -> Tuple[float, ev.Event]:
    info = ev.RequestInfo(str(number), model, CHAT, f"stamp {number}", 0.0, answer_bytes, bool(answer_bytes), "Zed")
    return age_s, ev.InflightUpserted(info)


def _slots(*counts: Tuple[int, int], total: int = 2) -> Tuple[Tuple[float, ev.Event], ...]:
    """Return three readings of the slots, a second apart. Each count is its newest value and its speed."""
    return tuple(
        (
            float(ago_s),
            ev.SlotsAnswered(
                QWEN,
                tuple(
                    ev.Slot(at, at, True, counts[at][0] - ago_s * counts[at][1], 900, 0, 8192)
                    if at < len(counts)
                    else ev.Slot(at, None, False, context_tokens=8192)
                    for at in range(total)
                ),
            ),
        )
        for ago_s in (2, 1, 0)
    )


def _ready(service: ev.ServiceFound = RUNNING) -> Snapshot:
    return _live({QWEN: "ready", BGE: "ready"}, service=service)


def _empty() -> Snapshot:
    return _live({QWEN: "stopped", BGE: "stopped"})


def _generating() -> Snapshot:
    return _live({QWEN: "ready", BGE: "ready"}, _request(41, answer_bytes=90_000, age_s=8.0), *_slots((312, 41)))


def _queued_behind() -> Snapshot:
    answered = (_request(41, answer_bytes=9, age_s=21.0), _request(42, answer_bytes=9, age_s=17.0))
    return _live({QWEN: "ready", BGE: "ready"}, *answered, _request(43, age_s=3.0), *_slots((312, 22), (258, 21)))


def _prompt() -> Snapshot:
    reading = ev.SlotsAnswered(QWEN, (ev.Slot(0, 1, True, 0, 5_000, 0, 8192), ev.Slot(1, None, False)))
    return _live({QWEN: "ready", BGE: "ready"}, _request(41, age_s=4.0), (0.5, reading))


def _bare() -> Snapshot:
    return replace(_live({}, (1.0, ev.ModelsListed(()))), rows=(), rows_total=None, profiles=())


def _tunnel() -> Snapshot:
    """Return a server whose processes are on another machine: no memory, no service."""
    ready = _live({QWEN: "ready", BGE: "ready"}, service=ELSEWHERE)
    return apply(ready, ev.MemoryMeasured(None, {}), NOW_S)


def _loading() -> Snapshot:
    return _live({BGE: "ready"}, (12.0, _listed({BGE: "ready", CODER: "starting"})), _request(41, CODER, age_s=12.0))


def _queued() -> Snapshot:
    swapping = (3.0, _listed({QWEN: "stopping", BGE: "ready"}))
    asked = (_request(41, CODER, age_s=3.0), _request(42, CODER, age_s=2.0))
    return _live({QWEN: "ready", BGE: "ready"}, swapping, *asked)


def _failed() -> Snapshot:
    failure = ev.FinishedRequest(40, CODER, TODAY_UNIX_S + 40, CHAT, status=500, error="process exited while loading")
    return _live(
        {BGE: "ready"},
        (42.0, _listed({BGE: "ready", CODER: "starting"})),
        (40.0, _listed({BGE: "ready"})),
        (39.0, ev.RequestsFinished((failure,), total=39)),
    )


def _lost(kind: ev.FaultKind, service: ev.ServiceFound, *, seen: bool = True) -> Snapshot:
    """Return a server that is gone, which was either seen before or never."""
    snapshot = _ready() if seen else Snapshot(host=_ready().host)
    snapshot = apply(snapshot, ev.StreamLost(ev.Fault(kind)), NOW_S + 1.0)
    return apply(snapshot, service, NOW_S + 1.0)


def _histories(snapshot: Snapshot, *, busy: bool) -> Tuple[History, Dict[str, History]]:
    """Return five minutes of history: two answers with pauses, and half a minute without readings."""
    known, asked = snapshot.connections > 0, bool(snapshot.rows)
    history, models = History(), {}
    used = {model.id: float(model.memory_bytes) for model in loaded(snapshot) if model.memory_bytes}
    for second in (*range(40), *range(70, SECONDS + 1)):
        answering = asked and (90 <= second < 150 or 180 <= second < 215 or (busy and second > 235))
        tps = 38.0 + 4.0 * math.sin(second / 9.0) if answering else 0.0
        prompt_tps = 612.0 + second if asked and second in READING else None
        told = Readings(tps, prompt_tps, float(answering), sum(used.values())) if known else Readings()
        reading = told._replace(cpu_ratio=BUSY_RATIO if answering else CALM_RATIO)
        history = record(history, reading, now_s=NOW_S - SECONDS + second)
        works = {QWEN: (tps, prompt_tps)}
        each = {model: Readings(*works.get(model, (0.0, None)), 0.0, bytes_) for model, bytes_ in used.items()}
        models = tick(models, each, like=history, now_s=NOW_S - SECONDS + second)
    return history, models


def _one(
    made: Snapshot, *, busy: bool = False, later_s: float = 0.0, first: bool = False,
    cause: Optional[Cause] = None,
) -> Scene:  # fmt: skip
    """Return a scene of one server. `first`: just connected, without a history; `cause`: what doctor found."""
    history, models = (History(), {}) if first else _histories(made, busy=busy)
    now_s = NOW_S + later_s
    server = seen("mac", URL, made, history, now_s=now_s, totals=_totals(made), cause=cause, models=models)
    return Scene((server,), now_s, today=TODAY, version=__version__, options=MenuOptions(("gemma-12b",)))


def _totals(snapshot: Snapshot) -> Totals:
    totals = Totals()
    totals.take(Told(TODAY, {}, needs=NEEDS))
    totals.add(snapshot.rows, lambda _: TODAY)
    return totals


def _servers(*named: Tuple[str, Snapshot]) -> Scene:
    found = []
    for number, (name, snapshot) in enumerate(named, 1):
        if number > 1:  # on another computer: nothing is measured and no service is searched for
            snapshot = replace(apply(snapshot, ev.MemoryMeasured(None, {}), NOW_S), service=None)
        history, models = _histories(snapshot, busy=number == 1)
        url = URL if number == 1 else f"http://{name}.local:8080"
        found.append(seen(name, url, snapshot, history, now_s=NOW_S, totals=_totals(snapshot), only=False,
                          models=models, number=number))  # fmt: skip
    return Scene(tuple(found), NOW_S, today=TODAY, version=__version__)


def _several() -> Scene:
    gone = _lost(ev.FaultKind.TIMEOUT, ELSEWHERE)
    return _servers(("mac", _generating()), ("mini", _ready(ELSEWHERE)), ("studio", gone))


def _five() -> Scene:
    named = (("mini", _ready(ELSEWHERE)), ("studio", _loading()), ("rack", _empty()))
    return _servers(("mac", _generating()), *named, ("attic", _lost(_REFUSED, ELSEWHERE)))


def _many() -> Snapshot:
    """Return a server with twelve loaded models, forty configured ones with long ids, and eight requests."""
    ids = [f"{OWNERS[n % 4]}/Qwen3-Coder-{n}B-A3B-Instruct-2507-GGUF:Q4_K_M" for n in range(40)]
    table = ev.ModelsListed(tuple(ev.ModelInfo(one, "ready" if n < 12 else "stopped") for n, one in enumerate(ids)))
    running = ev.RunningListed(tuple(ev.RunningModel(one, "ready", None, 600.0) for one in ids[:12]))
    memory = ev.MemoryMeasured(90_000_000, dict.fromkeys(ids[:12], 4_000_000_000))
    requests = tuple(_request(40 + n, ids[n % 3], answer_bytes=900 * (n % 3), age_s=30.0 - n) for n in range(8))
    return _live({}, (60.0, table), (59.0, running), (58.0, memory), *requests)


def _crashed() -> Snapshot:
    asked = (_request(41, answer_bytes=90_000, age_s=50.0), (40.0, _listed({QWEN: "stopped", BGE: "ready"})))
    return _live({QWEN: "ready", BGE: "ready"}, *asked, (39.0, ev.InflightRemoved("41")))


_ALL: Tuple[Named, ...] = (
    Named("generating", "A model writes an answer",
          lambda: _one(_generating(), busy=True), (QWEN, "Requests", "Memory")),
    Named("queued-behind", "Two answers are written, a third request waits", lambda: _one(_queued_behind(), busy=True)),
    Named("prompt", "A model reads a long prompt", lambda: _one(_prompt())),
    Named("loading", "A model is being loaded for a request", lambda: _one(_loading())),
    Named("queued", "Requests wait while one model makes room for another", lambda: _one(_queued())),
    Named("ready", "Models are loaded, nobody asks anything",
          lambda: _one(_ready()), ("Load Model", "Today", "Service")),
    Named("empty", "llama-swap runs, no model is loaded", lambda: _one(_empty())),
    Named("failed", "A model could not be loaded", lambda: _one(_failed()), (CODER,)),
    Named("starting", "The first look at llama-swap", lambda: _one(Snapshot(host=_ready().host), first=True)),
    Named("offline", "llama-swap is gone; what is below is from then",
          lambda: _one(_lost(_REFUSED, ELSEWHERE), later_s=150.0)),
    Named("stopped", "llama-swap's service is stopped", lambda: _one(_lost(_REFUSED, STOPPED, seen=False))),
    Named("crashing", "llama-swap ends again and again",
          lambda: _one(_lost(_REFUSED, CRASHES, seen=False), cause=_NO_CONFIG)),
    Named("no-service", "Nothing listens, and no service is installed",
          lambda: _one(_lost(_REFUSED, ELSEWHERE, seen=False))),
    Named("no-model", "llama-swap runs, its config has no model", lambda: _one(_bare())),
    Named("crashed", "A model's server quit while it answered", lambda: _one(_crashed()), (QWEN,)),
    Named("tunnel", "A llama-swap through a tunnel: nothing of it is measured here",
          lambda: _one(_tunnel()), ("Memory",)),
    Named("twelve-models", "Twelve loaded models, forty configured ones, eight requests", lambda: _one(_many())),
    Named("needs-key", "llama-swap wants an API key",
          lambda: _one(_lost(ev.FaultKind.UNAUTHORIZED, RUNNING, seen=False))),
    Named("several-servers", "Three servers, one of them out of reach", _several, ("mac",)),
    Named("five-servers", "Five servers", _five),
)  # fmt: skip
