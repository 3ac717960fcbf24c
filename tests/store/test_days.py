"""Days and hours are local: also when the clock changes, and after a move to another time zone."""

import time
from calendar import timegm

import pytest

from llamabar.core.totals import GENERATION, Rows
from llamabar.sources import clock
from llamabar.store.reports import Asked
from tests.store.history_files import DAY_S, URL, Watcher, counted, lines, row


@pytest.fixture
def zone(monkeypatch):
    """Switch to a time zone, at a moment there."""
    def live(name, now_s):
        monkeypatch.setenv("TZ", name)
        time.tzset()
        clock._of_quarter.cache_clear()
        monkeypatch.setattr(clock, "unix_s", lambda: now_s)

    yield live
    monkeypatch.undo()
    time.tzset()
    clock._of_quarter.cache_clear()


def utc(*when):
    return float(timegm((*when, 0, 0, 0)[:6]))


def kept(folder, *times_s, **more):
    found = tuple(row(number, at_s, **more) for number, at_s in enumerate(sorted(times_s), 1))
    Watcher(folder).add(Rows("one", URL, found)).writer.close()


FORWARD = ("Europe/Berlin", (2026, 3, 29))  # 23 hours; Berlin's midnight is 23:00 UTC before, 22:00 after
BACK = ("Europe/Berlin", (2026, 10, 25))  # 25 hours


@pytest.mark.parametrize(("where", "first_utc", "last_utc", "hours"), [
    (FORWARD, (2026, 3, 28, 23), (2026, 3, 29, 21), 23),
    (BACK, (2026, 10, 24, 22), (2026, 10, 25, 22), 25),
    (("Asia/Kathmandu", (2026, 6, 1)), (2026, 5, 31, 18, 15), (2026, 6, 1, 17, 15), 24),
    (("Australia/Lord_Howe", (2026, 4, 5)), (2026, 4, 4, 13), (2026, 4, 5, 12, 30), 24),  # by half an hour
    (("America/St_Johns", (2026, 11, 1)), (2026, 11, 1, 2, 30), (2026, 11, 2, 2, 30), 25),
])  # fmt: skip
def test_a_day_lasts_from_midnight_to_midnight_however_many_hours(tmp_path, zone, where, first_utc, last_utc, hours):
    name, date = where
    day = "{:04}-{:02}-{:02}".format(*date)
    first_s, last_s = utc(*first_utc), utc(*last_utc) + 3599
    zone(name, last_s)
    kept(tmp_path, first_s - 1, *(first_s + 3600 * n for n in range(hours)), last_s, last_s + 1)
    assert {line.when: line.sums.requests for line in lines(tmp_path)}[day] == hours + 1
    by_hour = {line.when: line.sums.requests for line in lines(tmp_path, "hour") if line.when.startswith(day)}
    assert sum(by_hour.values()) == hours + 1
    assert max(map(len, by_hour)) == len("2026-10-25 02:00")


def test_the_repeated_hour_includes_requests_of_both(tmp_path, zone):
    zone("Europe/Berlin", utc(2026, 10, 25, 12))
    kept(tmp_path, utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30))
    assert [(line.when, line.sums.requests) for line in lines(tmp_path, "hour")] == [("2026-10-25 02:00", 2)]


def test_last_week_has_seven_days_even_if_one_was_short(tmp_path, zone):
    zone("Europe/Berlin", utc(2026, 3, 30, 22, 30))  # 0:30 in summer time: 7 times 24 hours earlier it was 23:30
    assert [clock.day_ago(days) for days in (0, 1, 2, 6)] == ["2026-03-31", "2026-03-30", "2026-03-29", "2026-03-25"]
    first_s, first_before_s = utc(2026, 3, 24, 23), utc(2026, 3, 17, 23)  # midnights
    found = [row(n, first_before_s + n, tps=40.0) for n in range(30)]
    found += [row(40 + n, first_s + n, tps=20.0) for n in range(30)]
    Watcher(tmp_path).add(Rows("one", URL, tuple(found))).writer.close()
    (line,) = lines(tmp_path, "model")
    assert line.change == pytest.approx(-0.5, abs=0.02)


def test_the_menus_day_ends_at_midnight(tmp_path, zone):
    zone("Pacific/Auckland", utc(2026, 11, 23, 10, 59))  # 23:59 on the 23rd
    watcher = Watcher(tmp_path).add(Rows("one", URL, (row(1, clock.unix_s()),)))
    assert (watcher.told[-1][1].day, watcher.told[-1][1].models["m"].requests) == ("2026-11-23", 1)
    zone("Pacific/Auckland", utc(2026, 11, 23, 11))
    watcher.add(Rows("one", URL, (row(2, clock.unix_s()),)))
    told = watcher.told[-1][1]
    assert (told.day, told.models["m"].requests, told.earlier) == ("2026-11-24", 1, True)


def test_a_move_to_another_zone_keeps_counts_and_counts_nothing_twice(tmp_path, zone):
    zone("America/Los_Angeles", utc(2026, 6, 1, 20))
    kept(tmp_path, utc(2026, 6, 1, 5), utc(2026, 6, 1, 19))
    zone("Asia/Tokyo", utc(2026, 6, 1, 20))
    kept(tmp_path, utc(2026, 6, 1, 5), utc(2026, 6, 1, 19))
    assert counted(tmp_path) == {"one": 2}
    assert [line.when for line in lines(tmp_path)] == ["2026-05-31", "2026-06-01"]


def test_a_temporarily_wrong_clock_dates_nothing_a_century_ahead(tmp_path, zone):
    now_s = utc(2026, 6, 1, 12)
    zone("UTC", now_s)
    kept(tmp_path, now_s, utc(2100, 1, 1), now_s + 2 * DAY_S)
    assert counted(tmp_path) == {"one": 1}
    zone("UTC", utc(2100, 1, 1))  # this Mac's clock is ahead …
    Watcher(tmp_path).add(Rows("one", URL, (row(9, clock.unix_s()),))).writer.close()
    zone("UTC", now_s + 60)  # … and right again
    Watcher(tmp_path).add(Rows("one", URL, (row(10, now_s + 60),))).writer.close()
    assert [line.when for line in lines(tmp_path)] == ["2026-06-01"]


def test_requests_of_a_day_that_is_none_are_in_no_form_and_change_no_speed(tmp_path, zone):
    now_s = utc(2026, 6, 15, 12)
    zone("UTC", utc(2100, 1, 1))
    Watcher(tmp_path).add(Rows("one", URL, tuple(row(n, utc(2100, 1, 1) + n, tps=9.0) for n in range(90))))
    zone("UTC", now_s)
    found = (row(100 + n, now_s - (9 if n < 30 else 1) * DAY_S + n, tps=40.0) for n in range(60))
    watcher = Watcher(tmp_path).add(Rows("one", URL, tuple(found)))
    for by in ("day", "hour", "model", "client"):
        assert sum(line.sums.requests for line in lines(tmp_path, by)) == 60, by
    assert watcher.told[-1][1].changes == {}


def test_the_hours_add_up_to_their_day(tmp_path, zone):
    zone("UTC", utc(2026, 6, 1, 12))
    kept(tmp_path, *(utc(2026, 6, 1, 3) + n for n in range(50)), prompt_tps=500.0, duration_s=9.0, cached_tokens=7)
    (day,), (hour,) = lines(tmp_path), lines(tmp_path, "hour", since="2026-06-01")
    assert hour.sums == day.sums and hour.sums.percentile(GENERATION) == pytest.approx(50.0, rel=0.01)
    assert lines(tmp_path, "hour", **Asked(since="2026-06-02")._asdict()) == []

