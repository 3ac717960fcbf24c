"""Requests in flight: started, changed, ended.

llama-swap reports only the bytes of an answer, at most every 250 ms (llama-swap API, 4.4). Bytes that arrive before the
model is ready are llama-swap's own (`sendLoadingState`: progress text, and a last line when the load is done). So all
bytes up to then, and shortly after, count as `loading_bytes`, not as the model's answer.
"""

from dataclasses import replace
from typing import Optional

from llamabar.core import clients, speed
from llamabar.core import events as ev
from llamabar.core.apply_models import listed_id
from llamabar.core.capabilities import Capability
from llamabar.core.doing import only_ready
from llamabar.core.limits import REQUESTS
from llamabar.core.path_kind import PathKind, path_kind
from llamabar.core.phases import Phase, phases
from llamabar.core.state import STARTING, STOPPED, Request, Snapshot, heard, requests_of, with_model

TOLD = frozenset({Capability.INFLIGHT_LIST, Capability.INFLIGHT_BYTES})  # confirmed by an event about a single request
LATE_S = 1.0  # the stream may have been opened this long before it was seen to be
LOADING_TEXT_S = 0.6  # after a load: two updates; the second may still count the last progress line


def listed(snapshot: Snapshot, event: ev.InflightListed, at_s: float) -> Snapshot:
    """Return the snapshot with a complete list of requests; those missing from it have ended."""
    requests = {info.id: replace(_request(snapshot, info, at_s), outlives=False) for info in event.requests}
    before = snapshot
    for request in [old for old_id, old in before.requests.items() if old_id not in requests]:
        snapshot = _ended(snapshot, request, at_s, before=before)
    snapshot = replace(heard(snapshot, at_s), requests=requests, requests_left_out=event.left_out)
    return replace(snapshot, confirmed=snapshot.confirmed | {Capability.INFLIGHT_LIST})


def upserted(snapshot: Snapshot, event: ev.InflightUpserted, at_s: float) -> Snapshot:
    """Return the snapshot with a request that started or changed."""
    confirmed = snapshot.confirmed if snapshot.confirmed >= TOLD else snapshot.confirmed | TOLD
    request = event.request
    if request.id not in snapshot.requests and len(snapshot.requests) >= REQUESTS:
        begins = request.streams is None and not request.resp_bytes
        left_out = snapshot.requests_left_out + begins
        return heard(snapshot, at_s, confirmed=confirmed, requests_left_out=left_out)
    requests = {**snapshot.requests, request.id: _request(snapshot, request, at_s)}
    return heard(snapshot, at_s, confirmed=confirmed, requests=requests)


def removed(snapshot: Snapshot, event: ev.InflightRemoved, at_s: float) -> Snapshot:
    """Return the snapshot without a request that ended."""
    old = snapshot.requests.get(event.id)
    snapshot = heard(snapshot, at_s)
    if old is None:
        return replace(snapshot, requests_left_out=max(0, snapshot.requests_left_out - 1))
    requests = {request_id: request for request_id, request in snapshot.requests.items() if request_id != event.id}
    return replace(_ended(snapshot, old, at_s, before=snapshot), requests=requests)


def counted(snapshot: Snapshot, event: ev.InflightCounted, at_s: float) -> Snapshot:
    """Return the snapshot for a version that reports only a number. A lower number means that a request ended; if only
    one model can have got it, that counts as used."""
    fewer = snapshot.inflight_total is not None and event.total < snapshot.inflight_total
    snapshot = heard(snapshot, at_s)
    if fewer:
        snapshot = replace(snapshot, last_activity_s=at_s)
        model = only_ready(snapshot)
        if model is not None:
            snapshot = with_model(snapshot, replace(model, last_use_s=at_s))
    return replace(snapshot, inflight_total=event.total)


def _request(snapshot: Snapshot, info: ev.RequestInfo, at_s: float) -> Request:
    old = snapshot.requests.get(info.id)
    if old is not None and info.stamp not in ("", old.info.stamp):
        old = None  # numbers start over with a reload
    if old is not None:
        info = info._replace(
            model=info.model or old.info.model,
            path=info.path or old.info.path,
            stamp=info.stamp or old.info.stamp,
            client=info.client or old.info.client,
        )
    info = info._replace(model=listed_id(snapshot, info.model))
    started_s = at_s - (info.elapsed_s or 0.0) if old is None else old.started_s
    moment_s = at_s if info.elapsed_s is None else started_s + info.elapsed_s
    outlives = old.outlives if old is not None else _outlives(snapshot, started_s)
    loading_bytes = _loading_bytes(snapshot, old, info, at_s)
    trail, answer_bytes = old.trail if old is not None else (), max(0, (info.resp_bytes or 0) - loading_bytes)
    if answer_bytes and not outlives and path_kind(info.path) is PathKind.TEXT and info.streams is not False:
        trail = speed.extend(trail, speed.Sample(moment_s, answer_bytes))
    return Request(info, started_s, loading_bytes=loading_bytes, trail=trail, outlives=outlives)


def _outlives(snapshot: Snapshot, started_s: float) -> bool:
    """Tell whether a new request began before the stream whose list didn't have it: until the models of the previous
    configuration have ended, llama-swap reports their requests in the new stream (measured on v250)."""
    opened_s = snapshot.connection_since_s or 0.0
    return Capability.INFLIGHT_LIST in snapshot.confirmed and started_s < opened_s - LATE_S


def _loading_bytes(snapshot: Snapshot, old: Optional[Request], info: ev.RequestInfo, at_s: float) -> int:
    """Return how many bytes of an answer are llama-swap's own text, as far as that is known."""
    model, before = snapshot.models.get(info.model), old.loading_bytes if old is not None else 0
    if model is None or model.info.peer:
        return before
    since_s = model.state_since_s
    settling = before > 0 and since_s is not None and at_s - since_s < LOADING_TEXT_S
    return info.resp_bytes or before if model.state in (STARTING, STOPPED) or settling else before


def _ended(snapshot: Snapshot, request: Request, at_s: float, *, before: Snapshot) -> Snapshot:
    model = snapshot.models.get(request.info.model)
    snapshot = clients.remembered(replace(snapshot, last_activity_s=at_s), request, at_s)
    if model is None or request.outlives:
        return snapshot
    meter = speed.with_ended(model.meter, request.info.path, resp_bytes=speed.grown_bytes(request.trail, at_s))
    others = any(other.info.id != request.info.id for other in requests_of(before, model.id))
    only_answer = len(meter.busy) - meter.reading() <= 1 and phases(before)[request.info.id] is Phase.GENERATING
    if only_answer or not others:
        meter = speed.with_slots(meter, None, at_s=at_s)  # its slots' counts belong to requests that ended
    return with_model(snapshot, replace(model, last_use_s=at_s, listed_use_s=at_s, meter=meter))
