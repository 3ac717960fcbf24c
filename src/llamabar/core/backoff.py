"""How long to wait before the next attempt: longer with each that failed, back to the start after a success."""

from typing import NamedTuple, Optional

FIRST_S = 0.25
SOON_S = 2.0  # a restart at the same address takes less
RARELY_S = 60.0


class Backoff(NamedTuple):
    """Failed attempts to connect since the last success, and the longest wait: doubling, with jitter."""

    longest_s: float
    failures: int = 0

    def wait_s(self, luck: float) -> float:
        """Return the seconds to wait; `luck` in 0 to 1 spreads the clients of one server over half of it."""
        full_s = min(self.longest_s, FIRST_S * 2.0 ** min(self.failures, 20))
        return full_s * (0.5 + 0.5 * luck)

    def failed(self) -> "Backoff":
        """Return the state after one more failure."""
        return self._replace(failures=self.failures + 1)

    def succeeded(self) -> "Backoff":
        """Return the state after a success."""
        return self._replace(failures=0)


class Rediscovery(NamedTuple):
    """When to look next for a server that was found without a setting, None while it answers; how long that wait is."""

    next_s: Optional[float] = None
    wait_s: float = SOON_S

    def seen(self, *, answers: bool, now_s: float) -> "Rediscovery":
        """Return the state after the server answered, or did not."""
        if answers:
            return Rediscovery()
        return self if self.next_s is not None else Rediscovery(now_s + SOON_S)

    def due(self, now_s: float) -> bool:
        """Tell whether to look now."""
        return self.next_s is not None and now_s >= self.next_s

    def looked(self, now_s: float) -> "Rediscovery":
        """Return the state after a look."""
        wait_s = min(RARELY_S, self.wait_s * 2.0)
        return Rediscovery(now_s + wait_s, wait_s)
