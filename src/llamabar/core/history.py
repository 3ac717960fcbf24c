"""The last minutes of readings in time buckets: the x axis is time, whatever the cadence of the readings.

A bucket without a reading is a gap (None), never a zero. A reading fills the buckets since the one before it,
but no more than HOLD_S: beyond that nothing was read.
"""

from dataclasses import dataclass, field, replace
from typing import Mapping, NamedTuple, Optional, Tuple

BUCKET_S = 1.0
BUCKETS = 300
HOLD_S = 12.0
LOWER_BELOW = 0.3  # a ceiling falls only when everything is well under it: the scale does not dance


class Readings(NamedTuple):
    """What is known at a moment; None is not known."""

    generation_tps: Optional[float] = None
    prompt_tps: Optional[float] = None
    in_flight: Optional[float] = None
    memory_bytes: Optional[float] = None
    cpu_ratio: Optional[float] = None


class Chart(NamedTuple):
    """Readings of a server, or of a `model` of it, as they are kept from one start to the next, the newest last and
    taken at `read_unix_s`."""

    read_unix_s: float
    bucket_s: float
    readings: Tuple[Readings, ...]
    model: str = ""


GAP = Readings()
SCALED = ("generation_tps", "prompt_tps", "in_flight")


@dataclass(frozen=True)
class History:
    """The newest BUCKETS buckets, oldest first; the last one began at `newest` × BUCKET_S."""

    newest: Optional[int] = None
    buckets: Tuple[Readings, ...] = ()
    bucket_s: float = BUCKET_S
    length: int = BUCKETS
    ceilings: Mapping[str, float] = field(default_factory=dict)  # of the charts, by reading

    @property
    def span_s(self) -> float:
        """Return how far back it goes."""
        return self.bucket_s * self.length


def kept(history: History, *, now_s: float, unix_s: float, model: str = "") -> Optional[Chart]:
    """Return the readings to be kept, None where there are none; what nobody looked at since is a gap."""
    behind = int(now_s // history.bucket_s) - (history.newest or 0)
    if history.newest is None or behind >= history.length:
        return None
    return Chart(unix_s, history.bucket_s, (*history.buckets, *(GAP,) * behind)[-history.length :], model)


def restored(history: History, chart: Chart, *, now_s: float, unix_s: float) -> History:
    """Return the history behind what was kept, if that is new enough to be seen and of the same scale."""
    age_s = unix_s - chart.read_unix_s
    if chart.bucket_s != history.bucket_s or not 0 <= age_s < history.span_s or not chart.readings:
        return history
    newest = int((now_s - age_s) // history.bucket_s)
    found = replace(history, newest=newest, buckets=chart.readings[-history.length :])
    oldest = (history.newest or 0) - len(history.buckets) + 1
    for number, readings in enumerate(history.buckets, oldest):  # that came while the disk was waited for
        found = record(found, readings, now_s=number * history.bucket_s)
    return found


def record(history: History, readings: Readings, *, now_s: float) -> History:
    """Return the history with readings taken now; a clock that stepped back starts it again."""
    longer = _with_bucket(history, readings, now_s)
    return replace(longer, ceilings={name: _ceiling(longer, name) for name in SCALED})


def _ceiling(history: History, name: str) -> float:
    """Return the top of a chart: risen at once, lowered only when all that is seen is well below it."""
    highest = max(known(history, name), default=0.0)
    old, new = history.ceilings.get(name, 0.0), nice_ceiling(highest)
    return old if new < old and highest > LOWER_BELOW * old else new


def nice_ceiling(highest: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 … at or above a number; 1 for nothing."""
    step = 1.0
    while step < highest:
        step *= 2.5 if f"{step:e}"[0] == "2" else 2.0
    return step


def _with_bucket(history: History, readings: Readings, now_s: float) -> History:
    bucket = int(now_s // history.bucket_s)
    if history.newest is None or bucket < history.newest:
        return replace(history, newest=bucket, buckets=(readings,))
    if bucket == history.newest:
        return replace(history, buckets=(*history.buckets[:-1], _together(history.buckets[-1], readings)))
    skipped = bucket - history.newest - 1
    held = skipped if skipped * history.bucket_s <= HOLD_S else 0
    missed = min(skipped - held, history.length)
    added = (GAP,) * missed + (readings,) * held + (readings,)
    return replace(history, newest=bucket, buckets=(*history.buckets, *added)[-history.length :])


def _together(before: Readings, now: Readings) -> Readings:
    """Return one bucket's readings: the highest of what comes and goes, the newest of what is."""
    highest = {name: _max(getattr(before, name), getattr(now, name)) for name in SCALED}
    return now._replace(**highest)


def _max(before: Optional[float], now: Optional[float]) -> Optional[float]:
    return now if before is None or (now is not None and now > before) else before


def series(history: History, name: str, *, points: int, now_s: float) -> Tuple[Optional[float], ...]:
    """Return `points` values of one reading over the whole span, newest last; None for a gap.

    Each point covers length/points buckets and shows the mean of those that are known.
    """
    if history.newest is None:
        return (None,) * points
    behind = max(0, int(now_s // history.bucket_s) - history.newest)
    values = [getattr(bucket, name) for bucket in history.buckets]
    padded = ([None] * history.length + values + [None] * min(behind, history.length))[-history.length :]
    per_point = history.length // points
    return tuple(_mean(padded[index * per_point : (index + 1) * per_point]) for index in range(points))


def known(history: History, name: str) -> Tuple[float, ...]:
    """Return the known values above zero of one reading, oldest first."""
    return tuple(value for value in (getattr(bucket, name) for bucket in history.buckets) if value)


def _mean(values: "list[Optional[float]]") -> Optional[float]:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
