"""Numbers as people read them: ASCII, rounded to a useful precision."""

from typing import Optional, Tuple

UNKNOWN = "–"
THOUSANDS = ((1e3, "k"), (1e6, "M"), (1e9, "B"))  # of tokens and requests


def duration(seconds: Optional[float]) -> str:
    """Return an age or a time left, coarser the longer it is: 8 s, 2 min, 3 h, 5 d."""
    if seconds is None:
        return UNKNOWN
    whole_s = max(0, int(seconds))
    if whole_s < 60:
        return f"{whole_s} s"
    if whole_s < 3600:
        return f"{whole_s // 60} min"
    if whole_s < 86_400:
        return f"{whole_s // 3600} h"
    return f"{whole_s // 86_400} d"


def span(seconds: Optional[float]) -> str:
    """Return how long something takes: 0.3 s, 6.2 s, 14 s, 2 min."""
    return f"{seconds:.1f} s" if seconds is not None and seconds < 9.95 else duration(seconds)


def countdown(seconds: float) -> str:
    """Return a time left: in seconds in the last minute, else rounded up; in steps of 5 min above ten."""
    if seconds < 60:
        return duration(seconds)
    minutes = -(-int(seconds) // 60)
    return duration((minutes if minutes <= 10 else -(-minutes // 5) * 5) * 60)


def rate(tps: Optional[float]) -> str:
    """Return a speed: 3.1, 41.2, 250, 19,128."""
    if tps is None:
        return UNKNOWN
    return f"{tps:.1f}" if tps < 99.95 else f"{tps:,.0f}"


def size(count_bytes: Optional[float]) -> str:
    """Return a memory size in powers of ten: 640 MB, 6.4 GB; no decimals from 100 GB on."""
    if count_bytes is None:
        return UNKNOWN
    if count_bytes < 999.5e6:
        return f"{count_bytes / 1e6:.0f} MB"
    return f"{count_bytes / 1e9:.1f} GB" if count_bytes < 99.95e9 else f"{count_bytes / 1e9:.0f} GB"


def size_step(count_bytes: float) -> float:
    """Return one unit of the last digit that `size` shows, in bytes."""
    if count_bytes < 999.5e6:
        return 1e6
    return 0.1e9 if count_bytes < 99.95e9 else 1e9


def of_total(part_bytes: Optional[float], total_bytes: float) -> str:
    """Return a part of a whole with the unit once: 41.0 of 64.0 GB."""
    return " of ".join(part_and_total(part_bytes, total_bytes))


def part_and_total(part_bytes: Optional[float], total_bytes: float) -> Tuple[str, str]:
    """Return a part and the whole with the unit once: 41.0 and 64.0 GB."""
    part, total = size(part_bytes), size(total_bytes)
    return (part[:-3] if part[-2:] == total[-2:] else part), total


def count(number: Optional[int]) -> str:
    """Return a full number with its thousands separated: 142,000."""
    return UNKNOWN if number is None else f"{number:,}"


def short_count(number: int) -> str:
    """Return a number in at most four characters: 812, 5.2k, 52k, 1.2M, 2.0B."""
    if number < 1000:
        return str(number)
    for divisor, letter in THOUSANDS:
        scaled = number / divisor
        if scaled < 9.95:
            return f"{scaled:.1f}{letter}"
        if scaled < 999.5:
            return f"{scaled:.0f}{letter}"
    return f">999{THOUSANDS[-1][1]}"


def percent(ratio: Optional[float]) -> str:
    """Return a ratio as a whole percentage."""
    return UNKNOWN if ratio is None else f"{max(0.0, ratio) * 100:.0f} %"


def plural(number: int, one: str) -> str:
    """Return a number with its noun: 1 request, 2 requests."""
    return f"{count(number)} {one if number == 1 else one + 's'}"
