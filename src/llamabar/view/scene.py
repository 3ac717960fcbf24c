"""What a menu is drawn from: servers, readings, settings and the time, all values."""

from dataclasses import dataclass
from typing import Optional, Tuple

from llamabar.core.history import History
from llamabar.core.hysteresis import NONE_YET, Figures, figures
from llamabar.core.ledger import Account
from llamabar.core.state import Snapshot
from llamabar.core.status import Status, classify
from llamabar.view.menu import Action
from llamabar.view.sparkline import CHART, Chart


@dataclass(frozen=True)
class Cause:
    """Why a server does not answer, as the doctor found it: what it is, and what to do about it."""

    title: str
    remedy: str = ""


@dataclass(frozen=True)
class Server:
    """One server as the settings name it, and what is known of it."""

    name: str
    url: str
    snapshot: Snapshot
    status: Status
    history: History
    figures: Figures
    accounts: Tuple[Account, ...] = ()  # what was counted: here first, then at other addresses
    only: bool = True  # there is no other: its name need not be said
    cause: Optional[Cause] = None
    number: int = 1  # its place in the settings

    @property
    def address(self) -> str:
        """Return host and port."""
        return self.url.split("://", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1] or "(no address)"

    @property
    def option(self) -> str:
        """Return the words that name this server to a command; none are needed for the only one."""
        return "" if self.only else f" --server @{self.number}"

    def waits(self, action: Action) -> bool:
        """Tell whether a click was sent on its way and has not ended."""
        asked = self.snapshot.asked.get(action.token)
        return asked is not None and asked.ended_s is None


def seen(
    name: str, url: str, snapshot: Snapshot, history: History, *, now_s: float, before: Figures = NONE_YET,
    accounts: Tuple[Account, ...] = (), only: bool = True, cause: Optional[Cause] = None, number: int = 1,
) -> Server:  # fmt: skip
    """Return a server as it is now; `before` are the figures of its last scene."""
    moved = figures(snapshot, history, now_s=now_s, before=before)
    return Server(name, url, snapshot, classify(snapshot), history, moved, accounts, only, cause, number)


@dataclass(frozen=True)
class Scene:
    """All that can be seen at a moment. `today`: the local date (2026-11-24), "" if it is not known."""

    servers: Tuple[Server, ...]
    now_s: float
    title: str = "speed"
    key: str = ""
    notices: Tuple[str, ...] = ()  # faults of our own, such as a mistake in the settings
    today: str = ""
    chart: Chart = CHART
    version: str = ""
    aside: str = ""  # a sentence of our own that is no fault
