"""Sums of finished requests: totals, spreads, and changes that aren't noise."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llamabar.core.events import FinishedRequest
from llamabar.core.spread import change
from llamabar.core.totals import (
    FIRST_TOKEN,
    GENERATION,
    LOAD,
    WAITED,
    Sums,
    Times,
    Told,
    Totals,
    of_row,
    of_rows,
    times,
    total,
)  # fmt: skip


def row(row_id=1, at_s=1.0, model="m", *, generated=100, tps=50.0, **more):
    return FinishedRequest(row_id, model, at_s, generated_tokens=generated, generation_tps=tps, **more)


def day_of(unix_s):
    return f"day {int(unix_s // 100)}"


def speeds(values):
    return total(of_row(row(tps=value)) for value in values).spread(GENERATION)


def test_rows_with_a_status_show_where_the_time_went():
    told = {"prompt_tokens": 400, "prompt_tps": 800.0, "duration_s": 6.0}
    assert times(row(**told, status=200)) == Times(0.5, 2.0, 4.0, 3.5)
    assert times(row(**told)) == Times(0.5, 2.0, 0.5)
    assert times(row(status=200, tps=None, duration_s=6.0)) == Times()


def test_the_first_token_of_a_short_answer_comes_after_the_queue_and_the_load_too():
    told = {"prompt_tokens": 400, "prompt_tps": 800.0, "duration_s": 6.0, "status": 200, "tps": None}
    assert times(row(generated=1, **told)) == Times(0.5, None, 6.0, 5.5)
    assert times(row(generated=9, **told)) == Times(0.5)


def test_a_day_of_one_token_answers_does_not_make_a_model_fast():
    """llama.cpp times an answer of one token as a microsecond: 1,000,000 tok/s."""
    sums = total([of_row(row(tps=40.0)), *(of_row(row(generated=1, tps=1e6)) for _ in range(60))])
    assert (sums.requests, round(sums.generation_tps), round(sums.percentile(GENERATION))) == (61, 40, 40)


def test_the_mean_speed_is_total_tokens_by_total_time():
    sums = total([of_row(row(generated=900, tps=90.0)), of_row(row(generated=100, tps=10.0))])
    assert sums.generation_tps == pytest.approx(1000 / 20)


@pytest.mark.parametrize(("cached", "more", "share"), [
    (300, {"prompt_tps": 800.0}, 0.75),  # with timings, the prompt count excludes cached tokens
    (75, {"tps": None}, 0.75),  # without them it includes them
    (300, {"tps": None}, 0.75),  # but not as Anthropic counts, nor if no figure of an answer this short was usable
    (None, {}, None),
])  # fmt: skip
def test_the_cached_share_refers_to_the_whole_prompt(cached, more, share):
    assert of_row(row(prompt_tokens=100, cached_tokens=cached, **more)).cached_share == share


@given(st.lists(st.floats(1.0, 900.0), min_size=1, max_size=60), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_right_to_half_a_percent(values, share):
    exact = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    assert speeds(values).percentile(share) == pytest.approx(exact, rel=0.0051)


def test_sums_do_not_depend_on_the_order_of_addition():
    rows = [row(tps=value, status=500, duration_s=9.0, draft_tokens=9, accepted_tokens=3)
            for value in (10.0, 20.0, 25.0)]  # fmt: skip
    parts = [of_rows([(one, times(one, 2.0))], hour=3) for one in rows]
    assert total(parts) == of_rows([(one, times(one, 2.0)) for one in rows], hour=3)
    assert total([total(parts[:2]), parts[2]]) == total([parts[0], total(parts[1:])]) == total(parts)
    assert total([]) == Sums()
    found = total(parts)
    assert (found.requests, found.failures, found.draft_acceptance) == (3, 3, pytest.approx(1 / 3))
    assert found.percentile(LOAD) == pytest.approx(2.0, rel=0.01)
    assert found.percentile(WAITED) is None and found.percentile(FIRST_TOKEN) is not None


def test_a_change_is_reported_only_with_enough_requests_and_beyond_noise():
    chance = random.Random(1)
    week = [40 * chance.gauss(1, 0.1) for _ in range(200)]
    slower = [35 * chance.gauss(1, 0.1) for _ in range(200)]
    assert change(speeds(slower), speeds(week)) == pytest.approx(-0.125, abs=0.03)
    assert change(speeds(slower[:19]), speeds(week)) is None
    assert change(speeds(week[:100]), speeds(week[100:])) is None
    wild = [40 * chance.lognormvariate(0, 1.0) for _ in range(25)]
    assert change(speeds(wild), speeds([one * 1.2 for one in wild])) is None
    assert change(speeds([40.0] * 500), speeds([41.0] * 500)) is None, "nobody feels that"


def test_noise_alone_is_hardly_ever_reported_as_a_change():
    chance = random.Random(2)
    said = [change(speeds(chance.lognormvariate(3, 0.4) for _ in range(40)),
                   speeds(chance.lognormvariate(3, 0.4) for _ in range(40))) for _ in range(300)]  # fmt: skip
    assert sum(one is not None for one in said) <= 4


def test_without_a_history_rows_are_counted_once_in_memory():
    totals = Totals()
    rows = [row(number, 1.0 + number) for number in range(50)]
    for start in (0, 0, 20):
        totals.add(rows[start:], day_of)
    totals.add([row(0, 101.0), row(1, None), row(2**60)], day_of)
    assert (totals.of("day 0")["m"].requests, totals.of("day 1")["m"].requests) == (50, 1)


def test_the_historys_report_replaces_the_rows_it_includes():
    totals = Totals()
    assert not totals.any
    totals.add([row(1)], day_of)
    told = Told("day 0", {"m": Sums(7), "n": Sums(1)}, number=1)
    totals.take(told)
    assert {model: sums.requests for model, sums in totals.of("day 0").items()} == {"m": 7, "n": 1}
    assert totals.add([row(1), row(2)], day_of) == [row(2)]
    totals.take(told)  # it doesn't know row 2 yet
    assert totals.of("day 0")["m"].requests == 8
    assert totals.of("day 1") == {} and totals.any
