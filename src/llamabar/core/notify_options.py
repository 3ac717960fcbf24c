"""Of what the user wants to be told. It is apart from what finds that out, so that the settings need nothing of it."""

from typing import NamedTuple, Optional, Tuple

FAILED, GONE, LONG = "model failed", "server gone", "long request"
EVENTS = (FAILED, GONE, LONG)


class Wishes(NamedTuple):
    """What the user wants to be told. `quiet`: minutes of the day from and to, which may pass midnight."""

    events: Tuple[str, ...] = ()
    long_request_s: float = 60.0
    quiet: Optional[Tuple[int, int]] = None
