"""Rows of finished requests: totals, last speeds, reasons for failed loads, and last uses before this program started.

Rows are numbered in the order in which requests ended: from 0 after each start of the server (v140 to v235), or from 1
and kept across a reload (v236 on; llama-swap API, 5.1). Up to v235 a row is an event of its own; later an event brings
only a number, and the rows are fetched in pages of the newest. The same row can come more than once: with each new
connection, in a page and in the stream, or in two pages. So only numbers above the newest one seen are new, and a page
that ends below it means that the table started over. v140 to v151 send up to 22 old rows one by one when a connection
opens (4.3), so rows that come right after it aren't new activity. A row doesn't have its request's ID: only model, path
and order connect the two.
"""

from dataclasses import replace
from math import inf
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from llamabar.core import clients, speed
from llamabar.core import events as ev
from llamabar.core.apply_models import did_not_start, listed_id, was_unloaded
from llamabar.core.capabilities import Capability
from llamabar.core.limits import ROWS
from llamabar.core.queries import ALL_ROWS
from llamabar.core.server_clock import ServerClock, by_header, by_row
from llamabar.core.state import READY, STOPPED, Model, Snapshot, with_model

REPLAYED_FOR_S = 1.0  # v140 to v151 send their stored rows one by one when a connection opens
DISORDER = 8  # rows of requests that end at the same time come in any order, one by one
AT_ONCE_S = 20.0  # rows that were fetched so soon after the event ended just now
EITHER_ORDER_S = 0.5  # a request's end and its row are reported in any order
NO_ROW_YET = -1  # the server was asked and had none
NOTHING_COUNTED: Mapping[str, Any] = {
    "rows": (), "rows_total": 0, "tokens_known": True, "prompt_tokens_total": 0, "generated_tokens_total": 0,
    "row_ended_s": None,
}  # fmt: skip


def finished(snapshot: Snapshot, event: ev.RequestsFinished, at_s: float) -> Snapshot:
    """Return the snapshot after rows came, by fetch or in the stream; rows seen before count once."""
    newest = _newest_seen(snapshot, event)
    if newest is not None and _lacks_some(event, newest):
        return replace(snapshot, activity_noted_s=at_s, activity_count=event.rows[-1].id - newest)
    is_first = newest is None
    snapshot, rows = _new_rows(snapshot, event, newest, at_s)
    old = is_first or (event.streamed and at_s - (snapshot.connection_since_s or 0.0) < REPLAYED_FOR_S)
    clock = _clock(snapshot, event, rows, at_s, live=not old)
    rows = tuple(row._replace(clock_s=clock.ahead_s) for row in rows) if clock.ahead_s else rows
    before = replace(snapshot, **NOTHING_COUNTED) if is_first else snapshot
    unseen = max(0, (event.total or 0) - len(event.rows)) if is_first else 0  # older rows than a page holds
    fetched = not event.streamed and snapshot.activity_noted_s is not None
    used_s = (snapshot.last_activity_s if fetched else None) or at_s  # they ended before they were fetched
    seen_s = (snapshot.activity_noted_s or 0.0) - EITHER_ORDER_S if fetched else inf  # a request seen to end since then
    noted_id = snapshot.activity_newest_id  # a request that ended while the page was on its way: fetch once more
    outran = not event.streamed and noted_id is not None and (not event.rows or event.rows[-1].id < noted_id)

    def _ended_s(row: ev.FinishedRequest) -> Optional[float]:
        return _of_old(row, event, clock, at_s) if old else at_s

    snapshot = replace(
        _counted(snapshot, before, rows, unseen=unseen),
        clock=clock,
        newest_row_id=max(rows[-1].id, newest or 0) if rows else NO_ROW_YET if newest is None else newest,
        row_ended_s=_ended_s(rows[-1]) if rows else before.row_ended_s,
        activity_noted_s=at_s if outran else None,
        activity_count=1 if outran else 0,
        activity_newest_id=None,
        last_activity_s=snapshot.last_activity_s if old or not rows else at_s,
        confirmed=snapshot.confirmed | {Capability.METRICS_EVENTS} if event.streamed else snapshot.confirmed,
    )
    for model_id, of_model in _by_model(rows).items():
        model = snapshot.models.get(model_id)
        if model is not None:
            model = replace(model, meter=speed.with_finished(model.meter, of_model, ended_s=_ended_s))
            known = (model.listed_use_s or 0.0) >= seen_s or used_s < (model.state_since_s or 0.0)
            if old:
                model = _used_before(model, map(_ended_s, of_model))
            else:
                model = _failed(_used(model, None if known else used_s), of_model, used_s)
            snapshot = with_model(snapshot, model)
    return snapshot


def _by_model(rows: Iterable[ev.FinishedRequest]) -> Dict[str, List[ev.FinishedRequest]]:
    found: Dict[str, List[ev.FinishedRequest]] = {}
    for row in rows:
        found.setdefault(row.model, []).append(row)
    return found


