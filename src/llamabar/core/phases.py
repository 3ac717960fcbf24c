"""What each request in flight is doing.

llama-swap reports no phase (llama-swap API, 4.4). Known are the path, the model's state, whether the answer's headers
have come, how many bytes the model has written, and, from `/slots`, how many requests its server works on: those beyond
that number wait. Bytes of a text mean that it is generating. No bytes mean that the prompt is being processed only if
the answer is an event stream whose headers have come, or if a slot says so: an answer in one piece has no bytes until
it is done, and most servers have no slots (llama-server, 9).
"""

from enum import Enum
from math import inf
from typing import Dict, Mapping, Sequence

from llamabar.core.path_kind import PathKind
from llamabar.core.speed import Meter
from llamabar.core.state import LOADED_STATES, READY, STARTING, Model, Request, Snapshot, requests_of


class Phase(str, Enum):
    """The phases of a request, in the order in which it passes through them."""

    QUEUED = "queued"
    LOADING = "loading"
    PROMPT = "prompt"  # being processed; the answer hasn't started
    WORKING = "working"  # in progress, but doing what is unknown
    GENERATING = "generating"


WAITING = (Phase.QUEUED, Phase.LOADING)


def phases(snapshot: Snapshot) -> Mapping[str, Phase]:
    """Return the phase of every request in flight, by request ID; computed once per snapshot."""
    kept: Dict[str, Mapping[str, Phase]] = snapshot.__dict__
    if "phases" not in kept:
        found: Dict[str, Phase] = {}
        for model_id in snapshot.by_model:
            found.update(_phases_of(snapshot, model_id))
        kept["phases"] = found
    return kept["phases"]


def _phases_of(snapshot: Snapshot, model_id: str) -> Dict[str, Phase]:
    requests = requests_of(snapshot, model_id)
    model = snapshot.models.get(model_id)
    if model is None or model.info.peer:
        return {request.info.id: _by_answer(request) for request in requests}
    if model.state != READY:
        waiting = Phase.LOADING if model.state == STARTING else Phase.QUEUED
        return {one.info.id: Phase.WORKING if _cut_off(model, one) else waiting for one in requests}
    found = {request.info.id: _by_answer(request) for request in requests}
    if model.meter.slots is not None:
        _correct_by_slots(found, model, requests)
    return found


def _cut_off(model: Model, request: Request) -> bool:
    """Tell whether a request was there when its model crashed, failed or was replaced: it is ending, not waiting."""
    ended_s = max(model.quit_at_s or -inf, model.failed_at_s or -inf)
    return request.outlives or (model.state not in LOADED_STATES and request.started_s <= ended_s)


def _by_answer(request: Request) -> Phase:
    """Return the phase that the answer shows; computed once per state of a request."""
    kept: Dict[str, Phase] = request.__dict__
    if "phase" not in kept:
        kept["phase"] = _told(request)
    return kept["phase"]


def _told(request: Request) -> Phase:
    written_bytes = request.answer_bytes
    told = request.kind is PathKind.TEXT and request.info.streams is not False and not request.outlives
    if not told or written_bytes is None:
        return Phase.WORKING
    if written_bytes:
        return Phase.GENERATING
    return Phase.PROMPT if request.info.streams else Phase.WORKING


def _correct_by_slots(found: Dict[str, Phase], model: Model, requests: Sequence[Request]) -> None:
    """Correct the phases of requests without bytes: the newest wait if all slots are busy. The others generate, or
    process their prompts, if slots show the same of all of them; nothing tells whose slot is whose."""
    texts = [one.info.id for one in requests if one.kind is PathKind.TEXT]
    unbegun = [one.info.id for one in requests if _unbegun(model.meter, one)]
    silent = [one for one, phase in found.items() if phase is not Phase.GENERATING or one in unbegun]
    writing = len(found) - len(silent)
    since = [one for one in requests if one.trail and one.trail[0].at_s > (model.meter.slots_at_s or 0.0)]
    busy = len(model.meter.busy)
    generating = max(0, model.meter.growing() - writing + len(since))
    working = max(0, busy - writing)
    at_prompt = model.meter.reading() - len(since) >= working and not generating
    phase = Phase.PROMPT if at_prompt else Phase.GENERATING if generating >= working else None
    for index, request_id in enumerate(silent):
        if index < working and phase is not None:
            found[request_id] = phase if request_id in texts else Phase.WORKING
        elif index >= working and busy >= len(model.meter.slots or ()):
            found[request_id] = Phase.QUEUED


def _unbegun(meter: Meter, request: Request) -> bool:
    """Tell whether the bytes of an answer came before any slot had begun one: they are llama-swap's text of a load that
    wasn't seen, or the server's own before its first token."""
    told = meter.busy and not meter.keeps and all(slot.decoded_tokens == 0 for slot in meter.busy)
    return bool(told and request.trail) and request.trail[-1].at_s < (meter.slots_at_s or 0.0)
