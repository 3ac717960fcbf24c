"""The first section: how the server is, since when, and what to do if it is not well: the cause first."""

from typing import List, Tuple

from llamabar.core import units
from llamabar.core.events import FaultKind, ServiceState
from llamabar.core.status import Status
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.palette import SYMBOLS
from llamabar.view.scene import Server
from llamabar.view.sections.actions import item, restart, service_known, start
from llamabar.view.text import name, reason

STARTABLE = (Status.STOPPED, Status.UNREACHABLE, Status.CRASHING, Status.STARTING)
CALM = (Status.STOPPED, Status.STARTING, Status.STOPPING)  # as it was wanted
OPENS_SETTINGS = (FaultKind.UNAUTHORIZED, FaultKind.NOT_LLAMA_SWAP, FaultKind.NO_ADDRESS)


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return the server's line and, when it is not well, why and what to do."""
    snapshot = server.snapshot
    label = words.SERVER if server.only else name(server.name)
    text = f"{label}: {words.status(snapshot, server.status)}"
    line = Row(text, symbol=SYMBOLS[server.status], children=_details(server, now_s))
    if snapshot.connected or snapshot.fault is None:
        return (line, *_refused(server, now_s))
    level = Level.NORMAL if server.status in CALM else Level.ERROR
    at = Row(words.at(text, server.address), symbol=line.symbol, level=level, children=line.children)
    return (at, *_remedies(server, now_s), *_refused(server, now_s))


def _remedies(server: Server, now_s: float) -> List[Row]:
    snapshot, fault = server.snapshot, server.snapshot.fault
    assert fault is not None
    why = server.cause.title if server.cause is not None else words.FAULTS[fault.kind]
    found: List[Row] = []
    if server.status not in CALM or server.cause is not None:
        found.append(Row(f"{words.WHY}: {reason(why)}{_detail(fault.detail)}", level=Level.QUIET))
    if server.cause is not None and server.cause.remedy and server.status is not Status.STOPPED:
        copied = Action(Do.COPY, server.cause.remedy, server=server.name)
        found.append(Row(f"{words.TYPE}: {reason(server.cause.remedy)}", action=copied, level=Level.WARNING))
    elif fault.kind in words.REMEDIES:
        found.append(Row(words.REMEDIES[fault.kind], level=Level.WARNING))
    if service_known(server) and server.status in STARTABLE:
        # one that runs and is silent: start does nothing
        runs = snapshot.service is not None and snapshot.service.state == ServiceState.RUNNING
        found.append(restart(server) if runs else start(server))
    if fault.kind in OPENS_SETTINGS:
        found.append(item(server, words.OPEN_SETTINGS, Do.SHOW, "settings"))
    found.append(Row(words.WHY_DOCTOR, action=Action(Do.TERMINAL, f"doctor{server.option}", server=server.name)))
    if snapshot.last_seen_s is not None:
        seen = words.ago(now_s - snapshot.last_seen_s)
        found.append(Row(f"{words.LAST_SEEN}: {seen}. {words.STALE}", level=Level.QUIET))
    return found


def _refused(server: Server, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each click that was refused just now and has no row of a model to say so."""
    return tuple(
        Row(words.refused(asked.what, reason(asked.failure)), level=Level.WARNING)
        for asked in server.snapshot.asked.values()
        if asked.failure and asked.what not in (Do.LOAD.value, Do.UNLOAD.value) and asked.ended_s is not None
        if now_s - asked.ended_s < words.REFUSED_FOR_S
    )


def _detail(text: str) -> str:
    return f" ({reason(text)})" if text else ""


def _details(server: Server, now_s: float) -> Tuple[Row, ...]:
    snapshot = server.snapshot
    found: List[Row] = [Row(f"{words.ADDRESS}: {server.address}", level=Level.QUIET)]
    if snapshot.version:
        found.append(Row(f"{words.VERSION}: v{reason(snapshot.version)}", level=Level.QUIET))
    if snapshot.connected and snapshot.connection_since_s is not None:
        watched = words.lasting(now_s - snapshot.connection_since_s)
        found.append(Row(f"{words.WATCHED}: {watched}", level=Level.QUIET, ambient=True))
    if service_known(server) and snapshot.service is not None:
        found.append(Row(f"{words.SERVICE}: {reason(snapshot.service.label)}", level=Level.QUIET))
    if server.figures.server_bytes is not None:
        own = units.size(server.figures.server_bytes)
        found.append(Row(f"{words.MEMORY}: {words.ITSELF} {own}", level=Level.QUIET, ambient=True))
    return tuple(found)
