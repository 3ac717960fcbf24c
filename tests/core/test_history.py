"""Time buckets."""

from llamabar.core.history import BUCKETS, HOLD_S, MOST_MODELS, History, Readings, range_of, record, series, tick


def recorded(*readings):
    history = History()
    for at_s, tps in readings:
        history = record(history, Readings(generation_tps=tps), now_s=at_s)
    return history


def test_a_missing_reading_is_a_gap_not_a_zero():
    history = recorded((0.2, 5.0), (1.2, None), (2.2, 7.0))
    assert series(history, "generation_tps", points=BUCKETS, now_s=2.5)[-3:] == (5.0, None, 7.0)


def test_the_axis_is_time_however_often_readings_come():
    fast = recorded(*((0.25 * n, 4.0) for n in range(40)))
    slow = recorded((0.0, 4.0), (5.0, 4.0), (9.9, 4.0))
    assert series(fast, "generation_tps", points=60, now_s=9.9) == series(slow, "generation_tps", points=60, now_s=9.9)


def test_a_longer_bucket_keeps_short_peaks():
    history = History(bucket_s=12.0)
    for second, readings in enumerate(((0.0, 0, 5.0), (40.0, 1, 9.0), (None, None, 7.0), (0.0, 0, 6.0))):
        tps, in_flight, memory = readings
        history = record(history, Readings(tps, None, in_flight, memory), now_s=float(second))
    assert history.buckets == (Readings(40.0, None, 1, 6.0),)


def test_a_pause_longer_than_hold_s_is_a_gap():
    history = recorded((0.0, 4.0), (HOLD_S + 20, 4.0))
    shown = series(history, "generation_tps", points=BUCKETS, now_s=HOLD_S + 20)
    assert shown[-1] == 4.0
    assert set(shown[-int(HOLD_S) - 19 : -1]) == {None}


def test_the_newest_value_is_at_the_right_edge_and_moves_left_with_time():
    history = recorded((0.0, 9.0))
    assert series(history, "generation_tps", points=60, now_s=0.0)[-1] == 9.0
    assert series(history, "generation_tps", points=60, now_s=50.0)[-11] == 9.0
    assert set(series(history, "generation_tps", points=60, now_s=999.0)) == {None}


def test_old_buckets_fall_off_and_the_length_is_bounded():
    history = recorded(*((float(n), float(n)) for n in range(1000)))
    assert len(history.buckets) == BUCKETS
    assert history.buckets[0].generation_tps == 700.0


def test_a_clock_that_steps_back_starts_the_history_over():
    assert len(recorded((100.0, 1.0), (5.0, 2.0)).buckets) == 1


def test_a_long_sleep_leaves_only_gaps():
    history = recorded((0.0, 3.0), (100_000.0, 4.0))
    assert [bucket.generation_tps for bucket in history.buckets] == [None] * (BUCKETS - 1) + [4.0]


def test_nothing_recorded_is_all_gaps():
    assert series(History(), "cpu_ratio", points=3, now_s=5.0) == (None, None, None)


def test_only_the_newest_point_changes_until_it_is_complete():
    history = recorded(*((float(n), float(n % 7)) for n in range(300)))
    later = record(history, Readings(generation_tps=9.0), now_s=300.0)
    points = [series(one, "generation_tps", points=60, now_s=at_s) for one, at_s in ((history, 299.5), (later, 300.5))]
    assert points[1][:-1] == points[0][1:] and points[1][-1] == 9.0


def test_a_quiet_model_stores_one_value_and_not_one_per_second():
    history = recorded(*((float(n), 0.0) for n in range(300)))
    assert len({id(bucket) for bucket in history.buckets}) == 1


def test_a_models_history_is_dropped_once_it_was_gone_for_the_whole_span():
    server, models = History(), {}
    for second in range(900):
        loaded = {"a": Readings(1.0), **({"b": Readings(2.0)} if second < 100 else {})}
        models = tick(models, loaded, like=server, now_s=float(second))
        if second == 398:
            assert set(models) == {"a", "b"}
            assert [one.generation_tps for one in models["b"].buckets if one.generation_tps] == [2.0] * 100
    assert set(models) == {"a"}


def test_the_number_of_models_is_bounded():
    many = {str(n): Readings(1.0) for n in range(1000)}
    assert len(tick({}, many, like=History(), now_s=0.0)) == MOST_MODELS


def test_a_spread_ignores_zeros():
    assert range_of(recorded((0.0, 0.0), (1.0, 30.0), (2.0, 44.0), (3.0, 38.0)), "generation_tps") == (30.0, 38.0, 44.0)
    assert range_of(recorded((0.0, 0.0)), "generation_tps") is None
