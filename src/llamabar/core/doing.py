"""What a loaded model is doing, for the menu and the dashboard alike.

Its requests tell; without any, its speed and its model server do, and in versions that report only the number of
requests, which models could be meant.
"""

from enum import Enum

from llamabar.core.phases import Phase, phases
from llamabar.core.state import READY, Model, Snapshot, at_work, in_flight, may_work, requests_of


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
    if Phase.GENERATING in current or (has_speed and not current):
        return Doing.GENERATING
    if Phase.PROMPT in current:
        return Doing.PROMPT
    if current:
        return Doing.WORKING
    if at_work(model):
        return Doing.PROMPT if model.meter.reading() else Doing.BUSY
    if _must_work(snapshot):
        return Doing.BUSY
    return Doing.PERHAPS if may_work(snapshot, model) else Doing.NOTHING


def _must_work(snapshot: Snapshot) -> bool:
    """Tell whether the only ready model must be the busy one, since requests are reported only by their number."""
    ready = sum(model.state == READY for model in snapshot.loaded)
    return ready == 1 and not snapshot.requests and bool(in_flight(snapshot))
