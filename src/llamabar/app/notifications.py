"""Optional notifications through SwiftBar."""

import threading
from typing import Dict
from urllib.parse import quote

from llamabar.core.notify import News, Told, news
from llamabar.core.notify_options import CRASHED, FAILED, GONE, LONG, READY, UNLOADED, NotifyOptions
from llamabar.core.state import Snapshot
from llamabar.core.units import duration
from llamabar.macos import tools
from llamabar.macos.paths import PLUGIN
from llamabar.sources import clock
from llamabar.view.languages import said as _
from llamabar.view.names import labels
from llamabar.view.text import name


class Notifier:
    """Remembers what was reported for each server."""

    def __init__(self, options: NotifyOptions) -> None:
        self._options = options
        self._told: Dict[str, Told] = {}

    def look(self, server: str, snapshot: Snapshot, *, now_s: float) -> None:
        """Send a notification if there is news that the user wants; returns at once."""
        if not self._options.events:
            return
        before = self._told.get(server, Told())
        self._told[server], found = news(before, snapshot, self._options, now_s=now_s, minute=clock.minute_of_day())
        if found is not None:
            address = url(found, server, model=labels(snapshot).get(found.model, ""))
            threading.Thread(target=tools.run, args=("open", "-g", address), daemon=True).start()


def url(found: News, server: str, *, model: str = "") -> str:
    """Return SwiftBar's URL for a notification; `model` is the model's display name, if it has one."""
    fields = {"plugin": PLUGIN, "title": name(server), "body": words(found, model or name(found.model))}
    return "swiftbar://notify?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items())


def words(found: News, model: str) -> str:
    """Return the text of a notification."""
    took = duration(found.lasted_s)
    return {
        FAILED: lambda: _("{} failed to load", model),
        CRASHED: lambda: _("{} quit unexpectedly", model),
        GONE: lambda: _("isn't responding"),
        LONG: lambda: _("{} finished a {} request", model, took),
        READY: lambda: _("{} is ready after {}", model, took),
        UNLOADED: lambda: _("{} was unloaded after {} idle", model, took),
    }[found.event]()
