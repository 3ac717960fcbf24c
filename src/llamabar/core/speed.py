"""How fast a model generates right now, from data that costs nothing to get.

llama-swap reports no live token count (llama-swap API, 16.3). That leaves three sources, the most trusted first.

"live": the model server's `/slots` counts each slot's tokens as they come (llama-server, 2), so two readings of one
slot and one task give its speed. A slot's count restarts with each task, and older servers keep the last count until
the next prompt is done: a trail restarts with a new task or a falling count.

"estimate": an answer's bytes, reported up to four times a second, grow in proportion to its tokens. How many bytes a
token takes depends on the model, the route and whether the answer is streamed; about 200 in an event stream. So the
growth is divided by the bytes per token of this model's earlier answers on this path. These are learned from answers
that ended (bytes from their events, tokens from their rows) or, while one is being written, from its slot. Over a
quarter of a second that gives 64 to 109 tok/s where the true value is 92; over two seconds, 88 to 95 (recordings/v250);
hence the windows below.

"last": the last finished request, if its figures can be trusted (rates.py).

A window reaches back until it holds enough tokens to be exact, but never across a change of pace.
"""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Callable, Dict, Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.events import FinishedRequest, Slot
from llamabar.core.limits import PATHS
from llamabar.core.rates import MOST_TPS

WINDOW_S = 10.0  # never look further back
ENOUGH_TOKENS = 25  # then one token more or less is 4 %
EXACT_TOKENS = 20
SHORTEST_SLOT_WINDOW_S = 0.9
SHORTEST_BYTE_WINDOW_S = 1.8  # recordings/v250: 64 to 109 tok/s over 0.25 s, 88 to 95 over 2 s; the true value is 92
SLOTS_FRESH_S = 2.5
UPSERT_EVERY_S = 0.25  # llama-swap reports an answer's bytes at most this often (4.4)
CALIBRATION_TOKENS = 64  # an answer's first and last 950 bytes or so aren't tokens: 7 % here, less later


class Source(str, Enum):
    """Where a speed comes from."""

    LIVE = "live"
    ESTIMATE = "estimate"
    LAST = "last"


class Reading(NamedTuple):
    """A generation speed and its source. `at_s` is when it was measured."""

    tps: float
    source: Source
    at_s: float


class Sample(NamedTuple):
    """A counter's value at a moment."""

    at_s: float
    total: float


Trail = Tuple[Sample, ...]


def extend(trail: Trail, sample: Sample) -> Trail:
    """Return the trail with one more sample, without the outdated ones; a falling count starts a new trail."""
    if trail and (sample.total < trail[-1].total or sample.at_s < trail[-1].at_s):
        return (sample,)
    kept = tuple(old for old in trail if sample.at_s - old.at_s <= WINDOW_S)
    return (*kept, sample)


def pace(trail: Trail, *, shortest_s: float, unit: float = 1.0) -> Optional[float]:
    """Return units per second at the end of a trail, or None if it is too short.

    `unit` is the count of one unit (1 for tokens, bytes per token for bytes).
    """
    start = _window_start(trail, shortest_s, unit)
    if start is None:
        return None
    grown, lasted_s = _between(trail[start], trail[-1], unit)
    return grown / lasted_s


def is_exact(trail: Trail, *, shortest_s: float) -> bool:
    """Tell whether a rate of tokens is accurate to 5 %: one more or less among EXACT_TOKENS."""
    start = _window_start(trail, shortest_s, 1.0)
    return start is not None and _between(trail[start], trail[-1], 1.0)[0] >= EXACT_TOKENS


def _window_start(trail: Trail, shortest_s: float, unit: float) -> Optional[int]:
    """Return where the window begins: as far back as needed, but not across a change of pace."""
    start = len(trail) - 1
    while start > 0:
        grown, lasted_s = _between(trail[start], trail[-1], unit)
        if lasted_s >= shortest_s:
            step, step_s = _between(trail[start - 1], trail[start], unit)
            expected = grown / lasted_s * step_s
            if grown >= ENOUGH_TOKENS or abs(step - expected) > 2 + 0.3 * expected:
                break
        start -= 1
    if start < 0 or len(trail) < 2:
        return None
    return start if _between(trail[start], trail[-1], unit)[1] >= shortest_s / 2 else None


