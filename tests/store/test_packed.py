"""Cells of the history's database: they round-trip, version 2 is read, and anything else is rejected."""

import json
import random
import sqlite3
import struct
import zlib
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar.core.spread import added, change, spread_of
from llamabar.core.totals import MOST, Sums
from llamabar.macos.paths import HISTORY_FILE
from llamabar.store.packed import MOST_STEPS, packed, unpacked
from tests.store.test_database import NOON, Watcher, lines, rows

COUNTS = [1, *[0] * (len(Sums._fields) - 2)]


def cell(lengths, *numbers, counts=COUNTS):
    return zlib.compress(json.dumps([*counts, lengths]).encode() + b"\n" + struct.pack(f"<{len(numbers)}q", *numbers))


SPREAD = st.dictionaries(st.integers(-700, 1700), st.integers(1, 2**40))


@given(st.dictionaries(st.text(max_size=9), SPREAD, max_size=7))
def test_sums_round_trip(spreads):
    sums = Sums(requests=3, generation_s=1.25, spreads={name: spread_of(one) for name, one in spreads.items()})
    assert unpacked(packed(sums)) == sums


def test_the_sums_of_a_day_take_a_quarter_of_their_json():
    chance = random.Random(1)
    spread = spread_of(Counter(round(chance.gauss(370, 40)) for _ in range(1000)))
    sums = Sums(1000, spreads=dict.fromkeys(("generation_tps", "prompt_tps", "waited_s"), spread))
    assert len(packed(sums)) < len(_of_version_2(packed(sums))) / 4


@pytest.mark.parametrize(
    "said",
    [
        b"", b"x", zlib.compress(b""), zlib.compress(b"null\n"), zlib.compress(b"[" * 90_000 + b"\n"),
        zlib.compress(b" " * (2 << 20) + b"[]\n"), cell({})[:9], cell([]), cell({}, counts=[]),
        cell({"a": 1}, 1, 2**60), cell({"a": 1}, 1, -1), cell({"a": "1"}, 1, 1),
        cell({"a": 1}, 10**6, 1), cell({"a": 1}, -(2**63), 1), cell({"a": 2}, 2**62, 2**62, 1, 1),
        json.dumps([*COUNTS, {"a": [[-(2**63)], [1]]}]), json.dumps([*COUNTS, {"a": [[1], [2**63]]}]),
        cell({"a": None}, 1, 1), cell({}, counts=["1", *COUNTS[1:]]),
        zlib.compress(json.dumps([*COUNTS, {"a": 1}]).encode() + b"\n1234567"),
        "", "null", "[" * 90_000, json.dumps([*COUNTS, {"a": [["x"], [1]]}]), json.dumps([*COUNTS, {"a": [[1], [-1]]}]),
        json.dumps([*COUNTS, {"a": [[1.5], [1]]}]), json.dumps([*COUNTS, {"a": [[float("nan")], [1]]}]),
    ],
)  # fmt: skip
def test_invalid_cells_give_empty_sums(said):
    assert unpacked(cell({"a": 1}, 7, 2)).spreads == {"a": spread_of({7: 2})}
    assert unpacked(said) == Sums()


def test_the_most_extreme_valid_spreads_can_be_added_and_compared():
    now, before = (unpacked(cell({"a": 1}, sign * (MOST_STEPS - 1), MOST - 1)).spreads["a"] for sign in (1, -1))
    assert change(now, before) > 1e99 and added([now, before] * 100).percentile(0.95) > 1e99


def test_uncompressed_sums_of_version_2_are_read_and_added_to(tmp_path):
    Watcher(tmp_path).add(rows(1, 2, 3))
    before = lines(tmp_path)
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as found:
        for time_of, said in found.execute("SELECT time, sums FROM sums").fetchall():
            found.execute("UPDATE sums SET sums=? WHERE time=?", (_of_version_2(said), time_of))
        found.execute("PRAGMA user_version=2")
        found.commit()
    assert lines(tmp_path) == before
    Watcher(tmp_path).add(rows(4, at_s=NOON + 9))
    assert [line.sums.requests for line in lines(tmp_path)] == [4]
    assert [line.sums.requests for line in lines(tmp_path, "hour")] == [4]


def _of_version_2(said):
    sums = unpacked(said)
    return json.dumps([*sums[:-1], {name: [*zip(*one.items())] for name, one in sums.spreads.items()}])
