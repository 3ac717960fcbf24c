"""The only place that reads a clock."""

import time


def now_s() -> float:
    """Return monotonic seconds: one clock for everything that is measured."""
    return time.monotonic()


def wait(seconds: float) -> None:
    """Return after so long, or at once if that is over."""
    time.sleep(max(0.0, seconds))


def unix_s() -> float:
    """Return seconds since 1970, to compare with the stamps of others."""
    return time.time()


def minute_of_day() -> int:
    """Return the local minute of the day, 0 to 1439."""
    local = time.localtime()
    return local.tm_hour * 60 + local.tm_min


def local_day(unix_s: float) -> str:
    """Return the local date of a time, as 2026-11-24."""
    return time.strftime("%Y-%m-%d", time.localtime(unix_s))
