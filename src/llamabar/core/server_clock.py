"""How far a server's clock is ahead of this computer's: its rows are dated by its own clock, and days are counted here.

The Date header of its answers tells it. What answers there may be a proxy on another computer, so rows that come as
they end tell it too: two in a row that agree outweigh the header. One alone proves nothing: an event may come late, and
a date may be nonsense.
"""

from typing import NamedTuple, Optional

NOISE_S = 60.0  # less isn't worth correcting in a date
SAME_S = 2.0  # a header has no fractions, and an answer takes its time


class ServerClock(NamedTuple):
    """What is known of a server's clock, in seconds ahead of this computer's."""

    headers_s: Optional[float] = None
    rows_s: Optional[float] = None
    doubtful_s: Optional[float] = None  # said by the last row alone

    @property
    def ahead_s(self) -> float:
        """Return how far the clock is ahead; 0 within the noise, or if nothing tells."""
        found = self.offset_s
        return 0.0 if found is None or abs(found) < NOISE_S else found

    @property
    def offset_s(self) -> Optional[float]:
        """Return how far the clock is ahead, for ages: 0 if it may be the same clock, None if nothing tells."""
        found = self.headers_s if self.rows_s is None else self.rows_s
        return 0.0 if found is not None and abs(found) < SAME_S else found


def by_header(clock: ServerClock, ahead_s: Optional[float]) -> ServerClock:
    """Return what is known after a Date header. If it changed, a clock was set, and what rows said is outdated."""
    if ahead_s is None or _agree(clock.headers_s, ahead_s):
        return clock
    return ServerClock(ahead_s)


def by_row(clock: ServerClock, ahead_s: float) -> ServerClock:
    """Return what is known after a row came that had just ended."""
    if _agree(clock.ahead_s, ahead_s):
        return clock._replace(doubtful_s=None)
    if _agree(clock.doubtful_s, ahead_s):
        return clock._replace(rows_s=ahead_s, doubtful_s=None)
    return clock._replace(doubtful_s=ahead_s)


def _agree(one_s: Optional[float], other_s: float) -> bool:
    return one_s is not None and abs(one_s - other_s) < NOISE_S
