"""The first section: a server's state and its age, and if something is wrong, why and what to do."""

from typing import List, Tuple

from llamabar.core import readings, units
from llamabar.core.events import FaultKind, ServiceState
from llamabar.core.state import READY, STARTING, Snapshot, in_flight, loaded
from llamabar.core.status import Status
from llamabar.view import palette, words
from llamabar.view.menu import Action, Do, Row
from llamabar.view.scene import Scene, Server
from llamabar.view.sections.items import asking, chart, fact, in_terminal, item, range_tooltip, service_known
from llamabar.view.text import name, plain, reason

STARTABLE = (Status.STOPPED, Status.UNREACHABLE, Status.CRASHING, Status.STARTING)
CALM = (Status.STOPPED, Status.STARTING, Status.STOPPING)  # as the user wanted it
START_HELPS = (FaultKind.REFUSED, FaultKind.TIMEOUT, FaultKind.CLOSED, FaultKind.SERVER_ERROR, FaultKind.GATEWAY)
OPENS_SETTINGS = (
    FaultKind.UNAUTHORIZED, FaultKind.NOT_LLAMA_SWAP, FaultKind.BASIC_AUTH, FaultKind.SIGN_IN, FaultKind.HTTPS_ONLY,
    FaultKind.NO_ADDRESS, FaultKind.UNKNOWN_HOST, FaultKind.UNTRUSTED, FaultKind.MOVED,
)  # fmt: skip


def is_gone(snapshot: Snapshot) -> bool:
    """Tell whether a server can't be watched, so its models and requests are hidden. A short gap doesn't count."""
    return not snapshot.connected and not (snapshot.fault is not None and snapshot.fault.kind is FaultKind.LAGGING)


def rows(server: Server, scene: Scene) -> Tuple[Row, ...]:
    """Return the server's line, then its speed chart or, if something is wrong, why and what to do.

    The line begins with a fixed name, not with the state: SwiftBar 2.1 identifies a row in an open menu by its label up
    to the first colon, and would close its submenu whenever the state changed.
    """
    label = words.SERVER if server.only else name(server.name)
    said = f"{label}: {words.status(server.snapshot, server.status)}"
    if is_gone(server.snapshot) and server.snapshot.fault is not None:
        said = words.AT.format(said, server.address)
    line = head(server, scene, said, doing(server, scene.now_s))
    more = _remedies(server) if is_gone(server.snapshot) else [_speed(server, scene)]
    return (line, *more, *_refused(server, scene.now_s))


def instead(server: Server, scene: Scene) -> Tuple[Row, ...]:
    """Return what replaces the models of a server that is gone: how to find out why, and what was last seen.

    It is never empty, so that the separators of an open menu stay where they are.
    """
    snapshot, found = server.snapshot, [in_terminal(server, palette.DIAGNOSE, words.DOCTOR, "doctor")]
    if snapshot.last_seen_s is not None:
        shown = [server.label(model.id) for model in loaded(snapshot)[:3]]
        said = words.joined(words.ago(scene.now_s - snapshot.last_seen_s), *shown)
        found.append(fact(palette.TIME, words.LAST_UPDATE, said))
    return tuple(found)


def head(server: Server, scene: Scene, label: str, value: str, *children: Row) -> Row:
    """Return a server's line. `children` come before the server's own details."""
    return Row(label, value, palette.SYMBOLS[server.status], children=(*children, *_details(server, scene.now_s)))


def doing(server: Server, now_s: float) -> str:
    """Return how far a server is with what it does, or how long it has been gone; "" if unknown."""
    snapshot, status = server.snapshot, server.status
    if is_gone(snapshot):
        gone_s = now_s - (now_s if snapshot.last_seen_s is None else snapshot.last_seen_s)
        return units.duration(gone_s) if gone_s >= 60 else ""
    if status is Status.GENERATING and server.figures.total is not None:
        return words.speed(server.figures.total)
    if status is Status.PROMPT:
        positions = [readings.prompt_position(model) for model in loaded(snapshot)]
        return words.tokens(sum(position or 0 for position in positions)) if any(positions) else ""
    if status is Status.LOADING:
        loading = [readings.loading_for_s(one, now_s=now_s) for one in loaded(snapshot) if one.state == STARTING]
        return units.duration(max((s for s in loading if s is not None), default=None))
    if status is Status.QUEUED:
        return units.count(in_flight(snapshot))
    ready = sum(model.state == READY for model in loaded(snapshot))
    return words.counted(ready, "model") if status is Status.READY and ready else ""


