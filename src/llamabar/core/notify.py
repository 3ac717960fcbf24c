"""What is worth a notification: a model that failed or crashed, that is ready after a long load or was unloaded by its
idle timer, a server that is gone, a long request that finished. Off by default.

At most one a minute, none in quiet hours; what happened before this program started is no news.
"""

from dataclasses import dataclass, field, replace
from typing import FrozenSet, Mapping, Optional, Tuple

from llamabar.core import state
from llamabar.core.events import ServiceState
from llamabar.core.notify_options import CRASHED, FAILED, GONE, LONG, READY, UNLOADED, NotifyOptions
from llamabar.core.state import Model, Snapshot

GONE_AFTER_S = 30.0
PAUSE_S = 60.0
EXPLAINED_S = 2.5  # within this time, the row of a request that waited tells why a load ended
TIMER_S = 5.0  # a model stopped up to this long before its idle time is over was stopped by its timer
STOPPED_ON_PURPOSE = (ServiceState.STOPPED, ServiceState.NOT_LOADED, ServiceState.STOPPING)


@dataclass(frozen=True)
class News:
    """One notification: what happened, to which model (outside text, "" for the server), and how long it took."""

    event: str
    model: str = ""
    lasted_s: Optional[float] = None


@dataclass(frozen=True)
class Told:
    """What was seen and reported for one server."""

    failures: FrozenSet[Tuple[str, float]] = frozenset()
    failing: Mapping[str, float] = field(default_factory=dict)  # when each model first failed of late
    states: Mapping[str, str] = field(default_factory=dict)  # of the models
    gone_since_s: Optional[float] = None
    newest_row_id: Optional[int] = None
    told_s: Optional[float] = None


def news(
    told: Told, snapshot: Snapshot, options: NotifyOptions, *, now_s: float, minute: int
) -> Tuple[Told, Optional[News]]:
    """Return what is seen now and the news to report, or None. `minute`: of the local day."""
    found = (
        _failed(told, snapshot, now_s), _gone(told, snapshot, now_s), _long(told, snapshot, options),
        _ready(told, snapshot, options), _unloaded(told, snapshot, now_s),
    )  # fmt: skip
    events = {*options.events, *((CRASHED,) if FAILED in options.events else ())}
    wanted = [one for one in found if one is not None and one.event in events]
    if wanted and not is_quiet(options, minute) and told.told_s is not None and now_s - told.told_s < PAUSE_S:
        return told, None  # still news when the pause is over
    seen = _seen(told, snapshot, now_s)
    if not wanted or is_quiet(options, minute):
        return seen, None
    return replace(seen, told_s=now_s), wanted[0]


def is_quiet(options: NotifyOptions, minute: int) -> bool:
    """Tell whether a minute of the day is in the quiet hours."""
    if options.quiet is None:
        return False
    begin, end = options.quiet
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def _seen(told: Told, snapshot: Snapshot, now_s: float) -> Told:
    gone_since_s = None if snapshot.connected else told.gone_since_s
    if _is_gone(snapshot, now_s):
        gone_since_s = snapshot.connection_since_s
    states = {model.id: model.state for model in snapshot.models.values()}
    failed, failures = _failed_loads(snapshot), _failures(told, snapshot, now_s)
    failing = {model_id: told.failing.get(model_id, at_s) for model_id, at_s in failed - failures}
    return replace(
        told, failures=failures, failing=failing, states=states, gone_since_s=gone_since_s,
        newest_row_id=snapshot.newest_row_id,
    )  # fmt: skip


def _failed_loads(snapshot: Snapshot) -> FrozenSet[Tuple[str, float]]:
    every = snapshot.models.values()
    return frozenset((one.id, one.failed_at_s) for one in every if one.failed_at_s is not None)


def _failures(told: Told, snapshot: Snapshot, now_s: float) -> FrozenSet[Tuple[str, float]]:
    """Return each load that failed and each server that quit by itself, with its time. A model that is loaded again and
    fails again counts from the first time on."""
    failed = _failed_loads(snapshot)
    lasting = {one for one in failed if one in told.failures or told.failing.get(*one) <= now_s - EXPLAINED_S}
    quits = {(one.id, one.quit_at_s) for one in snapshot.models.values() if one.quit_at_s is not None}
    return frozenset(lasting | quits)


def _failed(told: Told, snapshot: Snapshot, now_s: float) -> Optional[News]:
    new = sorted(_failures(told, snapshot, now_s) - told.failures)
    if not new:
        return None
    model_id, at_s = new[0]
    return News(CRASHED if snapshot.models[model_id].quit_at_s == at_s else FAILED, model_id)


def _ready(told: Told, snapshot: Snapshot, options: NotifyOptions) -> Optional[News]:
    for model in snapshot.models.values():
        loaded = model.state == state.READY and told.states.get(model.id) == state.STARTING
        if loaded and model.load_s is not None and model.load_s >= options.long_load_s:
            return News(READY, model.id, model.load_s)
    return None


def _unloaded(told: Told, snapshot: Snapshot, now_s: float) -> Optional[News]:
    """Return the news of a model that stopped when its idle time was over: its timer unloaded it, as far as we can
    tell."""
    new = (model for model in snapshot.models.values() if told.states.get(model.id) in (state.READY, state.STOPPING))
    return next((News(UNLOADED, model.id, model.ttl_s) for model in new if _timer_ended(model, now_s)), None)


def _timer_ended(model: Model, now_s: float) -> bool:
    if model.state != state.STOPPED or model.quit_at_s is not None or not model.ttl_s or model.last_use_s is None:
        return False
    return model.last_use_s + model.ttl_s <= now_s + TIMER_S


def _is_gone(snapshot: Snapshot, now_s: float) -> bool:
    since_s = snapshot.connection_since_s
    wanted = snapshot.service is not None and snapshot.service.state in STOPPED_ON_PURPOSE
    was_there = snapshot.last_seen_s is not None and not wanted  # a server that somebody stopped isn't gone
    return not snapshot.connected and was_there and since_s is not None and now_s - since_s > GONE_AFTER_S


def _gone(told: Told, snapshot: Snapshot, now_s: float) -> Optional[News]:
    new = _is_gone(snapshot, now_s) and told.gone_since_s is None
    return News(GONE) if new else None


def _long(told: Told, snapshot: Snapshot, options: NotifyOptions) -> Optional[News]:
    before = told.newest_row_id
    if before is None:
        return None
    new = [row for row in snapshot.rows if row.id > before and (row.duration_s or 0.0) >= options.long_request_s]
    return News(LONG, new[-1].model, new[-1].duration_s) if new else None
