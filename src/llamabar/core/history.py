"""The readings of the last minutes in time buckets: the x axis is time, however often readings come.

A bucket without a reading is a gap (None), never a zero. A reading fills the buckets since the one before it, but no
more than HOLD_S: in a longer pause nothing was measured.
"""

from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

BUCKET_S = 1.0
BUCKETS = 300
HOLD_S = 12.0
MOST_MODELS = 64  # whose readings are kept beside the server's


class Readings(NamedTuple):
    """What is known at a moment; None is unknown."""

    generation_tps: Optional[float] = None
    prompt_tps: Optional[float] = None
    in_flight: Optional[float] = None
    memory_bytes: Optional[float] = None
    cpu_ratio: Optional[float] = None
    gpu_ratio: Optional[float] = None


class Range(NamedTuple):
    """The lowest, median and highest known value of a reading; zeros, when nothing happened, aren't counted."""

    lowest: float
    typical: float
    highest: float


class Chart(NamedTuple):
    """Readings of a server, or of its `model`, as stored between starts: newest last, taken at `read_unix_s`."""

    read_unix_s: float
    bucket_s: float
    readings: Tuple[Readings, ...]
    model: str = ""


GAP = Readings()
COMES_AND_GOES = ("generation_tps", "prompt_tps", "in_flight")


@dataclass(frozen=True)
class History:
    """The newest BUCKETS buckets, oldest first; the last one started at `newest` × BUCKET_S."""

    newest: Optional[int] = None
    buckets: Tuple[Readings, ...] = ()
    bucket_s: float = BUCKET_S

    @property
    def span_s(self) -> float:
        """Return how many seconds it covers."""
        return self.bucket_s * BUCKETS


def kept(history: History, *, now_s: float, unix_s: float, model: str = "") -> Optional[Chart]:
    """Return the readings to store, None if there are none; the time since the last reading is a gap."""
    behind = int(now_s // history.bucket_s) - (history.newest or 0)
    if history.newest is None or behind >= BUCKETS:
        return None
    return Chart(unix_s, history.bucket_s, (*history.buckets, *(GAP,) * behind)[-BUCKETS :], model)


def restored(history: History, chart: Chart, *, now_s: float, unix_s: float) -> History:
    """Return the history with the stored readings before it, if they are recent enough and of the same scale."""
    age_s = unix_s - chart.read_unix_s
    if chart.bucket_s != history.bucket_s or not 0 <= age_s < history.span_s or not chart.readings:
        return history
    newest = int((now_s - age_s) // history.bucket_s)
    found = replace(history, newest=newest, buckets=chart.readings[-BUCKETS :])
    oldest = (history.newest or 0) - len(history.buckets) + 1
    for number, readings in enumerate(history.buckets, oldest):  # readings that came while the disk was being read
        found = record(found, readings, now_s=number * history.bucket_s)
    return found


def tick(
    histories: Mapping[str, History], readings: Mapping[str, Readings], *, like: History, now_s: float
) -> Dict[str, History]:
    """Return the models' histories with readings taken now; a model without readings for the whole span is dropped."""
    oldest = int(now_s // like.bucket_s) - BUCKETS
    found = {one: history for one, history in histories.items() if (history.newest or 0) > oldest}
    for one, taken in readings.items():
        if one in found or len(found) < MOST_MODELS:
            before = found.get(one) or History(bucket_s=like.bucket_s)
            found[one] = record(before, taken, now_s=now_s)
    return found


def record(history: History, readings: Readings, *, now_s: float) -> History:
    """Return the history with readings taken now; if the clock stepped back, it starts over."""
    bucket = int(now_s // history.bucket_s)
    if history.newest is None or bucket < history.newest:
        return replace(history, newest=bucket, buckets=(readings,))
    last = history.buckets[-1]
    readings = last if readings == last else readings  # saves memory: equal readings are one object
    if bucket == history.newest:
        return replace(history, buckets=(*history.buckets[:-1], _together(last, readings)))
    skipped = bucket - history.newest - 1
    held = skipped if skipped * history.bucket_s <= HOLD_S else 0
    missed = min(skipped - held, BUCKETS)
    added = (GAP,) * missed + (readings,) * held + (readings,)
    return replace(history, newest=bucket, buckets=(*history.buckets, *added)[-BUCKETS :])


def nice_ceiling(highest: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 … at or above a number; 1 for nothing."""
    step = 1.0
    while step < highest:
        step *= 2.5 if f"{step:e}"[0] == "2" else 2.0
    return step


def _together(before: Readings, now: Readings) -> Readings:
    """Return one bucket's readings: the highest of COMES_AND_GOES, the newest of the others."""
    highest = {name: _max(getattr(before, name), getattr(now, name)) for name in COMES_AND_GOES}
    return now._replace(**highest)


def _max(before: Optional[float], now: Optional[float]) -> Optional[float]:
    return now if before is None or (now is not None and now > before) else before


def series(history: History, name: str, *, points: int, now_s: float) -> Tuple[Optional[float], ...]:
    """Return `points` values of one reading over the whole span, newest last; None for a gap.

    Each point covers length/points buckets, always the same ones, and shows the mean of the known values: only the
    newest point changes until its buckets are complete.
    """
    if history.newest is None:
        return (None,) * points
    per_point, at = BUCKETS // points, Readings._fields.index(name)
    end = (int(now_s // history.bucket_s) // per_point + 1) * per_point  # the first bucket after the newest point
    values: List[Optional[float]] = [bucket[at] for bucket in history.buckets]
    values = [*values, *(None,) * min(max(0, end - 1 - history.newest), BUCKETS)][-BUCKETS :]
    padded = [None] * (BUCKETS - len(values)) + values
    return tuple(_mean(padded[index : index + per_point]) for index in range(0, BUCKETS, per_point))


def range_of(history: History, name: str) -> Optional[Range]:
    """Return the range of a reading's values above zero, None if there are none."""
    at = Readings._fields.index(name)
    found = sorted(value for value in [bucket[at] for bucket in history.buckets] if value)
    return Range(found[0], found[len(found) // 2], found[-1]) if found else None


def _mean(values: "List[Optional[float]]") -> Optional[float]:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
