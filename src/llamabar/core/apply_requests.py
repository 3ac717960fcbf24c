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
from typing import List, Optional, Tuple

from llamabar.core import clients, speed
from llamabar.core import events as ev
from llamabar.core.capabilities import Capability
from llamabar.core.limits import ROWS
from llamabar.core.server_clock import ServerClock, by_header, by_row
from llamabar.core.state import READY, Snapshot, with_model

REPLAYED_FOR_S = 1.0  # v140 to v151 send their stored rows one by one when a connection opens
DISORDER = 8  # rows of requests that end at the same time come in any order, one by one
AT_ONCE_S = 20.0  # rows that were fetched so soon after the event ended just now
NO_ROW_YET = -1  # the server was asked and had none


def finished(snapshot: Snapshot, event: ev.RequestsFinished, at_s: float) -> Snapshot:
    """Return the snapshot after rows came, by fetch or in the stream; rows seen before count once."""
    newest = snapshot.newest_row_id
    if newest is not None and event.rows and event.total is not None and event.rows[-1].id < newest:
        newest = None  # the page ends below the newest row seen: the server's table started over
    counted = {row.id for row in snapshot.rows[-2 * DISORDER :]}
    oldest_new = newest - DISORDER if newest is not None and event.streamed else newest
    rows = tuple(row for row in event.rows if oldest_new is None or (row.id > oldest_new and row.id not in counted))
    snapshot, rows = clients.named(snapshot, rows, at_s) if newest is not None else (snapshot, rows)
    first_look = newest is None
    before = replace(
        snapshot, rows=(), rows_total=0, tokens_known=True, prompt_tokens_total=0, generated_tokens_total=0
    )
    before = before if first_look else snapshot
    unseen = max(0, (event.total or 0) - len(event.rows)) if first_look else 0  # older rows than a page holds
    just_connected = event.read_unix_s is None and at_s - (snapshot.connection_since_s or 0.0) < REPLAYED_FOR_S
    old = first_look or (event.total is None and just_connected)
    noted_id = snapshot.activity_newest_id  # a request that ended while the page was on its way: fetch once more
    clock = _clock(snapshot, event, rows, at_s, live=not old)
    rows = tuple(row._replace(clock_s=clock.ahead_s) for row in rows) if clock.ahead_s else rows
    outran = not event.streamed and noted_id is not None and (not event.rows or event.rows[-1].id < noted_id)
    snapshot = replace(
        snapshot,
        rows=(*before.rows, *rows)[-ROWS:],
        new_rows=rows,
        clock=clock,
        rows_total=(before.rows_total or 0) + unseen + len(rows),
        tokens_known=before.tokens_known and not unseen,
        prompt_tokens_total=_total(before.prompt_tokens_total, rows, "prompt_tokens"),
        generated_tokens_total=_total(before.generated_tokens_total, rows, "generated_tokens"),
        newest_row_id=max(rows[-1].id, newest or 0) if rows else NO_ROW_YET if newest is None else newest,
        activity_noted_s=at_s if outran else None,
        activity_count=1 if outran else 0,
        activity_newest_id=None,
        last_activity_s=snapshot.last_activity_s if old or not rows else at_s,
        confirmed=snapshot.confirmed | {Capability.METRICS_EVENTS} if event.streamed else snapshot.confirmed,
    )
    for model_id in {row.model for row in rows}:
        of_model = tuple(row for row in rows if row.model == model_id)
        snapshot = _finished_of(snapshot, model_id, of_model, at_s, event.read_unix_s, old=old)
    return _with_last_uses(snapshot, event, at_s) if event.read_unix_s is not None else snapshot


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


def _finished_of(
    snapshot: Snapshot, model_id: str, rows: Tuple[ev.FinishedRequest, ...], at_s: float, read_unix_s: Optional[float],
    *, old: bool,
) -> Snapshot:  # fmt: skip
    model = snapshot.models.get(model_id)
    if model is None:
        return snapshot
    ended_s = _ended_s(rows[-1], read_unix_s, at_s) if old else at_s
    model = replace(model, meter=speed.with_finished(model.meter, rows, at_s=ended_s))
    if old:
        return with_model(snapshot, model)
    if model.state == READY:
        model = replace(model, last_use_s=max(model.last_use_s or at_s, at_s))  # also for one too short to see
    failed = [row.error for row in rows if row.error and (row.status or 0) >= 500]
    if model.failed_at_s is not None and failed:
        unloaded = "unloaded" in failed[-1]  # it waited for a load that somebody canceled
        model = replace(model, failure=failed[-1], failed_at_s=None if unloaded else model.failed_at_s)
    return with_model(snapshot, model)


def _ended_s(row: ev.FinishedRequest, read_unix_s: Optional[float], at_s: float) -> Optional[float]:
    """Return when a request ended, on this program's clock, from its row's time; known only for a local server."""
    ended_unix_s = row.ended_unix_s
    return None if read_unix_s is None or ended_unix_s is None else at_s - max(0.0, read_unix_s - ended_unix_s)


def _with_last_uses(snapshot: Snapshot, event: ev.RequestsFinished, at_s: float) -> Snapshot:
    """Return the snapshot with last uses before this program started, from the times of fetched rows."""
    ahead_s = snapshot.clock.ahead_s
    for row in event.rows:
        row = row._replace(clock_s=ahead_s)
        model, used_s = snapshot.models.get(row.model), _ended_s(row, event.read_unix_s, at_s)
        if model is not None and used_s is not None and model.state == READY and model.state_since_s is None:
            model = replace(model, last_use_s=max(model.last_use_s or used_s, used_s))
            snapshot = with_model(snapshot, model)
    return snapshot


def _total(before: Optional[int], rows: Tuple[ev.FinishedRequest, ...], name: str) -> Optional[int]:
    """Return a total with more rows added; None as long as no row has reported its count."""
    told: List[int] = [count for count in (getattr(row, name) for row in rows) if count is not None]
    if told:
        return (before or 0) + sum(told)
    return before if before or not rows else None
