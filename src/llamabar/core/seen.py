"""Which rows have been counted, so that none counts twice: the latest ones, in 16 bytes each.

As tuples in a set they took 200 bytes, and a fleet of servers remembers 2,000 of each. A row's key is its time in whole
seconds and the low half of its number: two rows with the same second and the same low half count as one.
"""

from array import array
from bisect import bisect_left
from typing import Iterable, Tuple

MOST = 2_000  # llama-swap sends again at most its newest 1,000
_NUMBER, _TIME = 2**32 - 1, 2**31 - 1


class Seen:
    """Identities of rows (core/totals.identity); the oldest one is dropped first."""

    def __init__(self, rows: Iterable[Tuple[int, int]] = (), *, most: int = MOST) -> None:
        self._most = most
        self._came = array("q", dict.fromkeys(map(_key, rows)))
        self._sorted = array("q", sorted(self._came))

    def __contains__(self, row: Tuple[int, int]) -> bool:
        return self._has(_key(row))

    def __len__(self) -> int:
        return len(self._came)

    def add(self, row: Tuple[int, int]) -> None:
        """Add a row, once."""
        key = _key(row)
        if self._has(key):
            return
        self._sorted.insert(bisect_left(self._sorted, key), key)
        self._came.append(key)
        if len(self._came) > self._most:
            del self._sorted[bisect_left(self._sorted, self._came.pop(0))]

    def _has(self, key: int) -> bool:
        at = bisect_left(self._sorted, key)
        return at < len(self._sorted) and self._sorted[at] == key


def _key(row: Tuple[int, int]) -> int:
    number, time_s = row
    return (time_s & _TIME) << 32 | (number & _NUMBER)
