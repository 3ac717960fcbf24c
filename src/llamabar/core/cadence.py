"""When the next frame may be printed. SwiftBar keeps every byte, so each frame must be worth its size.

A change of state is shown at once; other events and moving figures at most once a second. What changes only with time
(ages, countdowns above a minute, sparklines) or by itself (host figures) waits RECENT_S after activity, and QUIET_S in
a quiet menu. A large frame waits longer: figures print at most BUSY_BYTES a second, ages RECENT_BYTES. Frames with a
new state never wait; the figures after them, except for the first, wait longer to make up for it.
"""

from dataclasses import dataclass, replace
from typing import Optional

URGENT_S = 0.05  # merges a burst of changes into one frame; a state change right after a frame waits no longer
BUSY_S = 1.0
BURST = 25.0  # twenty changes in a row, half a second apart, and at most 35 frames in any ten seconds
RECENT_S = 15.0
QUIET_S = 120.0
RECENT_FOR_S = 300.0
BUSY_BYTES, RECENT_BYTES = 2_500.0, 64.0  # per second: 9 MB and, with the first frame, 0.3 MB an hour
MOST_OWED_S = 30.0  # more than this is forgiven: BURST limits states that never rest
LENT_S, OWING_RATIO = 4.0, 2.0  # while more than LENT_S is owed, figures wait up to OWING_RATIO times as long as usual


@dataclass(frozen=True)
class Shown:
    """What the last frame showed. `state` changes with any state, `words` with any text, `all` with any pixel."""

    at_s: Optional[float] = None
    urgent: float = BURST  # how many changes of state may still be shown at once
    state: object = None
    words: object = None
    all: object = None
    size_bytes: int = 0  # of the last frame
    paid_s: float = 0.0  # when all bytes printed so far average BUSY_BYTES a second
    is_news: bool = False  # that frame had a new state, so the next figures are worth showing soon


@dataclass(frozen=True)
class Pace:
    """How active the server is. `news`: an event came since the last frame; `last_activity_s`: when a request last
    ended."""

    busy: bool
    counting_down: bool
    last_activity_s: Optional[float]
    news: bool = False


def due_s(shown: Shown, new: Shown, pace: Pace, *, now_s: float) -> Optional[float]:
    """Return when `new` may be printed (now or in the past: print it), or None if nothing changed."""
    if shown.at_s is None:
        return now_s
    if new.state != shown.state:
        missing = max(0.0, 1.0 - _urgent(shown, now_s))
        return max(shown.at_s + URGENT_S, now_s + missing * BUSY_S if missing else 0.0)
    if new.words != shown.words:
        if pace.news and not pace.busy:
            return shown.at_s + BUSY_S
        return _busy_due_s(shown) if pace.busy or pace.counting_down else shown.at_s + _calm_s(shown, pace, now_s)
    if new.all != shown.all:
        return _busy_due_s(shown) if pace.busy else shown.at_s + _calm_s(shown, pace, now_s)
    return None


def same_state_due_s(shown: Shown, state: object, pace: Pace, *, now_s: float) -> Optional[float]:
    """Return the earliest time at which a menu with the same state may be printed; None if that is now."""
    if shown.at_s is None or state != shown.state:
        return None
    earliest_s = shown.at_s + BUSY_S if pace.news and not pace.busy else _busy_due_s(shown)
    return earliest_s if now_s < earliest_s else None


def _busy_due_s(shown: Shown) -> float:
    usual_s = max(BUSY_S, shown.size_bytes / BUSY_BYTES)
    owing_s = 0.0 if shown.is_news else shown.paid_s - (shown.at_s or 0.0) - LENT_S
    return (shown.at_s or 0.0) + min(max(usual_s, owing_s), usual_s * OWING_RATIO)


def _calm_s(shown: Shown, pace: Pace, now_s: float) -> float:
    recent = pace.last_activity_s is not None and now_s - pace.last_activity_s < RECENT_FOR_S
    return min(QUIET_S, max(RECENT_S, shown.size_bytes / RECENT_BYTES)) if recent else QUIET_S


def too_soon(shown: Shown, pace: Pace, *, now_s: float) -> bool:
    """Tell whether a quiet menu can't be printed yet, whatever it shows."""
    return shown.at_s is not None and now_s < shown.at_s + _calm_s(shown, pace, now_s)


def printed(shown: Shown, new: Shown, *, now_s: float) -> Shown:
    """Return what is shown after a frame was printed now."""
    is_news = new.state != shown.state
    urgent = max(0.0, _urgent(shown, now_s) - is_news)
    return replace(new, at_s=now_s, urgent=urgent, size_bytes=shown.size_bytes, paid_s=shown.paid_s, is_news=is_news)


def sized(shown: Shown, size_bytes: int) -> Shown:
    """Return what is shown, once the size of its frame is known."""
    at_s = shown.at_s or 0.0
    paid_s = max(shown.paid_s, at_s) + size_bytes / BUSY_BYTES
    return replace(shown, size_bytes=size_bytes, paid_s=min(paid_s, at_s + MOST_OWED_S))


def _urgent(shown: Shown, now_s: float) -> float:
    """Return how many changes of state may be shown at once. One is added per second, up to BURST: a few changes in a
    row are immediate, constant flapping is shown once a second."""
    return min(BURST, shown.urgent + (now_s - shown.at_s) / BUSY_S) if shown.at_s is not None else BURST
