"""The queue between the thread that reads the stream and the loop: bounded, with only the newest event of each kind.

Law: the reader never waits. More than PENDING_EVENTS events or PENDING_ROWS rows mean that the loop is stuck. Then the
connection must be closed rather than left unread (facts on llama-swap, trap 1).
"""

from typing import Dict, FrozenSet, List, NamedTuple, Tuple

from llamabar.core import events as ev
from llamabar.core.limits import PENDING_EVENTS, PENDING_ROWS, REQUESTS
from llamabar.core.state import STOPPED, STOPPING


class Stamped(NamedTuple):
    """An event and when it was received."""

    at_s: float
    event: ev.Event


Pending = Dict["Key", Stamped]


class Answers:
    """The last report of each request in a stream, to recognize updates without news."""

    def __init__(self) -> None:
        self._last: Dict[str, ev.RequestInfo] = {}

    def only_grew(self, event: ev.Event) -> bool:
        """Record an event; tell whether all it says is that an answer that had already started has more bytes now."""
        if isinstance(event, ev.InflightUpserted):
            return self._grew(event.request)
        if isinstance(event, ev.InflightRemoved):
            self._last.pop(event.id, None)
        elif isinstance(event, (ev.InflightListed, ev.StreamOpened)):
            self._last = {}
        return False

    def _grew(self, now: ev.RequestInfo) -> bool:
        before = self._last.get(now.id)
        if before is not None or len(self._last) < REQUESTS:
            self._last[now.id] = now
        if before is None or not before.resp_bytes or not now.resp_bytes:
            return False
        return now._replace(resp_bytes=before.resp_bytes, elapsed_s=before.elapsed_s) == before


def add(pending: Pending, stamped: Stamped) -> bool:
    """Add an event in place of the older ones that it makes obsolete; return False when too much is queued."""
    event = stamped.event
    if isinstance(event, (ev.InflightListed, ev.StreamOpened)):
        for old in [key for key in pending if key[0] in ("request", "ended")]:
            del pending[old]
    if isinstance(event, ev.InflightRemoved):
        _drop_silent(pending, event.id)
    key = _key(event, len(pending))
    replaced = pending.pop(key, None)
    if isinstance(event, ev.ModelsListed) and replaced is not None and isinstance(replaced.event, ev.ModelsListed):
        stamped = stamped._replace(event=event._replace(unloading=_unloading(replaced.event, event)))
    if isinstance(event, ev.RequestsFinished) and replaced is not None:
        stamped = stamped._replace(event=_together(replaced.event, event))
    pending[key] = stamped
    rows = _rows(pending) if isinstance(event, ev.RequestsFinished) else 0
    return len(pending) <= PENDING_EVENTS and rows <= PENDING_ROWS


def _drop_silent(pending: Pending, request_id: str) -> None:
    """Drop the queued update of an ended request unless it has a byte count: that calibrates bytes per token."""
    waits = pending.get(("request", request_id))
    if waits is not None and isinstance(waits.event, ev.InflightUpserted) and not waits.event.request.resp_bytes:
        del pending["request", request_id]


def _rows(pending: Pending) -> int:
    return sum(len(waits.event.rows) for waits in pending.values() if isinstance(waits.event, ev.RequestsFinished))


def take(pending: Pending) -> List[Stamped]:
    """Return everything queued, in order, and empty the queue."""
    taken = list(pending.values())
    pending.clear()
    return taken


def _unloading(before: ev.ModelsListed, now: ev.ModelsListed) -> FrozenSet[str]:
    """Return the models that the replaced table said were unloading, or both tables said are stopped (apply_models)."""
    stopped = {info.id for info in now.models if info.state == STOPPED}
    said = {
        info.id for info in before.models if info.state == STOPPING or (info.state == STOPPED and info.id in stopped)
    }
    return before.unloading | said


def _together(before: ev.Event, now: ev.RequestsFinished) -> ev.RequestsFinished:
    """Return queued rows as one event, in order: up to v235, rows of requests that end together come in any order."""
    rows = (*(before.rows if isinstance(before, ev.RequestsFinished) else ()), *now.rows)
    return now._replace(rows=tuple(sorted(rows, key=lambda row: row.id)))


Key = Tuple[str, object]


def _key(event: ev.Event, count: int) -> Key:
    if isinstance(event, ev.InflightUpserted):
        return ("request", event.request.id)
    if isinstance(event, ev.InflightRemoved):
        return ("ended", event.id)
    if isinstance(event, (ev.ModelsListed, ev.InflightListed, ev.InflightCounted, ev.ProfileChosen)):
        return ("whole", type(event))
    if isinstance(event, ev.RequestsFinished) and event.streamed:
        return ("rows", event.replayed)
    if isinstance(event, ev.ActivityNoted) and event.id is not None:
        return ("activity", event.id)
    return ("each", (count, id(event)))
