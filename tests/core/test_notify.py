"""What is worth a notification, with a fake clock; off by default, at most one a minute, none in quiet hours."""

import pytest

from llamabar.app.notifications import url
from llamabar.core import events as ev
from llamabar.core.notify import News, Told, is_quiet, news
from llamabar.core.notify_options import CRASHED, FAILED, GONE, LONG, READY, UNLOADED, NotifyOptions
from tests.fakes.life import LISTED, REFUSED, after, live, row, running, table

ALL = NotifyOptions((FAILED, GONE, LONG), long_request_s=30.0)
NOON = 720


def tell(told, snapshot, *, now_s, options=ALL, minute=NOON):
    return news(told, snapshot, options, now_s=now_s, minute=minute)


def failing(at_s=10.0):
    """Return a load that ended 3 s before, and nothing told that somebody ended it."""
    idle = live(table(m="stopped"), LISTED, ev.RequestsFinished((), total=0))
    return after(after(idle, table(m="starting"), at_s=at_s - 4), table(m="stopped"), at_s=at_s - 3)


def test_a_failed_model_is_reported_once():
    told, found = tell(Told(), failing(), now_s=10.0)
    assert found == News(FAILED, "m")
    assert tell(told, failing(), now_s=100.0)[1] is None


def test_a_load_is_reported_as_failed_once_its_request_could_have_told_that_somebody_ended_it():
    told, found = tell(Told(), failing(), now_s=8.0)
    assert found is None
    row_of_it = row(1, tokens=0, status=500, error="unspecific error: group: model unloaded")
    ended = after(failing(), ev.RequestsFinished((row_of_it,), total=1), at_s=8.5)
    assert tell(told, ended, now_s=20.0)[1] is None
    assert tell(told, failing(), now_s=20.0)[1] == News(FAILED, "m")


@pytest.mark.parametrize("until_s, expected", [(4, [5]), (61, [5, 65]), (130, [5, 65, 125])])
def test_a_model_that_is_loaded_again_and_again_and_fails_each_time_is_reported(until_s, expected):
    """A program without a pause between its tries: no failure lasted until its row could have explained it."""
    told, snapshot, reported_s = Told(), live(table(m="stopped"), LISTED, ev.RequestsFinished((), total=0)), []
    for at_s in range(180):
        tries = at_s % 2 and at_s < until_s
        snapshot = after(snapshot, table(m="starting" if tries else "stopped"), at_s=float(at_s))
        told, found = tell(told, snapshot, now_s=float(at_s))
        reported_s += [at_s] if found == News(FAILED, "m") else []
    assert reported_s == expected


def test_only_requested_events_are_reported():
    assert tell(Told(), failing(), now_s=10.0, options=NotifyOptions())[1] is None
    assert tell(Told(), failing(), now_s=10.0, options=NotifyOptions((GONE,)))[1] is None


def test_a_lost_server_is_reported_once_after_half_a_minute():
    gone = after(live(table(m="ready"), LISTED), REFUSED, at_s=5.0)
    told, found = tell(Told(), gone, now_s=20.0)
    assert found is None
    told, found = tell(told, gone, now_s=36.0)
    assert found == News(GONE)
    assert tell(told, gone, now_s=500.0)[1] is None


def test_a_server_that_was_never_connected_is_not_reported_as_gone():
    never = after(live(), REFUSED, at_s=0.0)
    never = type(never)(connected=False, fault=never.fault, connection_since_s=0.0)
    assert tell(Told(), never, now_s=99.0)[1] is None


def test_a_long_request_is_reported_unless_it_ended_before_the_start():
    first = live(table(m="ready"), LISTED, ev.RequestsFinished((row(1),), total=1))
    told, found = tell(Told(), first, now_s=1.0)
    assert found is None
    long = ev.FinishedRequest(2, "m", duration_s=31.0)
    told, found = tell(told, after(first, ev.RequestsFinished((row(1), long), total=2), at_s=2.0), now_s=2.0)
    assert found == News(LONG, "m", 31.0)


