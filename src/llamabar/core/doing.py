"""What a loaded model is doing, for the menu and the dashboard alike.

Its requests tell; without any, its speed and its model server do, and in versions that report only the number of
requests, which models could be meant.
"""

from enum import Enum
from typing import Optional

from llamabar.core.phases import Phase, phases
from llamabar.core.state import LOADED_STATES, READY, Model, Snapshot, at_work, in_flight, in_use, may_work, requests_of


class Doing(Enum):
    """What a model is doing. The more telling ones come first."""

    GENERATING = "generating"
    PROMPT = "processing a prompt"
    WORKING = "working on requests; at most their paths tell on what"
    BUSY = "busy, as its model server or the number of requests shows"
    PERHAPS = "ready or busy: some model is busy, and nothing tells which"
    NOTHING = "ready"


def doing(snapshot: Snapshot, model: Model, *, has_speed: bool) -> Doing:
    """Return what a ready model is doing. `has_speed`: a speed is shown for it now."""
    found = phases(snapshot)
    current = {found[request.info.id] for request in requests_of(snapshot, model.id)}
    if Phase.GENERATING in current or (has_speed and Phase.PROMPT not in current):
        return Doing.GENERATING
    if Phase.PROMPT in current:
        return Doing.PROMPT
    if current:
        return Doing.WORKING
    if at_work(model):
        return Doing.PROMPT if model.meter.reading() else Doing.BUSY
    if not snapshot.requests and in_flight(snapshot) and only_ready(snapshot):  # it must be this one
        return Doing.BUSY
    return Doing.PERHAPS if may_work(snapshot, model) else Doing.NOTHING


def may_be_answered(snapshot: Snapshot) -> bool:
    """Tell whether a model can be answering a request, if only the number of requests is known."""
    every = snapshot.models.values()
    used = (one.info.peer or (one.state == READY and in_use(snapshot, one) is not False) for one in every)
    return any(used) or only_ready(snapshot) is not None


def only_ready(snapshot: Snapshot) -> Optional[Model]:
    """Return the only model that a request can be for, of which only the number is known; None if there are others. A
    peer's model can always be, and one that is loading, or for which another makes room."""
    found = [model for model in snapshot.models.values() if model.state in LOADED_STATES or model.info.peer]
    return found[0] if len(found) == 1 and found[0].state == READY else None
