"""How long to wait before the next attempt: doubling, with jitter, back to the start after a success."""

from typing import NamedTuple

FIRST_S = 0.25


class Backoff(NamedTuple):
    """Failed attempts since the last success, and the longest wait."""

    longest_s: float
    failures: int = 0

    def wait_s(self, luck: float) -> float:
        """Return the seconds to wait; `luck` in 0 to 1 spreads the clients of one server over half of it."""
        full_s = min(self.longest_s, FIRST_S * 2.0 ** min(self.failures, 20))
        return full_s * (0.5 + 0.5 * luck)

    def failed(self) -> "Backoff":
        return self._replace(failures=self.failures + 1)

    def succeeded(self) -> "Backoff":
        return self._replace(failures=0)
