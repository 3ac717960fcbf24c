"""Words for the figures of one model."""

from typing import Sequence

from llamabar.core import units
from llamabar.core.readings import median
from llamabar.view import words
from llamabar.view.languages import said as _


def first_token(seconds: float) -> str:
    """Return how long a request usually waits for its first token."""
    return _("first token after {}", units.span(seconds))


def cached(share: float) -> str:
    """Return how much of the prompts came from the cache."""
    return _("{} cached", units.percent(share))


def tokens_of(used: int, count: int) -> str:
    """Return how much of a context is used."""
    return words.of(units.count(used), words.tokens(count))


def load_time(times_s: Sequence[float]) -> str:
    """Return how long a load usually takes, and how many that is the median of; "" if none was seen."""
    usual = units.span(median(times_s))
    return _("{} (median of {})", usual, len(times_s)) if len(times_s) > 1 else usual if times_s else ""
