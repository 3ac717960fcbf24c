"""Counted rows, remembered in little memory."""

import random

from llamabar.core.seen import Seen


def test_it_remembers_the_latest_rows_regardless_of_their_times():
    chance, most = random.Random(20), 50
    seen, known = Seen(most=most), {}
    for _ in range(2_000):  # numbers that restart, and a clock that is set back
        row = (chance.randrange(-5, 80), chance.choice((1_790_000_000, 1_000, 2**31)) + chance.randrange(3))
        assert (row in seen) is (row in known)
        seen.add(row)
        known.setdefault(row)
        for oldest in list(known)[:-most]:
            del known[oldest]
        assert len(seen) == len(known)
    assert all(row in seen for row in known)


def test_it_starts_with_given_rows_each_once():
    seen = Seen([(2, 10), (1, 10), (2, 10)])
    assert len(seen) == 2 and (1, 10) in seen and (2, 10) in seen and (2, 11) not in seen and (3, 10) not in seen


def test_very_large_row_numbers_are_remembered_too():
    seen = Seen([(2**53 + 1, 2**40 + 5), (-(2**52), 7)])
    assert (2**53 + 1, 2**40 + 5) in seen and (-(2**52), 7) in seen and len(seen) == 2
