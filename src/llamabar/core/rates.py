"""When a reported speed can be trusted: a rate needs a large enough sample.

llama.cpp divides the tokens of an answer by the time since its first token (llama-server, `timings`). The first token
comes free with the prompt, so a rate of n tokens is up to n/(n-1) too high: twice the true value for two tokens, 7 %
for sixteen. For a single token it divides by the microsecond that reading the clock takes (1,000,000 tok/s in public
reports). If all but a few tokens of a prompt were cached, its time is the fixed cost of a batch, whatever is in it.
llama-swap passes these figures on unchecked, and measures a request in whole milliseconds (llama-swap API, 5.1, 16.1).
"""

from math import inf
from typing import Optional

FEWEST_TOKENS = 16  # with 16 tokens, one more or less is 7 %
SHORTEST_MS = 10.0  # then one millisecond more or less is 10 %
MOST_TPS = 20_000.0  # no slot writes faster
MOST_PROMPT_TPS = 500_000.0  # no machine reads faster
LONGEST_S = 1e7  # of one request, 116 days: v179 to v209 report 9.2e9 s for an empty answer (llama-swap API, 16.1)


def rate(
    tokens: Optional[int], duration_ms: Optional[float], told_tps: Optional[float], *, most_tps: float = MOST_TPS
) -> Optional[float]:
    """Return the tokens per second that a server reported for one request, or None if they can't be trusted.

    `duration_ms`: how long the whole request took, None if unknown; it may include loading a model.
    """
    if told_tps is None or not 0 < told_tps <= most_tps or tokens is None or tokens < FEWEST_TOKENS:
        return None
    told_ms = tokens / told_tps * 1000
    shortest_ms = min(told_ms, inf if duration_ms is None else duration_ms)
    return told_tps if shortest_ms >= SHORTEST_MS and told_ms <= LONGEST_S * 1000 else None
