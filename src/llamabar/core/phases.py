"""What each request in flight is doing.

llama-swap tells no phase. Known are the model's state, whether an answer has begun, whether it grows, and from
`/slots` how many requests the model server works on: those beyond that number wait.
"""

from enum import Enum
from typing import Dict

from llamabar.core.state import READY, STARTING, Model, Request, Snapshot, requests_of


class Phase(str, Enum):
    """The stations of a request, in the order of their passing."""

    QUEUED = "queued"
    LOADING = "loading"
    PROMPT = "prompt"  # the answer has not begun
    WORKING = "working"  # prompt or generating: this version does not tell
    GENERATING = "generating"


def phases(snapshot: Snapshot) -> Dict[str, Phase]:
    """Return the phase of every request in flight, by request id."""
    found: Dict[str, Phase] = {}
    for model_id in {request.info.model for request in snapshot.requests.values()}:
        found.update(_phases_of(snapshot, model_id))
    return found


def _phases_of(snapshot: Snapshot, model_id: str) -> Dict[str, Phase]:
    requests = requests_of(snapshot, model_id)
    model = snapshot.models.get(model_id)
    if model is None or model.info.peer:
        return {request.info.id: _by_answer(request) for request in requests}
    if model.state != READY:
        phase = Phase.LOADING if model.state == STARTING else Phase.QUEUED
        return {request.info.id: phase for request in requests}
    found = {request.info.id: _by_answer(request) for request in requests}
    if model.meter.slots is not None:
        _correct_by_slots(found, model)
    return found


def _by_answer(request: Request) -> Phase:
    if request.info.resp_bytes is None:
        return Phase.WORKING
    return Phase.GENERATING if request.info.resp_bytes else Phase.PROMPT


def _correct_by_slots(found: Dict[str, Phase], model: Model) -> None:
    """A silent request generates, reads its prompt or waits: as many of each, oldest first, as the slots show."""
    silent = [request_id for request_id, phase in found.items() if phase is not Phase.GENERATING]
    writing = len(found) - len(silent)
    busy = model.meter.busy_slots()
    generating = max(0, model.meter.growing() - writing)
    working = max(0, busy - writing)
    for index, request_id in enumerate(silent):
        if index < generating:
            found[request_id] = Phase.GENERATING
        elif index < generating + model.meter.reading():
            found[request_id] = Phase.PROMPT
        elif index >= working and busy >= len(model.meter.slots or ()):
            found[request_id] = Phase.QUEUED
