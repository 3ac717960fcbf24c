"""Every request counts once: through restarts of ours, restarts of llama-swap, and tables that are read again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar.core.events import FinishedRequest
from llamabar.core.ledger import NOTHING, Mark, Sums, counted, emptied, lines, merged, newest_days, settled, total

DAY_S = 86_400.0


def day_of(unix_s):
    return f"day {int(unix_s // DAY_S):03}"


def requests(account):
    return sum(sums.requests for models in account.days.values() for sums in models.values())


def row(row_id, at_s, model="m", *, generated=100, tps=50.0):
    return FinishedRequest(row_id, model, at_s, prompt_tokens=10, generated_tokens=generated, generation_tps=tps)


def test_rows_are_summed_by_the_day_in_which_they_ended_and_by_model():
    rows = [row(1, 10.0), row(2, 20.0, "n", generated=None, tps=None), row(3, DAY_S + 1.0)]
    account = counted(NOTHING, rows, day_of)
    assert account.days == {
        "day 000": {"m": Sums(1, 10, 100, 100, 2.0), "n": Sums(1, 10, 0, 0, 0.0)},
        "day 001": {"m": Sums(1, 10, 100, 100, 2.0)},
    }
    assert account.days["day 000"]["n"].generation_tps is None
    assert account.days["day 000"]["m"].generation_tps == 50.0
    assert account.mark == Mark(3, DAY_S + 1.0, DAY_S + 1.0)


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 7), st.integers(1, 50))
def test_however_a_table_is_cut_into_pages_that_overlap_each_row_counts_once(gaps_s, step, width):
    rows, at_s = [], 100.0
    for row_id, gap_s in enumerate(gaps_s):
        at_s += gap_s
        rows.append(row(row_id, at_s))
    account = NOTHING
    for end in [*range(0, len(rows), step), len(rows)]:
        account = counted(account, rows[max(0, end - step - width) : end], day_of)
    assert requests(account) == len(rows)
    assert account.gaps == frozenset()


def test_a_row_that_ended_a_moment_before_the_one_counted_last_is_not_lost():
    account = counted(NOTHING, [row(1, 10.0003)], day_of)
    assert requests(counted(account, [row(1, 10.0003), row(2, 10.0001)], day_of)) == 2


@pytest.mark.parametrize("first_id", [0, 1])
def test_after_a_restart_of_llama_swap_its_new_rows_count_and_its_old_ones_do_not(first_id):
    account = counted(NOTHING, [row(number, 10.0 + number) for number in range(first_id, 30)], day_of)
    again = counted(account, [row(first_id, 100.0), row(first_id + 1, 101.0)], day_of)
    assert requests(again) - requests(account) == 2
    assert again.gaps == frozenset()


@pytest.mark.parametrize("disorder", [(0.0, 0.0), (0.5, 0.1)])
def test_a_table_that_is_replayed_from_its_start_row_by_row_counts_nothing_twice(disorder):
    rows = [row(number, 10.0 + number // 2 + disorder[number % 2]) for number in range(30)]
    account = counted(NOTHING, rows, day_of)
    for one in rows:
        assert counted(account, [one], day_of, whole=False) is account


def test_a_restarted_table_that_comes_row_by_row_is_known_by_its_times():
    account = counted(NOTHING, [row(number, 10.0 + number) for number in range(30)], day_of)
    for number in range(3):
        account = counted(account, [row(number, 100.0 + number)], day_of, whole=False)
    assert requests(account) == 33


@pytest.mark.parametrize("ahead_s", [3.0, 600.0])
def test_a_clock_that_stepped_back_makes_nothing_count_twice(ahead_s):
    rows = [row(number, 100.0 + number + (ahead_s if number < 10 else 0.0)) for number in range(12)]
    account = counted(NOTHING, rows, day_of)
    for _ in range(3):
        assert counted(account, rows, day_of) is account
    for one in rows[:-1]:
        assert counted(account, [one], day_of, whole=False) is account
    assert requests(counted(account, [*rows, row(12, 113.0)], day_of)) == 13


def test_a_clock_that_was_ahead_stops_nothing():
    """llama-swap goes on with its numbers after the clock was set right; a restart is known by them too."""
    ahead = counted(NOTHING, [row(1, 10_000.0)], day_of)
    again = counted(ahead, [row(1, 10_000.0), row(2, 100.0), row(3, 101.0)], day_of)
    assert requests(again) == 3
    ahead = counted(NOTHING, [row(number, 10_000.0 + number) for number in range(9)], day_of)
    assert requests(counted(ahead, [row(0, 100.0), row(1, 101.0)], day_of)) == 11


def test_a_row_far_in_the_future_stops_nothing():
    rows = [row(number, 1e9 if number == 2 else 10.0 + number) for number in range(50)]
    account = counted(NOTHING, rows[:3], day_of)
    assert requests(counted(account, rows, day_of)) == 50


def test_of_two_stores_in_turn_behind_one_address_nothing_counts_twice():
    """An ssh tunnel to one Mac, then to another, then back: each keeps its rows, with numbers of its own."""
    first = [row(number, 1e4 + number) for number in range(1, 501)]
    second = [row(number, 2e4 + number) for number in range(1, 31)]
    account = counted(counted(NOTHING, first, day_of), second, day_of)
    assert requests(account) == 530
    again = counted(account, [*first, row(501, 3e4)], day_of)
    assert requests(again) == 531
    assert "day 000" in again.gaps


def test_a_table_that_can_not_be_placed_is_known_to_be_missed():
    """llama-swap was started anew after its clock was set back, and has more rows than the mark's number."""
    account = counted(NOTHING, [row(number, 1e5 + number) for number in range(10)], day_of)
    again = counted(account, [row(number, 1e4 + number) for number in range(40)], day_of)
    assert requests(again) == 10
    assert again.gaps == {"day 000"}
    assert counted(again, [row(number, 1e4 + number) for number in range(40)], day_of) == again
    without = counted(account, [row(number, 1e4 + number) for number in range(12, 40)], day_of)
    assert without.gaps == {"day 000"}, "also where the mark's number is not among them"
    for one in (again, without):
        assert requests(counted(one, [row(40, 1e4 + 40)], day_of)) == 11, "and it goes on from there"