def test_at_most_one_a_minute():
    told, _ = tell(Told(), failing(10.0), now_s=10.0)
    again = failing(30.0)
    assert tell(told, again, now_s=30.0)[1] is None
    assert tell(told, failing(80.0), now_s=80.0)[1] == News(FAILED, "m")


@pytest.mark.parametrize(
    ("quiet", "minute", "silent"),
    [((1320, 480), 1400, True), ((1320, 480), 100, True), ((1320, 480), 480, False), ((60, 120), 90, True),
     ((60, 120), 120, False), (None, 0, False)],
)  # fmt: skip
def test_quiet_hours_may_span_midnight(quiet, minute, silent):
    assert is_quiet(NotifyOptions((FAILED,), quiet=quiet), minute) is silent
    found = tell(Told(), failing(), now_s=10.0, options=NotifyOptions((FAILED,), quiet=quiet), minute=minute)[1]
    assert (found is None) is silent


def test_outside_text_cannot_add_to_the_address():
    made = url(News(FAILED, "a&body=x#y?\n"), "s&t=1")
    assert made.count("&") == 2 and "#" not in made and "\n" not in made
    assert made.startswith("swiftbar://notify?plugin=llamabar.pyz&title=s%26t%3D1&body=")


@pytest.mark.parametrize(("took_s", "news"), [(25.0, News(READY, "m", 25.0)), (5.0, None)])
def test_a_model_is_reported_ready_only_after_a_long_load(took_s, news):
    options = NotifyOptions((READY,), long_load_s=20.0)
    loading = after(live(table(m="stopped"), LISTED), table(m="starting"), at_s=10.0)
    told, found = tell(Told(), loading, now_s=10.0, options=options)
    assert found is None
    ready = after(loading, table(m="ready"), at_s=10.0 + took_s)
    told, found = tell(told, ready, now_s=10.0 + took_s, options=options)
    assert found == news
    assert tell(told, ready, now_s=500.0, options=options)[1] is None


@pytest.mark.parametrize(("at_s", "news"), [(301.0, News(UNLOADED, "m", 300.0)), (100.0, None)])
def test_only_an_unload_by_the_idle_timer_is_reported(at_s, news):
    options = NotifyOptions((UNLOADED,))
    ready = after(live(table(m="starting"), LISTED), table(m="ready"), running(ttl_s=300.0), at_s=1.0)
    told, found = tell(Told(), ready, now_s=2.0, options=options)
    assert found is None
    stopping = after(ready, table(m="stopping"), at_s=at_s)
    told, found = tell(told, stopping, now_s=at_s, options=options)
    assert found is None
    stopped = after(stopping, table(m="stopped"), at_s=at_s + 1)
    told, found = tell(told, stopped, now_s=at_s + 1, options=options)
    assert found == news
    assert tell(told, stopped, now_s=900.0, options=options)[1] is None


@pytest.mark.parametrize("event", [FAILED, CRASHED])
def test_subscribing_to_failures_includes_crashes(event):
    busy = after(live(table(m="starting"), LISTED), table(m="ready"), running(ttl_s=0.0), at_s=1.0)
    told = tell(Told(), busy, now_s=1.0)[0]
    quit_by_itself = after(busy, ev.InflightUpserted(ev.RequestInfo("1", "m")), table(m="stopped"), at_s=50.0)
    assert tell(told, quit_by_itself, now_s=50.0, options=NotifyOptions((event,)))[1] == News(CRASHED, "m")


def test_a_load_that_fails_after_a_crash_is_a_failure_and_not_another_crash():
    busy = after(live(table(m="ready"), LISTED), ev.InflightUpserted(ev.RequestInfo("1", "m")), at_s=0.0)
    crashed = after(busy, table(m="stopped"), at_s=1.0)
    told, found = tell(tell(Told(), busy, now_s=0.0)[0], crashed, now_s=1.0)
    assert found == News(CRASHED, "m")
    failed = after(after(crashed, table(m="starting"), at_s=70.0), table(m="stopped"), at_s=71.0)
    assert tell(told, failed, now_s=80.0)[1] == News(FAILED, "m")