def _between(first: Sample, last: Sample, unit: float) -> Tuple[float, float]:
    return (last.total - first.total) / unit, last.at_s - first.at_s


_Look = Tuple[Optional[int], Optional[int]]  # a slot's task and count, None once that has changed


@dataclass(frozen=True)
class Meter:
    """What is known about one model's speed."""

    slots: Optional[Tuple[Slot, ...]] = None
    slots_at_s: Optional[float] = None
    trails: Mapping[int, Tuple[Optional[int], Trail]] = field(default_factory=dict)  # slot ID → task, counts
    first: Mapping[int, "_Look"] = field(default_factory=dict)  # slot ID → its task when that was first seen
    keeps: bool = False  # its slots keep the count of their last task
    bytes_per_token: Mapping[str, float] = field(default_factory=dict)  # by request path
    ended: Tuple[Tuple[str, float], ...] = ()  # path and bytes of answers whose rows haven't come yet
    last: Optional[FinishedRequest] = None
    last_at_s: Optional[float] = None

    @property
    def busy(self) -> Tuple[Slot, ...]:
        """Return the slots that have a request."""
        return tuple(slot for slot in self.slots or () if slot.processing)

    def growing(self) -> int:
        """Return how many slots are generating."""
        return sum(1 for slot in self.busy if self._pace_of(slot))

    def unpaced(self) -> bool:
        """Tell whether a slot has begun to generate and its speed isn't known yet."""
        return any(slot.decoded_tokens and self._pace_of(slot) is None for slot in self.busy)

    def reading(self) -> int:
        """Return how many slots are reading a prompt."""
        return sum(1 for slot in self.busy if not slot.decoded_tokens)

    def by_slots(self, now_s: float) -> Optional[Reading]:
        """Return the sum of the slots' speeds, or None if there is no recent answer.

        A slot that has just begun is assumed to be as fast as the others, which makes the sum an estimate; so does a
        slot with too few tokens.
        """
        if self.slots_at_s is None or now_s - self.slots_at_s > SLOTS_FRESH_S:
            return None
        begun = [slot for slot in self.busy if slot.decoded_tokens]
        rates = [self._pace_of(slot) for slot in begun]
        known = [rate for rate in rates if rate]
        if not known or max(known) > MOST_TPS:
            return None
        fresh = rates.count(None)
        tps = sum(known) * (1 + fresh / len(known))
        exact = not fresh and all(is_exact(self._trail_of(slot), shortest_s=SHORTEST_SLOT_WINDOW_S) for slot in begun)
        return Reading(tps, Source.LIVE if exact else Source.ESTIMATE, at_s=self.slots_at_s)

    def _pace_of(self, slot: Slot) -> Optional[float]:
        return pace(self._trail_of(slot), shortest_s=SHORTEST_SLOT_WINDOW_S)

    def _trail_of(self, slot: Slot) -> Trail:
        return self.trails.get(slot.id, (None, ()))[1]


def with_slots(meter: Meter, slots: Optional[Tuple[Slot, ...]], *, at_s: float) -> Meter:
    """Return the meter after an answer of `/slots`; a new task, or fewer tokens than before, starts a new trail.

    Up to b10361, llama.cpp's slots keep the count of their last task: one that was there at once and stays isn't this
    task's, which is still at its prompt. Later versions can stall, too, but idle slots count 0, and no count falls.
    """
    if slots is None:
        return replace(meter, slots=None, slots_at_s=None, trails={}, first={})
    meter = replace(meter, keeps=meter.keeps or any(_is_left_over(meter, slot) for slot in slots))
    first = {slot.id: _first_look(meter, slot) for slot in slots}
    slots = tuple(slot._replace(decoded_tokens=0) if _is_stale(meter, slot) else slot for slot in slots)
    trails: Dict[int, Tuple[Optional[int], Trail]] = {}
    for slot in slots:
        if slot.processing and slot.decoded_tokens:  # until its first token a slot is reading its prompt
            task, trail = meter.trails.get(slot.id, (None, ()))
            kept = trail if task == slot.task else ()
            trails[slot.id] = (slot.task, extend(kept, Sample(at_s, slot.decoded_tokens)))
    return replace(meter, slots=slots, slots_at_s=at_s, trails=trails, first=first)


