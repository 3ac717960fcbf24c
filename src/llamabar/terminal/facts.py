"""What the dashboard's rows show about a model or a request: a symbol, words, a style, figures. Unknown is "–"."""

from typing import List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core import readings, units
from llamabar.core.apply_models import has_failed, has_quit
from llamabar.core.doing import Doing, doing
from llamabar.core.events import Fault
from llamabar.core.phases import WAITING, Phase
from llamabar.core.speed import Reading
from llamabar.core.state import (
    READY,
    STARTING,
    STOPPING,
    Model,
    Request,
    Snapshot,
    requests_of,
)
from llamabar.core.status import Status
from llamabar.core.totals import Sums
from llamabar.terminal import words
from llamabar.terminal.cells import Span, Style, columns
from llamabar.view import details, doing_words, needs
from llamabar.view import words as menu_words
from llamabar.view.menu import MODEL, REQUEST
from llamabar.view.palette import BY_DOING, BY_PHASE, GLYPHS
from llamabar.view.scene import Scene, Server, day
from llamabar.view.text import name, reason

WARNING = "⚠"
SORTS = tuple(words.SORTS)

STYLES: Mapping[Status, Style] = {
    Status.GENERATING: Style.BUSY, Status.PROMPT: Style.BUSY, Status.LOADING: Style.WARN, Status.QUEUED: Style.WARN,
    Status.STOPPING: Style.WARN, Status.STARTING: Style.WARN, Status.READY: Style.GOOD, Status.EMPTY: Style.DIM,
    Status.STOPPED: Style.DIM, Status.NO_SERVICE: Style.WARN,
}  # fmt: skip


class State(NamedTuple):
    """A symbol, words and a style. `absent`: neither loaded nor failed; `shorter`: fewer words that say it too."""

    sign: str
    words: str
    style: Style
    absent: bool = False
    shorter: Tuple[str, ...] = ()

    def within(self, width: int) -> Span:
        """Return the symbol and the first of its words that fit in `width` columns, else the last."""
        texts = [f"{self.sign} {text}" for text in (self.words, *self.shorter)]
        return Span(next((text for text in texts if columns(text) <= width), texts[-1]), self.style)


class Thing(NamedTuple):
    """A model or a request of the shown server. `mark` distinguishes two requests with the same id."""

    kind: str
    id: str
    mark: str = ""



def server_state(server: Server) -> State:
    """Return a server's state."""
    status = server.status
    said = menu_words.status(server.snapshot, status)
    first = status is Status.STARTING and not server.snapshot.connected and server.snapshot.service is None
    return State(GLYPHS[status], words.CONNECTING if first else said, STYLES.get(status, Style.BAD))


def why(server: Server, fault: Fault) -> str:
    """Return why a server can't be watched, as a sentence."""
    return menu_words.sentence(menu_words.why(fault, server.status, detail=reason(fault.detail)))


def state(server: Server, model: Model, *, now_s: float) -> State:
    """Return a model's current state."""
    if model.state == READY:
        return _ready(server, model)
    if model.state == STARTING:
        said, briefly = details.loading(server, model, now_s=now_s)
        return State(GLYPHS[Status.LOADING], said, Style.WARN, shorter=(briefly, menu_words.STATUS[Status.LOADING]))
    if model.state == STOPPING:
        return State(GLYPHS[Status.STOPPING], words.UNLOADING, Style.WARN)
    if has_failed(model, now_s=now_s):
        why = f": {reason(model.failure)}" if model.failure else ""
        said = doing_words.failed(now_s - (model.failed_at_s or now_s))
        return State(WARNING, said + why, Style.BAD, shorter=(said, words.FAILED_TO_LOAD, words.FAILED))
    if has_quit(model, now_s=now_s):
        said = doing_words.quit_unexpectedly(now_s - (model.quit_at_s or now_s))
        return State(WARNING, said, Style.BAD, shorter=(menu_words.STATUS[Status.CRASHING],))
    if requests_of(server.snapshot, model.id):
        if model.info.peer:
            return _ready(server, model)
        return State(GLYPHS[Status.QUEUED], words.WAITING, Style.WARN)
    if model.state in ("stopped", "shutdown", "unknown", ""):
        sign = GLYPHS[Status.EMPTY]
        if model.info.peer:
            return State(sign, words.ELSEWHERE, Style.DIM, absent=True, shorter=(words.AWAY,))
        return State(sign, words.NOT_LOADED, Style.DIM, absent=True)
    return State(GLYPHS[Status.READY], reason(model.state), Style.PLAIN)


def _ready(server: Server, model: Model) -> State:
    found = doing(server.snapshot, model, has_speed=model.id in server.figures.speeds)
    sign = GLYPHS[BY_DOING[found]]
    if found is Doing.NOTHING:
        return State(sign, menu_words.READY, Style.GOOD)
    position = readings.prompt_position(model)
    kinds = (request.kind for request in requests_of(server.snapshot, model.id))
    said = {
        Doing.GENERATING: menu_words.STATUS[Status.GENERATING], Doing.WORKING: doing_words.at(kinds),
        Doing.PROMPT: words.READING + ("" if position is None else f" {units.short_count(position)}"),
        Doing.BUSY: menu_words.BUSY, Doing.PERHAPS: menu_words.READY_OR_BUSY,
    }  # fmt: skip
    return State(sign, said[found], Style.BUSY, shorter=(menu_words.BUSY,) if found is Doing.WORKING else ())


