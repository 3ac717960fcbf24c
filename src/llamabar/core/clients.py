"""From whom finished requests were. A row does not say it; the request in flight did, and has no id in common with it.

The two are tied together by model, path and how long it took: llama-swap tells that of a request in flight at most
0.25 s before its end (llama-swap API, 4.4).
"""

from dataclasses import replace
from typing import Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.state import Left, Request, Snapshot

NEAR_S = 1.0  # the times of one request as llama-swap and this program saw it
REMEMBERED, REMEMBERED_FOR_S = 64, 60.0  # a row is fetched soon after an end; that of a request cut off may never come


def remembered(snapshot: Snapshot, request: Request, at_s: float) -> Snapshot:
    """Return the snapshot that remembers a request that ended, for the row to come."""
    if not request.info.client:
        return snapshot
    left = Left(request.info.model, request.info.path, request.info.client, at_s - request.started_s, at_s)
    return replace(snapshot, left=(*snapshot.left, left)[-REMEMBERED:])


def named(
    snapshot: Snapshot, rows: Tuple[FinishedRequest, ...], at_s: float
) -> Tuple[Snapshot, Tuple[FinishedRequest, ...]]:
    """Return the snapshot without what was tied to a row, and new rows with their clients where those are known."""
    left, found = [one for one in snapshot.left if at_s - one.ended_s <= REMEMBERED_FOR_S], []
    for row in rows:
        near = [one for one in left if (one.model, one.path) == (row.model, row.path) and _far_s(row, one) <= NEAR_S]
        if near:
            nearest = min(near, key=lambda one: _far_s(row, one))
            left.remove(nearest)
            row = row._replace(client=nearest.client)
        found.append(row)
    return replace(snapshot, left=tuple(left)), tuple(found)


def _far_s(row: FinishedRequest, left: Left) -> float:
    return abs(row.duration_s - left.took_s) if row.duration_s is not None else 0.0
