"""The only module that reads a clock."""

import time
from datetime import date, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Optional, Tuple


def now_s() -> float:
    """Return monotonic seconds: the one clock for all measurements."""
    return time.monotonic()


def passing_s() -> float:
    """Return seconds that keep counting while this computer sleeps; `now_s` doesn't (Linux: BOOTTIME, macOS: RAW)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC_RAW))


def wait(seconds: float) -> None:
    """Return after this many seconds, or at once if it is zero or negative."""
    time.sleep(max(0.0, seconds))


def unix_s() -> float:
    """Return seconds since 1970, to compare with other programs' timestamps."""
    return time.time()


def ahead_s(date: Optional[str]) -> Optional[float]:
    """Return how far a clock is ahead of this one, from the Date header of an answer that just came; None without."""
    try:
        found = parsedate_to_datetime(date or "")
        return found.replace(tzinfo=found.tzinfo or timezone.utc).timestamp() + 0.5 - unix_s()  # it has no fractions
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def minute_of_day() -> int:
    """Return the local minute of the day, 0 to 1439."""
    local = time.localtime()
    return local.tm_hour * 60 + local.tm_min


def local_day(unix_s: float) -> str:
    """Return the local date of a time, as 2026-11-24."""
    return time.strftime("%Y-%m-%d", time.localtime(unix_s))


def day_ago(days: int) -> str:
    """Return the local date this many days ago; a day doesn't always have 24 hours."""
    return (date.fromisoformat(local_day(unix_s())) - timedelta(days=days)).isoformat()


def local_hour(unix_s: float) -> Tuple[str, int]:
    """Return the local date and hour of a time."""
    return _of_quarter(int(unix_s // 900))


@lru_cache(maxsize=8)
def _of_quarter(number: int) -> Tuple[str, int]:
    """Return the date and hour of a quarter of an hour: time zone offsets are multiples of it."""
    local = time.localtime(number * 900)
    return time.strftime("%Y-%m-%d", local), local.tm_hour