def tps(server: Server, model: Model) -> Tuple[str, Style]:
    """Return a model's speed: live, estimated, or the last one."""
    reading = server.figures.speeds.get(model.id)
    if reading is None:
        last = readings.last(model)
        return (units.UNKNOWN if last is None else words.LAST.format(units.rate(last.tps))), Style.DIM
    return rate(reading), Style.BUSY


def rate(reading: Reading) -> str:
    """Return a current speed without its unit, marked if it is an estimate."""
    return menu_words.SOURCE_MARKS[reading.source] + units.rate(reading.tps)


def memory(server: Server, model: Model) -> Tuple[str, Style]:
    """Return a loaded model's memory, or in parentheses what it needed when it was last loaded."""
    if model.id in server.figures.memory_bytes:
        return units.size(server.figures.memory_bytes[model.id]), Style.PLAIN
    known = server.totals.told.needs.get(model.id)
    needed = known.memory_bytes if known is not None else model.memory_peak_bytes
    return (f"({needs.size(needed)})" if needed else units.UNKNOWN), Style.DIM


def context(model: Model) -> Tuple[str, Optional[float]]:
    """Return the context as used/size and the used share; only the size while it is empty."""
    size = readings.context_tokens(model)
    if size is None:
        return units.UNKNOWN, None
    used = readings.context_used(model)
    if model.state != READY or not used:
        return units.short_count(size), None
    return f"{units.short_count(used)}/{units.short_count(size)}", min(1.0, used / size)


def unloads(server: Server, model: Model, *, now_s: float) -> Tuple[str, Style]:
    """Return when a loaded model unloads: the time left, or else its idle time."""
    if model.state != READY or model.ttl_s is None:
        return units.UNKNOWN, Style.DIM
    if not model.ttl_s:
        return words.NEVER, Style.DIM
    rest_s = readings.unloads_in_s(server.snapshot, model, now_s=now_s)
    if rest_s is None:
        return units.duration(model.ttl_s), Style.DIM
    return units.countdown(max(0.0, rest_s)), Style.WARN if rest_s < 60 else Style.PLAIN


def today(server: Server, scene: Scene, model_id: str) -> Sums:
    """Return a model's totals for today."""
    return day(server, scene).get(model_id, Sums())


def models(server: Server, *, now_s: float, sort: str = "state", wanted: str = "") -> List[Model]:
    """Return the models to show, sorted. An unlisted model is shown only while it is loaded or has failed."""
    found = server.snapshot.models.values()
    absent = {model.id for model in found if state(server, model, now_s=now_s).absent}
    shown = [
        model
        for model in found
        if (not model.info.unlisted or model.id not in absent)
        and _matches(wanted, server.label(model.id), model.id)
    ]
    shown.sort(key=lambda model: (server.label(model.id).casefold(), model.id))
    if sort == "speed":
        shown.sort(key=lambda model: -_tps_of(server, model))
    elif sort == "memory":
        shown.sort(key=lambda model: -(model.memory_bytes or 0))
    elif sort == "state":
        shown.sort(key=lambda model: model.id in absent)
    return shown


def _tps_of(server: Server, model: Model) -> float:
    reading = server.figures.speeds.get(model.id) or readings.last(model)
    return 0.0 if reading is None else reading.tps


def requests(server: Server, *, wanted: str = "") -> List[Request]:
    """Return the active requests to show, oldest first."""
    found = [
        request
        for request in server.snapshot.requests.values()
        if _matches(wanted, server.label(request.info.model), request.info.model, request.info.id)
    ]
    return sorted(found, key=lambda request: (request.started_s, request.info.id))


def _matches(wanted: str, *texts: str) -> bool:
    return not wanted or any(wanted.casefold() in text.casefold() for text in texts)


def thing_of(request: Request) -> Thing:
    """Return the value that selects a request."""
    return Thing(REQUEST, request.info.id, request.info.stamp)


def request_of(snapshot: Snapshot, thing: Thing) -> Optional[Request]:
    """Return the selected request itself; None if it has ended."""
    found = snapshot.requests.get(thing.id)
    return found if found is not None and found.info.stamp == thing.mark else None


def tokens(server: Server, request: Request, phase: Phase) -> str:
    """Return how many tokens a request has generated, or how much of its prompt is processed."""
    model = server.snapshot.models.get(request.info.model)
    known = details.generated(server, request, phase)
    if phase is Phase.PROMPT and model is not None:
        known = readings.prompt_position(model)
    return units.count(known) if known else units.UNKNOWN


def doing_of(request: Request, phase: Phase) -> State:
    """Return what a request is doing: a symbol, which is that of the matching status, and words."""
    said = doing_words.phase(phase, request.kind)
    shorter = (words.WAITING,) if phase is Phase.LOADING else (words.READING,) if phase is Phase.PROMPT else ()
    return State(GLYPHS[BY_PHASE[phase]], said, Style.WARN if phase in WAITING else Style.BUSY, shorter=shorter)


def shown_server(scene: Scene, name: str) -> Server:
    """Return the server with a name, else the first."""
    return next((server for server in scene.servers if server.name == name), scene.servers[0])


def label(server: Server, thing: Thing) -> str:
    """Return what a model or request is called in a message."""
    return server.label(thing.id) if thing.kind == MODEL else words.REQUEST_NUMBER.format(reason(thing.id))


def named(server: Server, model_id: str, room: int) -> str:
    """Return a model's label, cut so that it still differs from all others."""
    shown = server.labels_within(room).get(model_id) or name(model_id, room)
    if columns(shown) <= room:
        return shown
    return server.labels_within(room // 2).get(model_id) or name(model_id, room // 2)  # a wide one takes two columns
