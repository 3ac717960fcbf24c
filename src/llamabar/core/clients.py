"""Which client sent a finished request. A row doesn't say so; the request in flight did, but they share no ID.

The two are matched by model, path and duration: llama-swap's last report of a request in flight comes at most 0.25 s
before it ends (llama-swap API, 4.4).
"""

from dataclasses import replace
from typing import Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.state import Left, Request, Snapshot

NEAR_S = 1.0  # how far llama-swap's duration of a request and this program's may differ
REMEMBERED, REMEMBERED_FOR_S = 64, 60.0  # rows come soon after a request ends; one that was cut off may have none


def remembered(snapshot: Snapshot, request: Request, at_s: float) -> Snapshot:
    """Return the snapshot with an ended request kept, until its row comes."""
    if not request.info.client:
        return snapshot
    left = Left(request.info.model, request.info.path, request.info.client, at_s - request.started_s, at_s)
    return replace(snapshot, left=(*snapshot.left, left)[-REMEMBERED:])


def named(
    snapshot: Snapshot, rows: Tuple[FinishedRequest, ...], at_s: float
) -> Tuple[Snapshot, Tuple[FinishedRequest, ...]]:
    """Return new rows with their clients, where known, and the snapshot without the ended requests that were matched.
    """
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
