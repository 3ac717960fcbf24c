"""How long to wait before the next attempt: longer after each failure, short again after a success."""

from typing import NamedTuple, Optional

FIRST_S = 0.25
SOON_S = 2.0  # a restart at the same address takes less
RARELY_S = 60.0


class Backoff(NamedTuple):
    """The number of failed attempts to connect since the last success, and the longest wait; doubling, with jitter."""

    longest_s: float
    failures: int = 0

    def wait_s(self, luck: float) -> float:
        """Return the seconds to wait. `luck`, 0 to 1, spreads the clients of one server over half of the wait."""
        full_s = min(self.longest_s, FIRST_S * 2.0 ** min(self.failures, 20))
        return full_s * (0.5 + 0.5 * luck)

    def failed(self) -> "Backoff":
        """Return the state after one more failure."""
        return self._replace(failures=self.failures + 1)

    def succeeded(self) -> "Backoff":
        """Return the state after a success."""
        return self._replace(failures=0)


class Rediscovery(NamedTuple):
    """When to search again for a server that no setting names, and the current wait; `next_s` is None while it answers.
    """

    next_s: Optional[float] = None
    wait_s: float = SOON_S

    def seen(self, *, answers: bool, now_s: float) -> "Rediscovery":
        """Return the state after the server answered, or didn't."""
        if answers:
            return Rediscovery()
        return self if self.next_s is not None else Rediscovery(now_s + SOON_S)

    def due(self, now_s: float) -> bool:
        """Tell whether to search now."""
        return self.next_s is not None and now_s >= self.next_s

    def looked(self, now_s: float) -> "Rediscovery":
        """Return the state after a search."""
        wait_s = min(RARELY_S, self.wait_s * 2.0)
        return Rediscovery(now_s + wait_s, wait_s)
