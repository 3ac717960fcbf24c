"""When to look for a server that was found without a setting: only while it doesn't answer, ever more rarely."""

from typing import NamedTuple, Optional

FIRST_S = 2.0  # a restart at the same address takes less
LONGEST_S = 60.0


class Rediscovery(NamedTuple):
    """When to look next, None while it answers; and how long that wait is."""

    next_s: Optional[float] = None
    wait_s: float = FIRST_S

    def seen(self, *, answers: bool, now_s: float) -> "Rediscovery":
        if answers:
            return Rediscovery()
        return self if self.next_s is not None else Rediscovery(now_s + FIRST_S)

    def due(self, now_s: float) -> bool:
        return self.next_s is not None and now_s >= self.next_s

    def looked(self, now_s: float) -> "Rediscovery":
        wait_s = min(LONGEST_S, self.wait_s * 2.0)
        return Rediscovery(now_s + wait_s, wait_s)
