"""What to ask next, and nothing more: the whole list of requests that watching ever makes.

The law: never a route that loads a model, counts as use, or starts an answer. In the steady state only routes
that llama-swap does not log: its heartbeat; `/running` only after a model became ready; finished requests once a
burst. A model server's `/slots` only while its model is ready and has a request in flight.
"""

import math
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import List, Mapping, NamedTuple, Optional, Tuple

from llamabar.core.address import is_loopback
from llamabar.core.events import Event
from llamabar.core.state import READY, Model, Snapshot, at_work, in_flight, requests_of

SETTLE_S = 0.15  # events come in bursts
BURST_S = 1.0  # finished requests are fetched this long after the first of a burst
HEARTBEAT_S = 20.0
MISSED_HEARTBEATS = 2
SLOTS_EVERY_S = 1.0
NO_GPU_EVERY_S = 300.0
GPU_EVERY_S = 10.0  # llama-swap itself samples every 5 s
SLOTS_SOON_S = 0.5  # once, for the first pace of an answer
LONGEST_BACKOFF_S = 30.0


class Kind(str, Enum):
    """The questions there are. Those in PROBES are asked once a connection."""

    VERSION = "version"
    RUNNING = "running"
    HEALTH = "health"
    FINISHED = "finished"
    PROFILES = "profiles"
    CANCEL_PROBE = "cancel probe"
    UNLOAD_PROBE = "unload probe"
    PERFORMANCE = "performance"
    SLOTS = "slots"


PROBES = (
    Kind.VERSION, Kind.FINISHED, Kind.PROFILES, Kind.CANCEL_PROBE, Kind.UNLOAD_PROBE, Kind.HEALTH, Kind.PERFORMANCE,
)  # fmt: skip


class Ask(NamedTuple):
    """One question; `model` and `url` only for a model server's slots, `rows` for finished requests."""

    kind: Kind
    model: str = ""
    url: str = ""
    rows: int = 0


class Answer(NamedTuple):
    """What came back: the events it means; `failed` when it should be asked again later."""

    ask: Ask
    events: Tuple[Event, ...] = ()
    failed: bool = False


class Turn(NamedTuple):
    """When a question was last asked and answered, and how often in a row it failed."""

    connection: int
    asked_s: float
    answered_s: Optional[float] = None
    failures: int = 0


@dataclass(frozen=True)
class AskLog:
    """The last turn of every question, by kind and model."""

    turns: Mapping["tuple[Kind, str]", Turn] = field(default_factory=dict)

    def asked(self, ask: Ask, connection: int, *, now_s: float) -> "AskLog":
        """Return the log with a question sent now."""
        failures = self.turns.get((ask.kind, ask.model), Turn(0, 0.0)).failures
        return replace(self, turns={**self.turns, (ask.kind, ask.model): Turn(connection, now_s, None, failures)})

    def answered(self, kind: Kind, model: str, *, now_s: float, failed: bool) -> "AskLog":
        """Return the log with an answer that came now."""
        turn = self.turns.get((kind, model))
        if turn is None:
            return self
        failures = turn.failures + 1 if failed else 0
        return replace(self, turns={**self.turns, (kind, model): turn._replace(answered_s=now_s, failures=failures)})

    def waiting(self, kind: Kind, model: str = "") -> bool:
        """Tell whether a question is on its way."""
        turn = self.turns.get((kind, model))
        return turn is not None and turn.answered_s is None

    def settled(self, kind: Kind, connection: int, *, now_s: float) -> bool:
        """Tell whether a probe was asked in this connection and, if it failed, need not be repeated yet."""
        return self.asked_in(kind, connection) and now_s < self.retry_at_s(kind)

    def retry_at_s(self, kind: Kind) -> float:
        """Return when a question that failed may be repeated; infinity if it did not fail."""
        turn = self.turns.get((kind, ""))
        if turn is None or not turn.failures or turn.answered_s is None:
            return math.inf
        return turn.asked_s + min(2.0 ** min(turn.failures, 6), 60.0)

    def blocked(self, kind: Kind, *, now_s: float) -> bool:
        """Tell whether a question is on its way, or failed too recently."""
        retry_s = self.retry_at_s(kind)
        return self.waiting(kind) or (retry_s < math.inf and now_s < retry_s)

    def asked_in(self, kind: Kind, connection: int) -> bool:
        """Tell whether a question was asked in this connection."""
        turn = self.turns.get((kind, ""))
        return turn is not None and turn.connection == connection


