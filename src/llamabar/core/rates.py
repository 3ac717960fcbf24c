"""When a speed that a server tells may be believed: a rate without a sample is no rate.

llama.cpp divides the tokens of an answer by the time since its first token (llama-server, `timings`). The first token
comes free with the prompt, so a rate of n tokens is up to n/(n-1) too high: twice the truth for two tokens, 7 % for
sixteen, and for a single one it divides by the microsecond that the clock needs to be read (1,000,000 tok/s in public
reports). A prompt that was cached but for a few tokens is timed by what a batch costs at all, whatever is in it.
llama-swap passes these figures on unchecked, and measures a request in whole milliseconds (llama-swap API, 5.1, 16.1).
"""

from math import inf
from typing import Optional

FEWEST_TOKENS = 16  # of 16 tokens, one more or less is 7 %
SHORTEST_MS = 10.0  # one millisecond more or less is then 10 %
MOST_TPS = 20_000.0  # no slot writes faster
MOST_PROMPT_TPS = 500_000.0  # no machine reads faster


def rate(
    tokens: Optional[int], duration_ms: Optional[float], told_tps: Optional[float], *, most_tps: float = MOST_TPS
) -> Optional[float]:
    """Return the tokens a second that a server told of one request, or None where they can't be known.

    `duration_ms`: how long the whole request took, None if that isn't known; it may have loaded a model, too.
    """
    if told_tps is None or not 0 < told_tps <= most_tps or tokens is None or tokens < FEWEST_TOKENS:
        return None
    shortest_ms = min(tokens / told_tps * 1000, inf if duration_ms is None else duration_ms)
    return told_tps if shortest_ms >= SHORTEST_MS else None
