"""What a menu is drawn from: servers, readings, settings and the time, all values."""

from dataclasses import dataclass
from typing import Tuple

from llamabar.core.history import History
from llamabar.core.state import Snapshot
from llamabar.core.status import Status


@dataclass(frozen=True)
class Server:
    """One server as the settings name it, and what is known of it."""

    name: str
    url: str
    snapshot: Snapshot
    status: Status
    history: History
    only: bool = True  # there is no other: its name need not be said

    @property
    def address(self) -> str:
        """Return host and port."""
        return self.url.split("://", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]


@dataclass(frozen=True)
class Scene:
    """All that can be seen at a moment."""

    servers: Tuple[Server, ...]
    now_s: float
    title: str = "speed"  # or "model" or "icon"
    notices: Tuple[str, ...] = ()  # faults of our own, such as a mistake in the settings
    aside: str = ""  # a sentence of our own that is no fault
