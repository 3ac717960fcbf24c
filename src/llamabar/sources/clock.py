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
