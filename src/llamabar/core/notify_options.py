"""What the user wants to be notified about: apart from what finds that out, which the settings do without."""

from typing import NamedTuple, Optional, Tuple

FAILED, GONE, LONG = "model failed", "server gone", "long request"
EVENTS = (FAILED, GONE, LONG)


class NotifyOptions(NamedTuple):
    """What the user wants to be notified about. `quiet`: minutes of the day from and to, which may pass midnight."""

    events: Tuple[str, ...] = ()
    long_request_s: float = 60.0
    quiet: Optional[Tuple[int, int]] = None
