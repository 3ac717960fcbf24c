"""What a menu is drawn from: servers, readings, settings and the time, all values."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Dict, Hashable, Mapping, NamedTuple, Optional, Tuple, TypeVar, cast

from llamabar.core.history import History
from llamabar.core.hysteresis import NONE_YET, Figures, figures
from llamabar.core.state import Snapshot
from llamabar.core.status import Cause, Status, classify
from llamabar.core.totals import Totals
from llamabar.view.charts import CHART, Chart
from llamabar.view.menu import Action
from llamabar.view.names import labels
from llamabar.view.text import name, plain

NONE_COUNTED = Totals()

Part = TypeVar("Part")


@dataclass(frozen=True)
class Server:
    """One server as the settings name it, and what is known of it."""

    name: str
    url: str
    snapshot: Snapshot
    status: Status
    history: History
    figures: Figures
    totals: Totals = NONE_COUNTED
    only: bool = True  # there is no other: its name need not be said
    cause: Optional[Cause] = None
    number: int = 1  # its place in the settings
    by_id: bool = False  # models are shown by their ids
    awake: bool = False  # this Mac is held awake for it
    models: Mapping[str, History] = field(default_factory=dict)  # the readings of each model, by id

    @property
    def address(self) -> str:
        """Return host and port, harmless."""
        return address_of(self.url)

    @property
    def option(self) -> str:
        """Return the words that name this server to a command; none are needed for the only one."""
        return "" if self.only else f" --server @{self.number}"

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Return what each model is called, by id."""
        return labels(self.snapshot, by_id=self.by_id)

    def labels_within(self, limit: int) -> Mapping[str, str]:
        """Return what each model is called in so many characters."""
        return labels(self.snapshot, by_id=self.by_id, limit=limit)

    def label(self, model_id: str) -> str:
        """Return what a model is called; no two of a server's models look alike."""
        return self.labels.get(model_id) or name(model_id)

    def waits(self, action: Action) -> bool:
        """Tell whether a click was sent on its way and has not ended."""
        if not self.snapshot.asked:
            return False
        asked = self.snapshot.asked.get(action.token)
        return asked is not None and asked.ended_s is None


def address_of(url: str) -> str:
    """Return an address's host and port, harmless and without a password."""
    return plain(url.split("://", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]) or "(no address)"


def seen(
    name: str, url: str, snapshot: Snapshot, history: History, *, now_s: float, before: Figures = NONE_YET, **more: Any,
) -> Server:  # fmt: skip
    """Return a server as it is now; `before` are the figures of its last scene, `more` its other fields."""
    found = figures(snapshot, now_s=now_s, before=before)
    return Server(name, url, snapshot=snapshot, status=classify(snapshot), history=history, figures=found, **more)


class MenuOptions(NamedTuple):
    """What the user wants of the menu. `pinned`: ids or names of the models that stand first; `expand`: the server
    whose whole menu is shown among several.
    """

    pinned: Tuple[str, ...] = ()
    expand: str = ""


class Remembered:
    """The parts of the last menu by key, each with what it was made of. It saves time and changes nothing else."""

    def __init__(self) -> None:
        self._last: Dict[Hashable, Tuple[object, object]] = {}
        self._now: Dict[Hashable, Tuple[object, object]] = {}

    def turn(self) -> None:
        """Begin a new menu; what the one before did not use is forgotten."""
        self._last, self._now = self._now, {}

    def part(self, key: Hashable, made_of: Tuple[object, ...], make: Callable[[], Part]) -> Part:
        """Return the part of the last menu, if it was made of the same."""
        before = self._now.get(key) or self._last.get(key)
        found = before if before is not None and before[0] == made_of else (made_of, make())
        self._now[key] = found
        return cast(Part, found[1])


@dataclass(frozen=True)
class Scene:
    """All that can be seen at a moment. `today`: the local date (2026-11-24), "" if it is not known."""

    servers: Tuple[Server, ...]
    now_s: float
    title: str = "speed"
    key: str = ""
    mistakes: Tuple[str, ...] = ()  # in the settings
    today: str = ""
    chart: Chart = CHART
    version: str = ""
    notice: str = ""  # a sentence of our own that is no fault
    options: MenuOptions = MenuOptions()
    remembered: Remembered = field(default_factory=Remembered, compare=False, repr=False)