def test_rows_that_nobody_saw_are_known_to_be_missing_on_each_day_that_they_may_be_of():
    account = counted(NOTHING, [row(1, 10.0)], day_of)
    assert counted(account, [row(900, 20.0)], day_of).gaps == {"day 000"}
    assert counted(NOTHING, [row(900, 20.0)], day_of).gaps == {"day 000"}
    found = list(lines([counted(account, [row(900, 3 * DAY_S)], day_of)]))
    assert [(one.day, one.complete) for one in found] == [("day 000", False), ("day 003", False)]


def test_rows_that_were_not_read_before_llama_swap_forgot_them_are_known_to_be_missing():
    account = counted(NOTHING, [row(1, 10.0)], day_of)
    assert counted(account, [row(1, 100.0)], day_of, missed=True).gaps == {"day 000"}
    assert counted(account, [row(1, 10.0), row(2, 20.0)], day_of, missed=True).gaps == frozenset()


def test_a_row_without_a_time_belongs_to_no_day():
    assert counted(NOTHING, [row(1, None)], day_of) is NOTHING


def test_old_days_go_with_their_gaps():
    account = counted(counted(NOTHING, [row(9, 10.0)], day_of), [row(10, DAY_S)], day_of)
    assert newest_days(account, None) is account
    kept = newest_days(account, 1)
    assert (list(kept.days), kept.gaps, kept.mark) == (["day 001"], frozenset(), account.mark)
    assert newest_days(kept, 1) is kept


def test_of_two_who_counted_the_one_who_counted_more_is_right_however_few_days_are_kept():
    many = counted(NOTHING, [row(number, number * DAY_S) for number in range(1, 9)], day_of)
    more = newest_days(counted(many, [row(9, 9 * DAY_S)], day_of), 1)
    assert merged({"a": more}, {"a": many}) == {"a": more} == merged({"a": many}, {"a": more})
    theirs = replace(many, name="as it stands there")
    assert merged({"a": many}, {"a": theirs}) == {"a": theirs}, "nothing is written for nothing"
    missed = replace(many, gaps=frozenset([*list(many.days)[:1], "a day that is not kept"]))
    assert merged({"a": missed}, {"a": many})["a"].gaps == frozenset(list(many.days)[:1])


def test_what_was_emptied_counts_nothing_again():
    account = emptied(counted(NOTHING, [row(1, 1.0), row(2, 2.0)], day_of))
    other = counted(NOTHING, [row(1, 1.0)], day_of)
    assert merged({"a": account}, {"a": other}) == {"a": other}, "nor takes away what another has written since"
    assert requests(counted(account, [row(1, 1.0), row(2, 2.0), row(3, 3.0)], day_of)) == 1


def test_of_two_who_counted_the_one_who_counted_more_is_right():
    short, long = counted(NOTHING, [row(1, 1.0)], day_of), counted(NOTHING, [row(1, 1.0), row(2, 2.0)], day_of)
    other = counted(NOTHING, [row(7, 7.0)], day_of)
    assert merged({"a": short, "b": long, "c": NOTHING}, {"a": long, "b": short, "d": other}) == {
        "a": long, "b": long, "d": other,
    }  # fmt: skip


def test_the_account_is_the_one_that_counted_this_very_table():
    rows = [row(number, 10.0 + number) for number in range(5)]
    mine, other = replace(counted(NOTHING, rows[:3], day_of), name="a"), replace(NOTHING, name="a")
    elsewhere = replace(mine, name="b")
    assert settled({"k": mine, "new": other}, "new", "a", rows) == "k"
    assert settled({"k": mine, "new": mine}, "new", "a", rows) == "new"
    assert settled({"k": elsewhere, "new": other}, "new", "a", rows) == "new"
    assert settled({"k": mine, "new": other}, "new", "a", [row(2, 500.0)]) == "new"


def test_lines_come_by_day_server_and_model_and_accounts_of_one_name_are_one():
    def named(name, rows):
        return replace(counted(NOTHING, rows, day_of), name=name)

    accounts = [
        named("b", [row(1, 1.0, "z"), row(2, 2.0, "a"), row(3, DAY_S, "a")]),
        named("a", [row(1, 1.0)]),
        named("a", [row(9, 1.0)]),
    ]
    found = list(lines(accounts))
    assert [(one.day, one.server, one.model, one.sums.requests, one.complete) for one in found] == [
        ("day 000", "a", "m", 2, False), ("day 000", "b", "a", 1, True), ("day 000", "b", "z", 1, True),
        ("day 001", "b", "a", 1, True),
    ]  # fmt: skip
    assert [one.day for one in lines(accounts, since="day 001")] == ["day 001"]
    assert total([one.sums for one in found]) == Sums(5, 50, 500, 500, 10.0)
    assert total([]) == Sums()