def due(
    snapshot: Snapshot, log: AskLog, *, now_s: float, local: bool = True, processes: bool = False
) -> List[Ask]:
    """Return the questions to send now; none while there is no connection.

    `local`: the server runs on this computer, so that a loopback address in its answers is ours too.
    `processes`: its processes are looked up, and a model server is asked nothing before that.
    """
    if not snapshot.connected or snapshot.table_is_new:
        return []
    asks = [Ask(kind) for kind in PROBES if not log.settled(kind, snapshot.connections, now_s=now_s)]
    asks += [Ask(Kind.RUNNING)] if _running_due(snapshot, log, now_s) else []
    asks += [Ask(Kind.FINISHED)] if _finished_due(snapshot, log, now_s) else []
    asks += [Ask(Kind.HEALTH)] if _health_due(snapshot, log, now_s) else []
    asks += [Ask(Kind.PERFORMANCE)] if _gpu_wanted(snapshot) and now_s >= _gpu_at_s(snapshot, log) else []
    asks += _slots_due(snapshot, log, now_s, processes) if local else []
    sent = [ask for ask in asks if not log.waiting(ask.kind, ask.model)]
    return [ask._replace(rows=_rows(snapshot)) if ask.kind is Kind.FINISHED else ask for ask in sent]


def next_due_s(
    snapshot: Snapshot, log: AskLog, *, now_s: float, local: bool = True, processes: bool = False
) -> float:
    """Return the time before which `due` stays empty unless an event comes."""
    times = [now_s + HEARTBEAT_S]
    times += [retry_s for kind in PROBES if (retry_s := log.retry_at_s(kind)) > now_s]
    noted_s = snapshot.activity_noted_s
    if noted_s is not None and not _rows_refused(snapshot) and not log.blocked(Kind.FINISHED, now_s=now_s):
        times.append(noted_s + BURST_S)
    for model in snapshot.models.values():
        unread = model.state == READY and not model.running_read and model.state_since_s is not None
        if unread and not log.blocked(Kind.RUNNING, now_s=now_s):
            times.append((model.state_since_s or 0.0) + SETTLE_S)
        if local and _slots_wanted(snapshot, model, processes) and not log.waiting(Kind.SLOTS, model.id):
            times.append(_slots_at_s(log, model, now_s))
    if _gpu_wanted(snapshot) and not log.waiting(Kind.PERFORMANCE):
        times.append(_gpu_at_s(snapshot, log))
    if _has_heartbeat(snapshot) and not log.waiting(Kind.HEALTH):
        times.append(_heartbeat_at_s(snapshot, log))
    return max(now_s + 0.02, min(times))


def heartbeat_failed(snapshot: Snapshot) -> bool:
    """Tell whether a connection that still seems open has no server behind it."""
    return snapshot.connected and snapshot.missed_heartbeats >= MISSED_HEARTBEATS


def _rows(snapshot: Snapshot) -> int:
    """The first look wants all that the server keeps (999 is its largest page), a burst its own rows."""
    return 999 if snapshot.newest_row_id is None else min(999, max(10, snapshot.activity_count + 5))


def _running_due(snapshot: Snapshot, log: AskLog, now_s: float) -> bool:
    unread = [model for model in snapshot.models.values() if model.state == READY and not model.running_read]
    settled = all(model.state_since_s is None or now_s - model.state_since_s >= SETTLE_S for model in unread)
    return bool(unread) and settled and not log.blocked(Kind.RUNNING, now_s=now_s)


