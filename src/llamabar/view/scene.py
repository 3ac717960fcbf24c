"""What a menu is drawn from: servers, readings, settings and the time, all as values."""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, Callable, Dict, Hashable, Mapping, NamedTuple, Optional, Tuple, TypeVar, cast

from llamabar.core.address import without_login
from llamabar.core.history import History, Range, range_of
from llamabar.core.hysteresis import NONE_YET, Figures, figures
from llamabar.core.state import Snapshot
from llamabar.core.status import Cause, Status, classify
from llamabar.core.totals import Sums, Totals
from llamabar.view.charts import CHART, Chart
from llamabar.view.menu import Action
from llamabar.view.names import labels
from llamabar.view.text import name, plain

NONE_COUNTED = Totals()
WIDE_CHARS, SHORT_CHARS = 64, 28
STEP_BUCKETS = 5  # how often charts and ranges are updated

Part = TypeVar("Part")


@dataclass(frozen=True)
class Server:
    """One server in the settings, and what is known of it."""

    name: str
    url: str
    snapshot: Snapshot
    status: Status
    history: History
    figures: Figures
    totals: Totals = NONE_COUNTED
    only: bool = True  # the only server, so its name needn't be shown
    cause: Optional[Cause] = None
    number: int = 1  # its position in the settings
    by_id: bool = False  # models are labelled by id
    awake: bool = False  # this Mac is kept awake for it
    models: Mapping[str, History] = field(default_factory=dict)  # each model's readings, by id
    has_key: bool = False  # the settings have an API key for it

    @property
    def address(self) -> str:
        """Return host and port, made harmless."""
        return address_of(self.url)

    @property
    def option(self) -> str:
        """Return the option that selects this server in a command; "" for the only server."""
        return "" if self.only else f" --server @{self.number}"

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Return each model's label, by id."""
        return labels(self.snapshot, by_id=self.by_id)

    @cached_property
    def wide_labels(self) -> Mapping[str, str]:
        """Return each model's longer label for a submenu, by id."""
        return self.labels_within(WIDE_CHARS)

    @cached_property
    def short_labels(self) -> Mapping[str, str]:
        """Return each model's shorter label for a list in a submenu, by id."""
        return self.labels_within(SHORT_CHARS)

    def labels_within(self, limit: int) -> Mapping[str, str]:
        """Return each model's label within `limit` characters, by id."""
        return labels(self.snapshot, by_id=self.by_id, limit=limit)

    def label(self, model_id: str) -> str:
        """Return a model's label. No two models of a server look alike."""
        return self.labels.get(model_id) or name(model_id)

    def short_label(self, model_id: str) -> str:
        """Return a model's shorter label."""
        return self.short_labels.get(model_id) or name(model_id, SHORT_CHARS)

    def waits(self, action: Action) -> bool:
        """Tell whether a click's action was sent and hasn't finished."""
        if not self.snapshot.asked:
            return False
        asked = self.snapshot.asked.get(action.token)
        return asked is not None and asked.ended_s is None


def address_of(url: str) -> str:
    """Return a server's address without its scheme; the path may be all that tells it from another server's."""
    return plain(without_login(url).split("://", 1)[-1]) or "(no address)"


def seen(
    name: str, url: str, snapshot: Snapshot, history: History, *, now_s: float, before: Figures = NONE_YET, **more: Any,
) -> Server:  # fmt: skip
    """Return the current server. `before` are the figures of its last scene, `more` its other fields."""
    found = figures(snapshot, now_s=now_s, before=before)
    return Server(name, url, snapshot=snapshot, status=classify(snapshot), history=history, figures=found, **more)


class MenuOptions(NamedTuple):
    """Settings of the menu. `pinned`: ids or names of models listed first; `expand`: the server shown in full."""

    pinned: Tuple[str, ...] = ()
    expand: str = ""


class Remembered:
    """Caches the parts of the last menu, each with what it was made of. It saves time and changes nothing else."""

    def __init__(self) -> None:
        self._last: Dict[Hashable, Tuple[object, object]] = {}
        self._now: Dict[Hashable, Tuple[object, object]] = {}

    def turn(self) -> None:
        """Begin a new menu. Parts that the previous one didn't use are dropped."""
        self._last, self._now = self._now, {}

    def part(self, key: Hashable, made_of: Tuple[object, ...], make: Callable[[], Part]) -> Part:
        """Return the last menu's part if it was made of the same values; else make it."""
        before = self._now.get(key) or self._last.get(key)
        found = before if before is not None and before[0] == made_of else (made_of, make())
        self._now[key] = found
        return cast(Part, found[1])


class Room(IntEnum):
    """What submenus show besides facts, each with all before it: charts of models and of the memory's parts, tooltips,
    and charts of the processors."""

    FACTS, CHARTS, TOOLTIPS, ALL = range(4)


# What models weigh: a loaded one 400 bytes of facts, one that was used lately 600 more with its chart. So a frame of
# four models takes at most 6,000 bytes, and charts stay as long as they fit.
MOST = ((Room.ALL, 1_000), (Room.TOOLTIPS, 1_400), (Room.CHARTS, 2_200))
LOADED_BYTES, USED_BYTES, CHARTED = 400, 600, 5


@dataclass(frozen=True)
class Scene:
    """Everything that can be seen at one moment. `today` is the local date (2026-11-24), "" if unknown."""

    servers: Tuple[Server, ...]
    now_s: float
    title: str = "speed"
    key: str = ""
    mistakes: Tuple[str, ...] = ()  # in the settings
    today: str = ""
    chart: Chart = CHART
    version: str = ""
    notice: str = ""  # a sentence of our own that isn't a fault
    options: MenuOptions = MenuOptions()
    remembered: Remembered = field(default_factory=Remembered, compare=False, repr=False)

    @cached_property
    def room(self) -> Room:
        """Return what submenus show besides facts: the less, the more models are loaded and were used lately, so that a
        frame stays small. It changes only when a model is loaded or unloaded, or gets its chart or loses it."""
        there = [(server, model.id) for server in self.servers for model in server.snapshot.loaded]
        if len(there) > CHARTED:
            return Room.FACTS
        used = [recent_range(server, self, "generation_tps", model=model_id) for server, model_id in there]
        weight = len(there) * LOADED_BYTES + sum(one is not None for one in used) * USED_BYTES
        return next((room for room, most in MOST if weight <= most), Room.FACTS)


def recent_range(server: Server, scene: Scene, reading: str, *, model: str = "") -> Optional[Range]:
    """Return the range of a server's or model's reading over the time of its chart."""
    history = server.models.get(model, History()) if model else server.history
    made_of = (int(scene.now_s // (STEP_BUCKETS * history.bucket_s)), len(history.buckets))
    key = ("range", server.name, model, reading)
    return scene.remembered.part(key, made_of, lambda: range_of(history, reading))


def day(server: Server, scene: Scene) -> Mapping[str, Sums]:
    """Return the server's totals for today, by model."""
    totals = server.totals
    made_of = (scene.today, totals.number, totals.told)
    return scene.remembered.part(("day", server.name), made_of, lambda: totals.of(scene.today))