def _counted(
    snapshot: Snapshot, before: Snapshot, rows: Tuple[ev.FinishedRequest, ...], *, unseen: int
) -> Snapshot:
    """Return the snapshot with rows after those of another, and in its totals."""
    return replace(
        snapshot,
        rows=(*before.rows, *rows)[-ROWS:],
        new_rows=rows,
        rows_total=(before.rows_total or 0) + unseen + len(rows),
        tokens_known=before.tokens_known and not unseen,
        prompt_tokens_total=_total(before.prompt_tokens_total, rows, "prompt_tokens"),
        generated_tokens_total=_total(before.generated_tokens_total, rows, "generated_tokens"),
    )


def _newest_seen(snapshot: Snapshot, event: ev.RequestsFinished) -> Optional[int]:
    """Return the newest row's number; None before the first rows, or if the server's table started over."""
    newest = snapshot.newest_row_id
    ends_below = newest is not None and event.rows and event.total is not None and event.rows[-1].id < newest
    return None if ends_below else newest


def _lacks_some(event: ev.RequestsFinished, newest: int) -> bool:
    """Tell whether more requests ended than a page holds: it is to be fetched again, with more rows."""
    return 0 < event.limit < min(event.total or 0, ALL_ROWS) and any(event.rows) and event.rows[0].id > newest + 1


def _new_rows(
    snapshot: Snapshot, event: ev.RequestsFinished, newest: Optional[int], at_s: float
) -> Tuple[Snapshot, Tuple[ev.FinishedRequest, ...]]:
    """Return the rows that weren't seen before, with their clients, and the snapshot without the requests matched."""
    counted = {row.id for row in snapshot.rows[-2 * DISORDER :]} if newest is not None else ()
    oldest = -inf if newest is None else newest - (DISORDER if event.streamed else 0)
    new = [row for row in event.rows if row.id > oldest and row.id not in counted]
    ids = {model_id: listed_id(snapshot, model_id) for model_id in {row.model for row in new}}
    rows = tuple(row if ids[row.model] == row.model else row._replace(model=ids[row.model]) for row in new)
    return (snapshot, rows) if newest is None else clients.named(snapshot, rows, at_s)


def _clock(
    snapshot: Snapshot, event: ev.RequestsFinished, new: Tuple[ev.FinishedRequest, ...], at_s: float, *, live: bool
) -> ServerClock:
    """Return what is known of the server's clock; `live`: the new rows' requests ended just now."""
    clock, noted_s = by_header(snapshot.clock, event.clock_s), snapshot.activity_noted_s
    at_once = event.streamed or (noted_s is not None and at_s - noted_s < AT_ONCE_S)
    newest_s = max((row.at_unix_s for row in new if row.at_unix_s is not None), default=None)
    if not live or not at_once or newest_s is None or event.came_unix_s is None:
        return clock
    return by_row(clock, newest_s - event.came_unix_s)


def _used(model: Model, at_s: Optional[float]) -> Model:
    """Return a model after a request to it ended at `at_s` that was too short to see, which is a use, too."""
    if model.state != READY or at_s is None:
        return model
    return replace(model, last_use_s=max(model.last_use_s or at_s, at_s))


def _failed(model: Model, rows: List[ev.FinishedRequest], at_s: float) -> Model:
    """Return a model with the reason why a load failed or was ended. If its server ends at once, no table may show that
    it was starting: then the reason tells."""
    errors = [row.error for row in rows if row.error and (row.status or 0) >= 500]
    error = errors[-1] if errors else ""
    if not error or (model.failed_at_s is None and not (model.state == STOPPED and did_not_start(error))):
        return model
    return replace(model, failure=error, failed_at_s=None if was_unloaded(error) else model.failed_at_s or at_s)


def _used_before(model: Model, ended_s: Iterable[Optional[float]]) -> Model:
    """Return a model with its last use before this program started, unless it was loaded since then."""
    times = [model.last_use_s, *ended_s] if model.state != READY or model.state_since_s is None else []
    return replace(model, last_use_s=max((one for one in times if one is not None), default=model.last_use_s))


def _of_old(
    row: ev.FinishedRequest, event: ev.RequestsFinished, clock: ServerClock, at_s: float
) -> Optional[float]:
    """Return when an old row's request ended, on this program's clock; None unless the server's clock is known."""
    if row.at_unix_s is None or event.came_unix_s is None or clock.offset_s is None:
        return None
    return at_s - max(0.0, event.came_unix_s - (row.at_unix_s - clock.offset_s))


def _total(before: Optional[int], rows: Tuple[ev.FinishedRequest, ...], name: str) -> Optional[int]:
    """Return a total with more rows added; None as long as no row has reported its count."""
    told: List[int] = [count for count in (getattr(row, name) for row in rows) if count is not None]
    if told:
        return (before or 0) + sum(told)
    return before if before or not rows else None
