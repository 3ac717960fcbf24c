"""When to look where a server has gone that was found by itself: only while it does not answer, ever more rarely."""

from typing import NamedTuple, Optional

FIRST_S = 2.0  # a restart at the same address takes less
LONGEST_S = 60.0


class Search(NamedTuple):
    """When to look next, None while it answers; and how long that wait is."""

    next_s: Optional[float] = None
    wait_s: float = FIRST_S

    def seen(self, *, answers: bool, now_s: float) -> "Search":
        """Return the search as it stands when the server answers, or does not."""
        if answers:
            return Search()
        return self if self.next_s is not None else Search(now_s + FIRST_S)

    def due(self, now_s: float) -> bool:
        """Tell whether to look now."""
        return self.next_s is not None and now_s >= self.next_s

    def looked(self, now_s: float) -> "Search":
        """Return the search after a look."""
        wait_s = min(LONGEST_S, self.wait_s * 2.0)
        return Search(now_s + wait_s, wait_s)
