"""Counters and histograms of one server: what its history holds, and what ended since.

A request counts once, no matter which watcher stored it and how often it is read. A counter continues where the history
ends, so it never decreases across a restart; it isn't shown until the server's rows have been read once, or it would
decrease for a moment. If nothing can be stored, it starts at 0 and counts requests that end from then on. Sums of
histograms are in whole millionths, so the order of additions can't make them smaller.
"""

from bisect import bisect_left
from itertools import accumulate
from typing import Dict, Iterable, Mapping, Optional, Sequence, Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.seen import Seen
from llamabar.core.spread import step_of, value_of
from llamabar.core.state import STOPPED, Model, Snapshot
from llamabar.core.totals import DURATION, FIRST_TOKEN, GENERATION, Sums, identity, of_row
from llamabar.export.families import Buckets, Lines
from llamabar.store.ever import Ever

# Each bound adds a line, and a series, for every model. Speeds: steps of at most a factor of two where most models are,
# and one bound each for the slowest and the fastest. Times: two per decade, from barely noticeable to ten minutes.
BOUNDS: Mapping[str, Tuple[float, ...]] = {
    GENERATION: (1, 5, 10, 20, 35, 60, 100, 200, 1000),
    FIRST_TOKEN: (0.1, 0.3, 1, 3, 10, 30, 120),
    DURATION: (0.3, 1, 3, 10, 30, 120, 600),
}
LOAD_BOUNDS_S = (1, 3, 10, 30, 60, 120, 300)


class Histogram:
    """Values counted in buckets. Each value is first rounded to its step (core/totals), as the history stores it."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._millionths = 0

    def add(self, step: int, times: int = 1) -> None:
        """Count a step this many times."""
        value = value_of(step)
        self._counts[bisect_left(self._bounds, value)] += times
        self._millionths += round(value * 1e6) * times

    def shown(self) -> Buckets:
        """Return the histogram."""
        return Buckets(self._bounds, tuple(accumulate(self._counts)), self._millionths / 1e6)


class Counts:
    """The counts of one model. `lines`: their text and what it was made for, None if they changed since."""

    def __init__(self) -> None:
        self.requests = self.failures = self.prompt_tokens = self.generated_tokens = self.cached_tokens = 0
        self.cache_is_told = False
        self.spreads = {figure: Histogram(bounds) for figure, bounds in BOUNDS.items()}
        self.loads = Histogram(LOAD_BOUNDS_S)
        self.failed_loads = self.crashes = 0
        self.lines: Optional[Tuple[object, Lines]] = None

    def add(self, sums: Sums) -> None:
        """Add the sums of some requests."""
        self.lines = None
        for name in ("requests", "failures", "prompt_tokens", "generated_tokens", "cached_tokens"):
            setattr(self, name, getattr(self, name) + getattr(sums, name))
        self.cache_is_told = self.cache_is_told or sums.known_prompt_tokens > 0
        for figure, histogram in self.spreads.items():
            for step, times in sums.spread(figure).items():
                histogram.add(step, times)

    def compare(self, old: Model, model: Model) -> None:
        """Count what happened to the model between two looks."""
        self.lines = None
        if model.load_times_s and model.load_times_s is not old.load_times_s:
            self.loads.add(step_of(model.load_times_s[-1]))
        self.failed_loads += model.failed_at_s is not None and model.failed_at_s != old.failed_at_s
        self.crashes += model.quit_at_s is not None and model.quit_at_s != old.quit_at_s


class Book:
    """The counts of one server. `ever`: its stored history, None if nothing can be stored.

    A model has counts from its first load or request on: most models of a large fleet are never used.
    """

    def __init__(self, ever: Optional[Ever]) -> None:
        self.is_open = False  # its rows have been read at least once
        self.others = Counts()  # for every model that isn't in the server's table
        self._models: Dict[str, Counts] = {}
        self._snapshot = Snapshot()
        self._fresh = Seen()  # rows that are counted but weren't in the history
        for model, sums in (ever.models if ever is not None else {}).items():
            self._of(model).add(sums)
        self._ever = ever._replace(models={}) if ever is not None else None  # sums of all days are large

    def of(self, model: str) -> Optional[Counts]:
        """Return a model's counts, None if it was never used."""
        return self._models.get(model)

    def _of(self, model: str) -> Counts:
        return self._models.get(model) or self._models.setdefault(model, Counts())

    def take(self, rows: Iterable[FinishedRequest], listed: Mapping[str, Model]) -> None:
        """Count new rows; those of models that the server doesn't list count as `others`, from 0."""
        for row in rows:
            new = self.is_open if self._ever is None else self._ever.lacks(row)
            if new and identity(row) not in self._fresh:
                self._fresh.add(identity(row))
                (self._of(row.model) if row.model in listed else self.others).add(of_row(row))

    def look(self, snapshot: Snapshot) -> None:
        """Count what happened to the models since the last call."""
        before, self._snapshot = self._snapshot, snapshot
        self.is_open = self.is_open or (snapshot.connected and snapshot.newest_row_id is not None)
        if snapshot.models is before.models:
            return
        for model_id, model in snapshot.models.items():
            old = before.models.get(model_id, model)
            if _is_used(model):
                counts = self._of(model_id)
                if old is not model:
                    counts.compare(old, model)


def _is_used(model: Model) -> bool:
    """Tell whether a model is or was loaded since it is watched; of a peer's models, no load is seen."""
    was = bool(model.load_times_s) or model.failed_at_s is not None or model.quit_at_s is not None
    return was or model.info.peer != "" or model.state != STOPPED