def _finished_due(snapshot: Snapshot, log: AskLog, now_s: float) -> bool:
    noted_s = snapshot.activity_noted_s
    if noted_s is None or _rows_refused(snapshot):
        return False
    return now_s - noted_s >= BURST_S and not log.blocked(Kind.FINISHED, now_s=now_s)


def _rows_refused(snapshot: Snapshot) -> bool:
    return {"activity", "metrics"} <= snapshot.refuted


def _has_heartbeat(snapshot: Snapshot) -> bool:
    """Where there is no unlogged route, or asking could wake a sleeping machine, the connection is the heartbeat."""
    return "wol_health" in snapshot.confirmed and not snapshot.wakes


def _gpu_wanted(snapshot: Snapshot) -> bool:
    """Its route is unlogged; even so it is asked only where it is there, and while somebody waits."""
    return "performance" in snapshot.confirmed and bool(in_flight(snapshot))


def _gpu_at_s(snapshot: Snapshot, log: AskLog) -> float:
    """A server that told of no GPU may only have had no sample yet."""
    every_s = GPU_EVERY_S if "gpu" in snapshot.confirmed else NO_GPU_EVERY_S
    turn = log.turns.get((Kind.PERFORMANCE, ""))
    return (turn.asked_s if turn is not None else 0.0) + every_s


def _health_due(snapshot: Snapshot, log: AskLog, now_s: float) -> bool:
    return _has_heartbeat(snapshot) and now_s >= _heartbeat_at_s(snapshot, log)


def _heartbeat_at_s(snapshot: Snapshot, log: AskLog) -> float:
    """The stream is its own heartbeat while it speaks; a missed one is repeated soon."""
    turn = log.turns.get((Kind.HEALTH, ""))
    asked_s = turn.asked_s if turn is not None else 0.0
    every_s = 3.0 if snapshot.missed_heartbeats else HEARTBEAT_S
    return max(asked_s, 0.0 if snapshot.missed_heartbeats else snapshot.last_event_s or 0.0) + every_s


def _slots_due(snapshot: Snapshot, log: AskLog, now_s: float, processes: bool) -> List[Ask]:
    wanted = [model for _, model in sorted(snapshot.models.items()) if _slots_wanted(snapshot, model, processes)]
    return [
        Ask(Kind.SLOTS, model=model.id, url=model.server_url or "")
        for model in wanted
        if now_s >= _slots_at_s(log, model, now_s)
    ]


def _slots_wanted(snapshot: Snapshot, model: Model, processes: bool) -> bool:
    sleeps = model.may_sleep or (processes if model.process is None else model.process.may_sleep)
    return (
        model.state == READY
        and model.server_url is not None
        and is_loopback(model.server_url)
        and not sleeps
        and not model.slots_closed
        and _has_request(snapshot, model)
    )


def _has_request(snapshot: Snapshot, model: Model) -> bool:
    """A version that only counts requests tells whose they are when a single model is ready.

    Where none is told, llama-swap's connections to the model's server tell, until its slots are seen idle.
    """
    if requests_of(snapshot, model.id):
        return True
    if in_flight(snapshot) is None:
        return at_work(model)
    ready = [other for other in snapshot.models.values() if other.state == READY]
    return not snapshot.requests and bool(in_flight(snapshot)) and len(ready) == 1


def _slots_at_s(log: AskLog, model: Model, now_s: float) -> float:
    turn = log.turns.get((Kind.SLOTS, model.id))
    if turn is None:
        return now_s
    every_s = SLOTS_SOON_S if model.meter.unpaced() else SLOTS_EVERY_S
    backoff_s = min(every_s * 2.0 ** min(turn.failures, 6), LONGEST_BACKOFF_S)
    return turn.asked_s + backoff_s