def _speed(server: Server, scene: Scene) -> Row:
    """Return the speed chart. Its row shows the time span, its tooltip the figures."""
    speed, prompt = (range_tooltip(server, scene, reading, words.tps) for reading in ("generation_tps", "prompt_tps"))
    tooltip = "; ".join(filter(None, (speed, f"{words.PROMPT}: {prompt}" if prompt else "")))
    image = chart(server, scene, "generation_tps", spec=scene.chart, second="prompt_tps")
    return Row(words.SPEED, units.duration(server.history.span_s), image=image, tooltip=tooltip)


def first_model(server: Server) -> Row:
    """Return what to do if the config has no models: open it, or the page that explains it."""
    if service_known(server):
        return item(server, palette.ADD, words.ADD_MODEL, Do.SHOW, target="config")
    return Row(words.ADD_MODEL, symbol=palette.ADD, action=Action(Do.OPEN, words.ADD_MODEL_URL, server=server.name))


def _remedies(server: Server) -> List[Row]:
    fault, cause = server.snapshot.fault, server.cause
    if fault is None:
        return []
    found: List[Row] = []
    if server.status not in CALM or cause is not None:
        why = words.why(fault, server.status) if cause is None else reason(cause.title)
        detail = f" ({reason(fault.detail)})" if fault.detail else ""
        found.append(fact(palette.ABOUT, f"{words.WHY}: {why}{detail}", ""))
    if server.status is Status.NO_SERVICE:
        found.append(in_terminal(server, palette.ADD, words.INSTALL, "install"))
    starts = cause is None or cause.starts
    if startable(server) and starts:
        found.append(start(server))
    if cause is not None and cause.remedy and not (starts and server.status is Status.STOPPED):
        copied = Action(Do.COPY, cause.remedy, server=server.name)
        found.append(Row(f"{words.COPY_FIX}: {reason(cause.remedy)}", symbol=palette.FIX, action=copied))
    elif fault.kind in words.REMEDIES:
        found.append(Row(words.REMEDIES[fault.kind], symbol=palette.FIX, warning=True))
    if fault.kind in OPENS_SETTINGS:
        found.append(item(server, palette.GEAR, words.OPEN_SETTINGS, Do.SHOW, target="settings"))
    return found


def startable(server: Server) -> bool:
    """Return whether there is a service that could be started now, and whether that would help."""
    fault = server.snapshot.fault
    helps = fault is not None and fault.kind in START_HELPS
    return helps and service_known(server) and server.status in STARTABLE


def start(server: Server) -> Row:
    """Return the item that starts the service. If it runs but doesn't respond, offer a restart instead."""
    service = server.snapshot.service
    label = service.label if service is not None else ""
    if service is not None and service.state is ServiceState.RUNNING:
        return asking(server, palette.RESTART, words.RESTART, words.RESTART_NOW, Do.RESTART, target=label)
    return item(server, palette.START, words.START, Do.START, target=label)


def _refused(server: Server, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each recently refused click that no model's row can show."""
    return tuple(
        Row(words.refused(asked.what, reason(asked.failure)), symbol=palette.FAILED, warning=True)
        for asked in server.snapshot.asked.values()
        if asked.failure and asked.what not in (Do.LOAD.value, Do.UNLOAD.value) and asked.ended_s is not None
        if now_s - asked.ended_s < words.REFUSED_FOR_S
    )


def _details(server: Server, now_s: float) -> Tuple[Row, ...]:
    snapshot, used_bytes = server.snapshot, server.figures.server_bytes
    found = [fact(palette.AWAKE, words.AWAKE, "")] if server.awake else []
    found.append(fact(palette.ADDRESS, words.ADDRESS, server.address))
    if snapshot.version:
        found.append(fact(palette.ABOUT, words.VERSION, f"v{plain(snapshot.version)}"))
    if service_known(server) and snapshot.service is not None:
        found.append(fact(palette.GEAR, words.AGENT, reason(snapshot.service.label)))
    if snapshot.connected and snapshot.connection_since_s is not None:
        said = units.duration(now_s - snapshot.connection_since_s)
        found.append(fact(palette.TIME, words.CONNECTED, said, ambient=True))
    if used_bytes is not None:
        found.append(fact(palette.MEMORY, words.ITSELF, units.size(used_bytes), ambient=True))
    return tuple(found)
