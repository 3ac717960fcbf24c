"""How sums are stored in a cell of the database: packed, since a day of one model is a thousand numbers.

From version 3 on, zlib compresses a line of JSON, [the counts and seconds …, {"generation_tps": number of steps, …}],
followed by eight-byte numbers: each spread's steps in order, as the difference from the previous one, then the count of
each step. That is a quarter of the JSON that version 2 wrote.
"""

import json
import zlib
from array import array
from typing import Container, Dict, Iterable, Mapping, Optional, Union

from llamabar.core.spread import Spread, spread_of
from llamabar.core.totals import MOST, Sums

LEVEL = 4  # of compression: a tenth larger than 6, in less than half the time
MOST_BYTES = 1 << 20  # a day of one model is a few thousand bytes
MOST_STEPS = 35_000  # of a spread: exp of the difference between two means overflows beyond


def packed(sums: Sums) -> bytes:
    """Return the cell for sums, seconds rounded to milliseconds."""
    rounded = [round(one, 3) if isinstance(one, float) else one for one in sums[:-1]]
    lengths = {name: len(spread.counts) for name, spread in sums.spreads.items()}
    head = json.dumps([*rounded, lengths], separators=(",", ":")).encode()
    columns = (column.tobytes() for same in zip(*sums.spreads.values()) for column in same)
    return zlib.compress(b"%b\n%b" % (head, b"".join(columns)), LEVEL)


def unpacked(said: Union[bytes, str], figures: Optional[Container[str]] = None) -> Sums:
    """Return the sums in a cell of any version, with the spreads of these figures, None for all; empty sums if it is
    invalid."""
    try:
        if isinstance(said, str):
            *counts, lists = json.loads(said)
            return _sums(counts, {name: spread_of(dict(zip(*spread))) for name, spread in lists.items()})
        head, _, body = zlib.decompressobj().decompress(said, MOST_BYTES).partition(b"\n")
        distances, times = array("q", body[: len(body) // 2]), array("Q", body[len(body) // 2 :])
        *counts, lengths = json.loads(head)
        found: Dict[str, Spread] = {}
        end = 0
        for name, length in lengths.items():
            begin, end = end, end + length
            if figures is None or name in figures:
                found[name] = Spread(distances[begin:end], times[begin:end])
        return _sums(counts, found)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, zlib.error):
        return Sums()


def _sums(counts: Iterable[float], spreads: Mapping[str, Spread]) -> Sums:
    if not all(map(_is_possible, spreads.values())):
        return Sums()
    return Sums._make([*(one if 0 <= one < 2**62 else 0 for one in counts), spreads])


def _is_possible(spread: Spread) -> bool:
    """Tell whether nothing that is computed from a spread, or from a sum of many, overflows."""
    return sum(map(abs, spread.distances)) < MOST_STEPS and max(spread.counts, default=0) < MOST
