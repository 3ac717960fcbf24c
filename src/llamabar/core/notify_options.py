"""The notification options. Apart from `notify`, so that the settings don't import it."""

from typing import NamedTuple, Optional, Tuple

FAILED, CRASHED, GONE, LONG = "model failed", "model crashed", "server gone", "long request"
READY, UNLOADED = "model ready", "model unloaded"
EVENTS = (FAILED, CRASHED, GONE, LONG, READY, UNLOADED)


class NotifyOptions(NamedTuple):
    """What the user wants to be notified about. `quiet`: minutes of the day, from and to; they may span midnight."""

    events: Tuple[str, ...] = ()
    long_request_s: float = 60.0
    long_load_s: float = 20.0
    quiet: Optional[Tuple[int, int]] = None
