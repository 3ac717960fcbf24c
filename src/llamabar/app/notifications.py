"""Notifications through SwiftBar, for those who want them."""

import threading
from typing import Dict, Optional
from urllib.parse import quote

from llamabar.core.notify import News, Told, news
from llamabar.core.notify_options import FAILED, GONE, NotifyOptions
from llamabar.core.state import Snapshot
from llamabar.core.units import duration
from llamabar.macos import tools
from llamabar.macos.paths import PLUGIN
from llamabar.sources import clock
from llamabar.view.text import name


class Notifier:
    """Remembers what was told of each server."""

    def __init__(self, wishes: NotifyOptions) -> None:
        self._wishes = wishes
        self._told: Dict[str, Told] = {}

    def look(self, server: str, snapshot: Snapshot, *, now_s: float) -> None:
        """Tell what is new, if it is wanted; returns at once."""
        if not self._wishes.events:
            return
        before = self._told.get(server, Told())
        self._told[server], found = news(before, snapshot, self._wishes, now_s=now_s, minute=clock.minute_of_day())
        if found is not None:
            threading.Thread(target=tools.run, args=("open", "-g", url(found, server)), daemon=True).start()


def url(found: News, server: str) -> str:
    """Return SwiftBar's address for a notification."""
    fields = {"plugin": PLUGIN, "title": name(server), "body": words(found)}
    return "swiftbar://notify?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items())


def words(found: News) -> str:
    """Return the news in words."""
    if found.event == FAILED:
        return f"{name(found.model)} {'quit unexpectedly' if found.quit else 'failed to load'}"
    if found.event == GONE:
        return "is not answering"
    took: Optional[float] = found.lasted_s
    return f"{name(found.model)} has answered after {duration(took)}"
