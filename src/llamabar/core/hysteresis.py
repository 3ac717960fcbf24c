"""Keep figures steady: a figure that changed by less than a reader can use stays, so its last digit doesn't flicker.

Law: a figure is never further from the true value than HELD_RATIO of a speed, HELD_DIGITS of a size's last digit, or
HELD_SHARE; a sum is the sum of the parts that the same menu shows.
"""

from dataclasses import dataclass, field
from typing import Callable, Dict, Mapping, Optional

from llamabar.core import readings, units
from llamabar.core.speed import Reading
from llamabar.core.state import Snapshot, loaded

HELD_RATIO = 0.01
HELD_SHARE = 0.01
HELD_DIGITS = 0.5


@dataclass(frozen=True)
class Figures:
    """The moving figures of one server as its menu shows them; an unknown one is None or missing."""

    speeds: Mapping[str, Reading] = field(default_factory=dict)  # of the models that generate right now
    memory_bytes: Mapping[str, float] = field(default_factory=dict)  # of the loaded models
    server_bytes: Optional[float] = None
    used_bytes: Optional[float] = None
    cpu_ratio: Optional[float] = None
    gpu_ratio: Optional[float] = None

    @property
    def total(self) -> Optional[Reading]:
        """Return the speed of all models together."""
        return readings.total(self.speeds.values())


NONE_YET = Figures()


def figures(snapshot: Snapshot, *, now_s: float, before: Figures = NONE_YET) -> Figures:
    """Return the current figures; those that hardly changed are as they were `before`."""
    host = snapshot.host
    return Figures(
        speeds=_speeds(snapshot, now_s, before),
        memory_bytes=_memory(snapshot, before),
        server_bytes=_held(host.server_bytes, before.server_bytes, _size_margin),
        used_bytes=_held(host.memory_used_bytes, before.used_bytes, _size_margin),
        cpu_ratio=_held(host.cpu_ratio, before.cpu_ratio, _share_margin),
        gpu_ratio=_held(readings.gpu(host, now_s=now_s)[0], before.gpu_ratio, _share_margin),
    )


def held(value: float, before: Optional[float], margin: Callable[[float], float]) -> float:
    """Return `before` while the value is within its margin, else the value."""
    return before if before is not None and abs(value - before) <= margin(before) else value


def _held(value: Optional[float], before: Optional[float], margin: Callable[[float], float]) -> Optional[float]:
    return None if value is None else held(value, before, margin)


def _speeds(snapshot: Snapshot, now_s: float, before: Figures) -> Dict[str, Reading]:
    found: Dict[str, Reading] = {}
    for model in (*loaded(snapshot), *readings.peers_at_work(snapshot)):
        reading, was = readings.generation(snapshot, model, now_s=now_s), before.speeds.get(model.id)
        if reading is not None:
            found[model.id] = reading._replace(tps=held(reading.tps, was.tps if was else None, _tps_margin))
    return found


def _memory(snapshot: Snapshot, before: Figures) -> Dict[str, float]:
    return {
        model.id: held(model.memory_bytes, before.memory_bytes.get(model.id), _size_margin)
        for model in loaded(snapshot)
        if model.memory_bytes
    }


def _tps_margin(tps: float) -> float:
    return HELD_RATIO * tps


def _size_margin(used_bytes: float) -> float:
    return HELD_DIGITS * units.size_step(used_bytes)


def _share_margin(_: float) -> float:
    return HELD_SHARE
