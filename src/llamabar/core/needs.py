"""What loading a model needs, from the loads that were measured on this Mac, and whether that fits now.

Law: nothing is said without a measured load of the model's latest command line. llama-swap doesn't report which models
make room for which, so earlier loads tell: what happened to the other models when this one was loaded, or else to this
one when the others were. A server that never kept a model beside another loads one at a time.
"""

from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.events import MemoryMeasured
from llamabar.core.readings import context_tokens, median
from llamabar.core.run import MemoryKind, ModelRun
from llamabar.core.state import READY, Snapshot, Swap, loaded

GREW = 1.05  # a load is recorded again when it takes this much more


class Load(NamedTuple):
    """One load. `took_s`: from starting to ready, None if that wasn't seen."""

    model: str
    run: ModelRun
    memory_bytes: int
    took_s: Optional[float] = None
    context_tokens: Optional[int] = None
    swap: Swap = Swap()


class Needs(NamedTuple):
    """What a model needs: the most that any of `loads` measured loads took. `makes_room`: whether a model was unloaded
    for it; `alone` answers for models that aren't listed."""

    memory_bytes: int
    memory: MemoryKind
    load_s: Optional[float]  # the median
    context_tokens: Optional[int]
    loads: int
    makes_room: Mapping[str, bool] = {}
    alone: bool = False


class Outlook(NamedTuple):
    """What loading a model now would do. `unloads`: the models that make room; `fits` is None if that is unknown."""

    needs: Needs
    free_bytes: Optional[int]
    unloads: Tuple[str, ...]
    fits: Optional[bool]


def waited_for(snapshot: Snapshot, at_s: float) -> Dict[int, float]:
    """Return how long the request of each new row waited for a load, by the row's number."""
    found = {}
    for row in snapshot.new_rows:
        model = snapshot.models.get(row.model)
        if model is None or not model.load_times_s or model.state != READY or row.duration_s is None:
            continue
        if model.state_since_s is not None and at_s - row.duration_s <= model.state_since_s:
            found[row.id] = min(model.load_times_s[-1], row.duration_s)
    return found


def measured(snapshot: Snapshot, event: MemoryMeasured) -> List[Load]:
    """Return the loads of the ready models whose processes were measured, once `/running` has told their addresses.

    Before that, the only process of a loading model counts as its own, but the model itself may be in a container.
    """
    ready = [one for one in snapshot.models.values() if one.state == READY and one.running_read]
    return [
        Load(one.id, event.runs[one.id], event.by_model_bytes[one.id], one.load_s, context_tokens(one), one.swap)
        for one in ready
        if one.id in event.runs and one.id in event.by_model_bytes
    ]  # fmt: skip


def is_news(load: Load, before: Optional[Load]) -> bool:
    """Tell whether a load tells more than the one already kept for it."""
    if before is None or before.run.started_unix_s != load.run.started_unix_s:
        return True
    told_more = load.context_tokens is not None and before.context_tokens is None
    return told_more or load.memory_bytes > GREW * before.memory_bytes


def of_each(loads: Sequence[Load]) -> Dict[str, Needs]:
    """Return what each model of one server needs, from its loads, oldest first."""
    alone = any(one.swap.unloaded for one in loads) and not any(one.swap.beside for one in loads)
    newest = {one.model: one.run.command for one in loads}
    found: Dict[str, List[Load]] = {}
    mine: Dict[str, Dict[str, bool]] = {}
    theirs: Dict[str, Dict[str, bool]] = {}
    for one in loads:
        if one.run.command == newest[one.model]:
            found.setdefault(one.model, []).append(one)
        for other, made_room in (*((it, False) for it in one.swap.beside), *((it, True) for it in one.swap.unloaded)):
            mine.setdefault(one.model, {})[other] = theirs.setdefault(other, {})[one.model] = made_room
    return {
        model: _needs(same, {**theirs.get(model, {}), **mine.get(model, {})}, alone=alone)
        for model, same in found.items()
    }


def _needs(loads: Sequence[Load], makes_room: Mapping[str, bool], *, alone: bool) -> Needs:
    most = max(loads, key=lambda one: one.memory_bytes)
    load_s, contexts = _known(one.took_s for one in loads), _known(one.context_tokens for one in loads)
    return Needs(
        most.memory_bytes, most.run.memory, median(load_s), int(contexts[-1]) if contexts else None,
        len(loads), makes_room, alone,
    )  # fmt: skip


def _known(values: Iterable[Optional[float]]) -> List[float]:
    return [value for value in values if value is not None]


def outlook(snapshot: Snapshot, needs: Optional[Needs], model_id: str) -> Optional[Outlook]:
    """Return what loading a model now would do; None if nothing was measured, or if the model is loaded."""
    there = loaded(snapshot)
    if needs is None or any(model.id == model_id for model in there):
        return None
    unloads = [model for model in there if needs.makes_room.get(model.id, needs.alone)]
    total, used = snapshot.host.memory_total_bytes, snapshot.host.memory_used_bytes
    free = None if total is None or used is None else max(0, total - used)
    freed = sum(model.memory_bytes or 0 for model in unloads)
    fits = None if free is None else needs.memory_bytes <= free + freed
    return Outlook(needs, free, tuple(model.id for model in unloads), fits)
