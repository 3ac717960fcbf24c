"""The first section: how the server is, since when, and what to do if it is not well: the cause first."""

from typing import List, Tuple

from llamabar.core import units
from llamabar.core.events import FaultKind, ServiceState
from llamabar.core.status import Status
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.palette import SYMBOLS
from llamabar.view.scene import Server
from llamabar.view.sections.actions import in_terminal, item, service_item, service_known
from llamabar.view.text import name, plain, reason

STARTABLE = (Status.STOPPED, Status.UNREACHABLE, Status.CRASHING, Status.STARTING)
CALM = (Status.STOPPED, Status.STARTING, Status.STOPPING)  # as it was wanted
OPENS_SETTINGS = (
    FaultKind.UNAUTHORIZED, FaultKind.NOT_LLAMA_SWAP, FaultKind.BASIC_AUTH, FaultKind.SIGN_IN, FaultKind.HTTPS_ONLY,
    FaultKind.NO_ADDRESS,
)  # fmt: skip


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return the server's line and, when it is not well, why and what to do."""
    snapshot = server.snapshot
    label = words.SERVER if server.only else name(server.name)
    text = f"{label}: {words.status(snapshot, server.status)}"
    details, symbol = _details(server, now_s), SYMBOLS[server.status]
    if snapshot.connected or snapshot.fault is None:
        return (Row(text, symbol=symbol, children=details), *_refused(server, now_s))
    level = Level.NORMAL if server.status in CALM else Level.ERROR
    line = Row(words.AT.format(text, server.address), symbol=symbol, level=level, children=details)
    return (line, *_remedies(server, now_s), *_refused(server, now_s))


def _remedies(server: Server, now_s: float) -> List[Row]:
    snapshot, fault, cause = server.snapshot, server.snapshot.fault, server.cause
    assert fault is not None
    found: List[Row] = []
    if server.status not in CALM or cause is not None:
        why = words.why(fault, server.status) if cause is None else reason(cause.title)
        detail = f" ({reason(fault.detail)})" if fault.detail else ""
        found.append(Row(f"{words.WHY}: {why}{detail}", level=Level.QUIET))
    if cause is not None and cause.remedy and server.status is not Status.STOPPED:
        copied = Action(Do.COPY, cause.remedy, server=server.name)
        found.append(Row(f"{words.COPY_FIX}: {reason(cause.remedy)}", action=copied, level=Level.WARNING))
    elif fault.kind in words.REMEDIES:
        found.append(Row(words.REMEDIES[fault.kind], level=Level.WARNING))
    if service_known(server) and server.status in STARTABLE:
        # one that runs and is silent: starting it would do nothing
        silent = snapshot.service is not None and snapshot.service.state is ServiceState.RUNNING
        found.append(service_item(server, *((words.RESTART, Do.RESTART) if silent else (words.START, Do.START))))
    if fault.kind in OPENS_SETTINGS:
        found.append(item(server, words.OPEN_SETTINGS, Do.SHOW, target="settings"))
    found.append(in_terminal(server, words.DOCTOR, "doctor"))
    if snapshot.last_seen_s is not None:
        found.append(Row(f"{words.LAST_UPDATE}: {words.ago(now_s - snapshot.last_seen_s)}", level=Level.QUIET))
    return found


def _refused(server: Server, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each click that was refused just now and has no row of a model to say so."""
    return tuple(
        Row(words.refused(asked.what, reason(asked.failure)), level=Level.WARNING)
        for asked in server.snapshot.asked.values()
        if asked.failure and asked.what not in (Do.LOAD.value, Do.UNLOAD.value) and asked.ended_s is not None
        if now_s - asked.ended_s < words.REFUSED_FOR_S
    )


def _details(server: Server, now_s: float) -> Tuple[Row, ...]:
    snapshot, used_bytes = server.snapshot, server.figures.server_bytes
    found = [Row(f"{words.ADDRESS}: {server.address}", level=Level.QUIET)]
    if snapshot.version:
        found.append(Row(f"{words.VERSION}: v{plain(snapshot.version)}", level=Level.QUIET))
    if snapshot.connected and snapshot.connection_since_s is not None:
        said = words.CONNECTED_FOR.format(units.duration(now_s - snapshot.connection_since_s))
        found.append(Row(said, level=Level.QUIET, ambient=True))
    if service_known(server) and snapshot.service is not None:
        found.append(Row(f"{words.SERVICE}: {reason(snapshot.service.label)}", level=Level.QUIET))
    if used_bytes is not None:
        found.append(Row(f"{words.MEMORY}: {words.ITSELF} {units.size(used_bytes)}", level=Level.QUIET, ambient=True))
    return tuple(found)
