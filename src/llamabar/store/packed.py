"""How sums are stored in a cell of the database: packed, since a day of one model is a thousand numbers.

From version 3 on, zlib compresses a line of JSON, [the counts and seconds …, {"generation_tps": number of steps, …}],
followed by eight-byte numbers: each spread's steps in order, as the difference from the previous one, then the count of
each step. That is a quarter of the JSON that version 2 wrote.
"""

import json
import struct
import zlib
from itertools import accumulate
from typing import Dict, List, Union

from llamabar.core.totals import MOST, Spread, Sums

MOST_BYTES = 1 << 20  # a day of one model is a few thousand bytes
MOST_STEPS = 70_000  # of all spreads together: exp of more overflows


def packed(sums: Sums) -> bytes:
    """Return the cell for sums, seconds rounded to milliseconds; raise struct.error if a count isn't valid."""
    rounded = [round(one, 3) if isinstance(one, float) else one for one in sums[:-1]]
    steps: List[int] = []
    times: List[int] = []
    for spread in sums.spreads.values():
        ordered = sorted(spread)
        steps += [step - before for step, before in zip(ordered, [0, *ordered])]
        times += [spread[step] for step in ordered]
    lengths = {name: len(spread) for name, spread in sums.spreads.items()}
    head = json.dumps([*rounded, lengths], separators=(",", ":")).encode()
    return zlib.compress(b"%b\n%b" % (head, struct.pack(f"<{2 * len(steps)}q", *steps, *times)))


def unpacked(said: Union[bytes, str]) -> Sums:
    """Return the sums in a cell of any version; empty sums if it is invalid."""
    try:
        if isinstance(said, str):
            *counts, lists = json.loads(said)
            said = packed(Sums._make([*counts, {name: dict(zip(*spread)) for name, spread in lists.items()}]))
        head, _, body = zlib.decompressobj().decompress(said, MOST_BYTES).partition(b"\n")
        numbers = struct.unpack(f"<{len(body) // 8}q", body)
        steps, times = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
        if sum(map(abs, steps)) >= MOST_STEPS or min(times, default=0) < 0 or max(times, default=0) >= MOST:
            return Sums()
        *counts, lengths = json.loads(head)
        found: Dict[str, Spread] = {}
        end = 0
        for name, length in lengths.items():
            begin, end = end, end + length
            found[name] = dict(zip(accumulate(steps[begin:end]), times[begin:end]))
        return Sums._make([*(one if 0 <= one < 2**62 else 0 for one in counts), found])
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, struct.error, zlib.error):
        return Sums()