def _is_stale(meter: Meter, slot: Slot) -> bool:
    """Tell whether a count may be that of the last task: it is there at once, and hasn't changed since."""
    task, count = meter.first.get(slot.id, (None, None))
    return meter.keeps and (task != slot.task or count == slot.decoded_tokens) and bool(slot.decoded_tokens)


def _is_left_over(meter: Meter, slot: Slot) -> bool:
    """Tell whether a slot shows the count of a task that has ended, or did so until now."""
    task, count = meter.first.get(slot.id, (None, None))
    fell = task == slot.task and (slot.decoded_tokens or 0) < (count or 0)
    return fell if slot.processing else bool(slot.decoded_tokens)


def _first_look(meter: Meter, slot: Slot) -> _Look:
    task, count = meter.first.get(slot.id, (None, None))
    known = slot.id in meter.first and task == slot.task
    return slot.task, (count if count == slot.decoded_tokens else None) if known else slot.decoded_tokens


def with_byte_count(meter: Meter, path: str, *, resp_bytes: float) -> Meter:
    """Return the meter calibrated on the only answer being written, if the slots report its tokens."""
    counts = [slot.decoded_tokens or 0 for slot in meter.busy]
    if len(counts) != 1 or counts[0] < CALIBRATION_TOKENS or resp_bytes <= 0 or not meter.growing():
        return meter
    return replace(meter, bytes_per_token=_newest({**meter.bytes_per_token, path: resp_bytes / counts[0]}))


def _newest(by_path: Dict[str, float]) -> Dict[str, float]:
    return dict(list(by_path.items())[-PATHS:])


def grown_bytes(trail: Trail, at_s: float) -> float:
    """Return an answer's bytes at a moment: the last count, plus what it has written since, not yet reported."""
    if not trail:
        return 0.0
    untold_s = max(0.0, min(UPSERT_EVERY_S, at_s - trail[-1].at_s))
    return trail[-1].total + (pace(trail, shortest_s=SHORTEST_BYTE_WINDOW_S) or 0.0) * untold_s


def with_ended(meter: Meter, path: str, *, resp_bytes: float) -> Meter:
    """Return the meter with an ended answer that waits for its row."""
    return replace(meter, ended=(*meter.ended[-7:], (path, resp_bytes))) if resp_bytes > 0 else meter


def with_finished(
    meter: Meter, rows: Sequence[FinishedRequest], *, ended_s: Callable[[FinishedRequest], Optional[float]]
) -> Meter:
    """Return the meter after rows of finished requests, calibrated by the answers that they belong to.

    Rows carry no request ID: the sums of one path are compared, and only if the number of ended answers and rows match.
    """
    calibrated = dict(meter.bytes_per_token)
    for path in {path for path, _ in meter.ended}:
        ended = [count for ended_path, count in meter.ended if ended_path == path]
        told = [row.generated_tokens for row in rows if row.path == path and row.status in (200, None)]
        tokens = sum(count or 0 for count in told)
        if len(ended) == len(told) and None not in told and tokens >= CALIBRATION_TOKENS:
            calibrated[path] = sum(ended) / tokens
    meter = replace(meter, bytes_per_token=_newest(calibrated), ended=())
    timed = [row for row in rows if row.generation_tps]
    return replace(meter, last=timed[-1], last_at_s=ended_s(timed[-1])) if timed else meter


def estimate_tps(meter: Meter, answers: Iterable[Tuple[str, Trail]], *, now_s: float) -> Optional[float]:
    """Return the estimate for the answers being written, or None if one of them has none.

    `answers`: path and byte trail of each. An answer that has stopped growing is slower than its trail says.
    """
    total, known = 0.0, False
    for path, trail in answers:
        unit = meter.bytes_per_token.get(path)
        if not unit or not trail:
            return None
        silent_s = now_s - trail[-1].at_s
        ended = (*trail, Sample(now_s, trail[-1].total)) if silent_s > 1.0 else trail
        rate = pace(ended, shortest_s=SHORTEST_BYTE_WINDOW_S, unit=unit)
        if rate is None or rate > MOST_TPS:
            return None
        total, known = total + rate, True
    return total if known else None
