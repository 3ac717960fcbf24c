"""The first section: how the server is, since when, and what to do if it is not well."""

from typing import List, Tuple

from llamabar.core import units
from llamabar.view import words
from llamabar.view.menu import Action, Do, Level, Row
from llamabar.view.palette import SYMBOLS
from llamabar.view.scene import Server
from llamabar.view.text import name, reason


def rows(server: Server, *, now_s: float) -> Tuple[Row, ...]:
    """Return the server's line and, when it is not well, why and what to do."""
    snapshot = server.snapshot
    label = words.SERVER if server.only else name(server.name)
    text = f"{label}: {words.status(snapshot, server.status)}"
    if snapshot.connected or snapshot.fault is None:
        return (Row(text, symbol=SYMBOLS[server.status], children=_details(server, now_s)), *_refused(server, now_s))
    shown = [
        Row(
            f"{text} at {server.address}",
            symbol=SYMBOLS[server.status],
            level=Level.ERROR,
            children=_details(server, now_s),
        ),
        Row(f"Why: {words.FAULTS[snapshot.fault.kind]}{_detail(snapshot.fault.detail)}", level=Level.QUIET),
    ]
    if snapshot.fault.kind in words.REMEDIES:
        shown.append(Row(words.REMEDIES[snapshot.fault.kind], level=Level.WARNING))
    if snapshot.last_seen_s is not None:
        seen = words.ago(now_s - snapshot.last_seen_s)
        shown.append(Row(f"Last seen: {seen}. {words.STALE}", level=Level.QUIET))
    return tuple(shown)


def _refused(server: Server, now_s: float) -> Tuple[Row, ...]:
    """Return a row for each click that was refused just now and has no row of a model to say so."""
    return tuple(
        Row(f"Could not {asked.what}: {reason(asked.failure)}", level=Level.WARNING)
        for asked in server.snapshot.asked.values()
        if asked.failure and asked.what not in (Do.LOAD.value, Do.UNLOAD.value) and asked.ended_s is not None
        if now_s - asked.ended_s < words.REFUSED_FOR_S
    )


def _detail(text: str) -> str:
    return f" ({reason(text)})" if text else ""


def _details(server: Server, now_s: float) -> Tuple[Row, ...]:
    snapshot = server.snapshot
    found: List[Row] = [Row(f"Address: {server.address}", level=Level.QUIET)]
    if snapshot.version:
        found.append(Row(f"Version: v{reason(snapshot.version)}", level=Level.QUIET))
    if snapshot.connected and snapshot.connection_since_s is not None:
        watched = units.duration(now_s - snapshot.connection_since_s)
        found.append(Row(f"Watched: for {watched}", level=Level.QUIET, ambient=True))
    if snapshot.service is not None and snapshot.service.label:
        found.append(Row(f"Service: {reason(snapshot.service.label)}", level=Level.QUIET))
    for profile in snapshot.profiles if snapshot.connected else ():
        action = Action(Do.PROFILE, "" if profile == snapshot.profile else profile, server=server.name)
        found.append(Row(f"Profile {name(profile)}", action=action, checked=profile == snapshot.profile))
    return tuple(found)
