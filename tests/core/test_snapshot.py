"""From one snapshot to the next."""

import pytest

from llamabar.core import events as ev
from llamabar.core import readings
from llamabar.core.phases import Phase, phases
from llamabar.core.state import at_work, in_flight
from llamabar.core.status import Status, classify, is_sure
from tests.fakes.life import LISTED, REFUSED, after, live, request, row, running, slots, table


def test_a_state_from_before_the_start_has_no_start_time():
    assert live(table(m="ready")).models["m"].state_since_s is None
    assert after(live(table(m="stopped")), table(m="starting"), at_s=5.0).models["m"].state_since_s == 5.0


def test_load_times_are_kept_with_their_median():
    snapshot = live(table(m="stopped"))
    for at_s, took_s in ((10.0, 4.0), (30.0, 6.0), (50.0, 8.0)):
        snapshot = after(snapshot, table(m="starting"), at_s=at_s)
        snapshot = after(snapshot, table(m="ready"), at_s=at_s + took_s)
        snapshot = after(snapshot, table(m="stopped"), at_s=at_s + 15)
    assert readings.median(snapshot.models["m"].load_times_s) == 6.0


def test_memory_measured_before_a_model_stopped_is_what_it_took_and_not_what_it_takes():
    took = [ev.MemoryMeasured(None, {"m": size}) for size in (18, 17, 5)]
    stopped = after(live(table(m="ready")), *took[:1], table(m="stopped"), took[1], at_s=5.0).models["m"]
    assert (stopped.memory_bytes, stopped.memory_peak_bytes) == (None, 18)
    snapshot = after(live(table(m="ready")), took[0], table(m="stopped"), table(m="starting"), at_s=5.0)
    assert snapshot.models["m"].memory_peak_bytes == 18, "while it is loaded again"
    assert after(snapshot, table(m="ready"), took[2], at_s=9.0).models["m"].memory_peak_bytes == 5


def test_a_load_that_ends_in_stopped_has_failed_and_the_row_says_why():
    snapshot = live(table(m="stopped"), ev.RequestsFinished(()))
    snapshot = after(snapshot, table(m="starting"), table(m="stopped"), at_s=3.0, step_s=1.0)
    assert snapshot.models["m"].failed_at_s == 4.0
    page = ev.RequestsFinished(
        (row(1, tokens=0, tps=None, status=500, error="upstream command exited prematurely"),), total=1
    )
    snapshot = after(snapshot, page, at_s=5.0)
    assert snapshot.models["m"].failure == "upstream command exited prematurely"
    assert after(snapshot, table(m="ready"), at_s=9.0).models["m"].failed_at_s is None


@pytest.mark.parametrize(("state", "error", "failed_s"), [
    ("stopped", "unspecific error: failed to start command: no such file or directory", 4.0),
    ("stopped", "unspecific error: upstream command exited prematurely", 4.0),
    ("stopped", "unspecific error: group: model unloaded", None), ("stopped", "bad gateway", None),
    ("ready", "unspecific error: upstream command exited prematurely", None),
])  # fmt: skip
def test_a_load_that_fails_before_a_table_can_show_it_is_known_by_its_row(state, error, failed_s):
    """v228 to v250 with a wrong path: the tables before and after are often all that come, or arrive together."""
    snapshot = live(table(m="stopped"), LISTED, ev.RequestsFinished((), total=0), request("1"))
    snapshot = after(snapshot, ev.ActivityNoted(1), ev.InflightRemoved("1"), table(m=state), at_s=4.0)
    page = ev.RequestsFinished((row(1, tokens=0, tps=None, status=500, error=error),), total=1)
    assert after(snapshot, page, at_s=5.0).models["m"].failed_at_s == failed_s


@pytest.mark.parametrize("error", ["unspecific error: group: model unloaded", "unspecific error: aborted"])
def test_a_canceled_load_has_not_failed(error):
    snapshot = live(table(m="stopped"), ev.RequestsFinished(()), table(m="starting"), table(m="stopped"))
    page = ev.RequestsFinished((row(1, tokens=0, status=500, error=error),), total=1)
    assert after(snapshot, page, at_s=5.0).models["m"].failed_at_s is None


def test_known_state_is_kept_when_the_server_disconnects():
    snapshot = after(live(table(m="ready"), running()), REFUSED, at_s=60.0)
    assert not snapshot.connected
    assert snapshot.models["m"].ttl_s == 300.0
    assert snapshot.last_seen_s == 0.0


def test_a_new_connection_forgets_requests_ports_and_probes_but_not_load_times():
    snapshot = live(table(m="starting"), request())
    snapshot = after(snapshot, table(m="ready"), running(), at_s=4.0)
    snapshot = after(snapshot, REFUSED, ev.StreamOpened(), table(m="ready"), at_s=9.0)
    model = snapshot.models["m"]
    assert (snapshot.requests, model.proxy, model.running_read) == ({}, None, False)
    assert snapshot.confirmed == frozenset()


@pytest.mark.parametrize("extra", [(), (request(),)])
def test_the_unload_countdown_starts_at_the_last_request_and_stops_while_one_is_in_flight(extra):
    snapshot = live(table(m="ready"), request("9", answered_bytes=5))
    snapshot = after(snapshot, running(ttl_s=300.0), ev.InflightRemoved("9"), *extra, at_s=100.0)
    rest_s = readings.unloads_in_s(snapshot, snapshot.models["m"], now_s=160.0)
    assert rest_s == (None if extra else 240.0)


def test_no_ttl_means_no_countdown_and_an_unknown_last_use_neither():
    never = live(table(m="ready"), running(ttl_s=0.0))
    unknown = live(table(m="ready"), running(ttl_s=300.0))
    assert readings.unloads_in_s(never, never.models["m"], now_s=9.0) is None
    assert readings.unloads_in_s(unknown, unknown.models["m"], now_s=9.0) is None


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("clock_s", "rest_s"), [(0.4, 240.0), (30.0, 210.0), (None, None)])
def test_a_last_use_before_the_start_is_known_from_rows_if_the_servers_clock_is(clock_s, rest_s, streamed):
    embedded = ev.FinishedRequest(4, "m", at_unix_s=1000.0)  # without a speed
    rows = ev.RequestsFinished((embedded,), streamed=streamed, came_unix_s=1060.0, clock_s=clock_s)
    snapshot = after(live(table(m="ready"), LISTED, running(ttl_s=300.0)), rows, at_s=500.0)
    assert readings.unloads_in_s(snapshot, snapshot.models["m"], now_s=500.0) == rest_s
    assert snapshot.row_ended_s == (None if rest_s is None else 200.0 + rest_s)


def test_the_last_use_of_a_model_that_is_not_loaded_is_known_from_the_rows_too():
    rows = ev.RequestsFinished((ev.FinishedRequest(4, "m", at_unix_s=1000.0),), came_unix_s=1060.0, clock_s=0.4)
    snapshot = after(live(table(m="stopped"), LISTED), rows, at_s=500.0)
    assert snapshot.models["m"].last_use_s == 440.0


def test_without_request_events_a_countdown_starts_only_after_checking_connections():
    counted = ev.CapabilitiesFound(confirmed=frozenset({"inflight_count"}))
    for told in ((), (counted, ev.InflightCounted(0))):
        snapshot = after(live(table(m="stopped"), *told), table(m="ready"), running(ttl_s=300.0), at_s=10.0)
        assert readings.unloads_in_s(snapshot, snapshot.models["m"], now_s=20.0) is None, "nobody can see its use"
        used = after(snapshot, ev.ConnectionsSeen({"m": (50_001,)}), at_s=20.0)
        assert readings.unloads_in_s(used, used.models["m"], now_s=20.0) is None, "a request may travel on it"
        idle = after(snapshot, ev.ConnectionsSeen({"m": ()}), at_s=20.0)
        assert readings.unloads_in_s(idle, idle.models["m"], now_s=20.0) == 290.0


def test_a_model_seen_at_work_counts_as_used():
    snapshot = after(live(table(m="stopped")), table(m="ready"), running(ttl_s=300.0), at_s=10.0)
    busy = after(snapshot, ev.ConnectionsSeen({"m": (1,)}), slots(5), at_s=50.0)
    computing = after(snapshot, ev.ConnectionsSeen({"m": (1,)}, frozenset({"m"})), at_s=50.0)
    kept_open = after(snapshot, ev.ConnectionsSeen({"m": (1,)}), slots(total=1), at_s=50.0)
    for seen, left_s in ((busy, 290.0), (computing, 290.0), (kept_open, 250.0)):
        idle = after(seen, ev.ConnectionsSeen({"m": ()}), at_s=60.0)
        assert readings.unloads_in_s(idle, idle.models["m"], now_s=60.0) == left_s


def test_a_connection_that_outlasts_an_idle_one_is_held_by_a_request_that_no_version_lists():
    """A page's websocket under /upstream, on v250: while it is open and idle, llama-swap doesn't unload."""
    snapshot = after(live(table(m="stopped"), LISTED), table(m="ready"), running(ttl_s=300.0), at_s=0.0)
    for open_s, left_s in ((5.0, 295.0), (50.0, None), (250.0, None)):
        seen = after(snapshot, ev.ConnectionsSeen({"m": (50_001,)}), at_s=open_s)
        assert readings.unloads_in_s(seen, seen.models["m"], now_s=open_s) == left_s
    for closed_s, left_s in ((60.0, 240.0), (290.0, 300.0)):
        left = after(seen, ev.ConnectionsSeen({"m": ()}), at_s=closed_s)
        assert readings.unloads_in_s(left, left.models["m"], now_s=closed_s) == left_s


def test_a_request_that_no_version_lists_is_use_and_a_listed_ones_cpu_time_is_no_other():
    """whisper.cpp's own /inference under /upstream, on v250."""
    snapshot = after(live(table(m="stopped"), LISTED), table(m="ready"), running(ttl_s=300.0), at_s=10.0)
    computing = ev.ConnectionsSeen({"m": (50_001,)}, frozenset({"m"}), since_s=30.0)
    unlisted = after(snapshot, computing, at_s=40.0)
    assert (classify(unlisted), is_sure(unlisted)) == (Status.GENERATING, False)
    assert readings.unloads_in_s(unlisted, unlisted.models["m"], now_s=40.0) is None
    over = after(unlisted, computing._replace(computing=frozenset(), since_s=40.0), at_s=42.0)
    assert classify(over) is Status.READY, "a connection that is only kept open"
    assert readings.unloads_in_s(over, over.models["m"], now_s=42.0) == 298.0
    ended = after(snapshot, request("1", answered_bytes=5), ev.InflightRemoved("1"), at_s=35.0)
    for listed in (ended, after(snapshot, request("1", answered_bytes=5), at_s=35.0)):
        assert not at_work(after(listed, computing, at_s=40.0).models["m"])
    assert not at_work(after(snapshot, computing._replace(since_s=None), at_s=40.0).models["m"])
    again = after(snapshot, ev.StreamOpened(), table(m="ready"), LISTED, running(ttl_s=300.0), at_s=38.0)
    assert not at_work(after(again, computing, at_s=40.0).models["m"]), "a request that ended in between isn't seen"


def test_duplicate_and_late_upserts_and_a_remove_without_one_leave_a_true_table():
    snapshot = live(
        table(m="ready"),
        LISTED,
        request("1", answered_bytes=50),
        request("1", answered_bytes=50),
        ev.InflightRemoved("8"),
    )
    assert in_flight(snapshot) == 1
    assert in_flight(after(snapshot, ev.InflightRemoved("1"), ev.InflightRemoved("1"), at_s=1.0)) == 0


def test_a_list_ends_missing_requests_and_counts_them_as_use():
    snapshot = after(live(table(m="ready"), request("1")), LISTED, at_s=7.0)
    assert snapshot.requests == {}
    assert snapshot.models["m"].last_use_s == 7.0


def test_rows_out_of_order_count_once_each():
    rows = [ev.FinishedRequest(number, "m", generated_tokens=10) for number in range(5)]
    snapshot = live(table(m="ready"))
    for number in (0, 2, 1, 1, 4, 3, 2, 0):
        snapshot = after(snapshot, ev.RequestsFinished((rows[number],), streamed=True), at_s=5.0)
    assert (snapshot.rows_total, snapshot.generated_tokens_total, snapshot.newest_row_id) == (5, 50, 4)


def test_rows_seen_twice_count_once_and_a_restarted_server_starts_over():
    snapshot = live(table(m="ready"), ev.RequestsFinished((row(1), row(2)), total=2))
    snapshot = after(snapshot, ev.RequestsFinished((row(2), row(3)), total=3), at_s=1.0)
    assert (snapshot.rows_total, snapshot.generated_tokens_total) == (3, 300)
    snapshot = after(snapshot, ev.RequestsFinished((row(1, tokens=7),), total=1), at_s=2.0)
    assert (snapshot.rows_total, snapshot.generated_tokens_total) == (1, 7)


def test_a_request_that_ends_during_the_fetch_of_an_empty_page_is_fetched():
    noted = after(live(table(m="ready")), ev.ActivityNoted(1), at_s=1.0)
    assert after(noted, ev.RequestsFinished((), total=0), at_s=2.0).activity_noted_s == 2.0
    assert after(noted, ev.RequestsFinished((row(1),), total=1), at_s=2.0).activity_noted_s is None


def test_rows_that_are_fetched_later_are_no_later_use():
    """They are fetched a second after the burst, and the menu used to count up: "18 s left", "19 s left"."""
    snapshot = live(table(m="ready"), LISTED, request("1"), ev.RequestsFinished((), total=0))
    ended = after(snapshot, ev.InflightRemoved("1"), ev.ActivityNoted(1), at_s=5.0)
    assert after(ended, ev.RequestsFinished((row(1),), total=1), at_s=7.0).models["m"].last_use_s == 5.0
    other = after(ended, ev.ActivityNoted(2), at_s=6.0)  # of another model, in the same burst
    assert after(other, ev.RequestsFinished((row(1), row(2, "n")), total=2), at_s=7.0).models["m"].last_use_s == 5.0
    unseen = after(live(table(m="ready"), ev.RequestsFinished((), total=0)), ev.ActivityNoted(1), at_s=5.0)
    assert after(unseen, ev.RequestsFinished((row(1),), total=1), at_s=7.0).models["m"].last_use_s == 5.0


def test_three_requests_on_two_slots_one_waits():
    first = live(
        table(m="ready"), request("1", answered_bytes=900), request("2", streams=True), request("3"), step_s=0.01
    )
    snapshot = after(after(first, slots(10, 0), at_s=1.0), slots(50, 0), at_s=2.0)
    assert phases(snapshot) == {"1": Phase.GENERATING, "2": Phase.PROMPT, "3": Phase.QUEUED}


def test_slots_that_show_different_things_are_no_requests_in_particular():
    """The older of two used to be shown as generating, also while it was the one still at its long prompt."""
    first = live(table(m="ready"), LISTED, request("1"), request("2"))
    snapshot = after(after(first, slots(0, 10), at_s=1.0), slots(0, 50), at_s=2.0)
    assert phases(snapshot) == {"1": Phase.WORKING, "2": Phase.WORKING}
    assert classify(snapshot) is Status.GENERATING and is_sure(snapshot)
    both = after(after(first, slots(10, 10), at_s=1.0), slots(50, 50), at_s=2.0)
    assert phases(both) == {"1": Phase.GENERATING, "2": Phase.GENERATING}


def test_a_slot_that_was_at_its_prompt_belongs_to_the_answer_that_has_begun_since():
    """For a second after the first bytes, another request for the only slot used to be at its prompt."""
    snapshot = after(live(table(m="ready"), request("1"), request("2")), slots(0), at_s=1.0)
    snapshot = after(snapshot, request("2", answered_bytes=300, elapsed_s=1.2), at_s=1.2)  # it had been first
    assert phases(snapshot) == {"1": Phase.QUEUED, "2": Phase.GENERATING}


def test_an_answer_that_begins_after_a_look_at_the_slots_takes_no_slot_from_one_that_was_generating():
    first = live(table(m="ready"), LISTED, request("1"), request("2", streams=True))
    snapshot = after(after(first, slots(10, 0), at_s=1.0), slots(50, 0), at_s=2.0)
    begun = after(snapshot, request("2", answered_bytes=400, elapsed_s=2.2), at_s=2.2)
    assert phases(begun) == {"1": Phase.GENERATING, "2": Phase.GENERATING}


def test_the_only_slot_of_an_answer_that_ended_is_not_the_next_requests():
    """Until the next look, the request that had waited was generating, at the speed of the one before."""
    first = live(table(m="ready"), LISTED, request("1", answered_bytes=300), request("2"), step_s=0.01)
    snapshot = after(after(first, slots(10), at_s=1.0), slots(50), at_s=2.0)
    assert phases(snapshot) == {"1": Phase.GENERATING, "2": Phase.QUEUED}
    ended = after(snapshot, ev.InflightRemoved("1"), at_s=2.1)
    assert phases(ended) == {"2": Phase.WORKING}
    assert readings.generation(ended, ended.models["m"], now_s=2.1) is None


def test_a_request_for_a_model_that_is_not_loaded_waits_for_it():
    snapshot = live(table(m="starting", n="stopped"), request("1", "m"), request("2", "n"))
    assert phases(snapshot) == {"1": Phase.LOADING, "2": Phase.QUEUED}


def test_an_event_for_a_model_that_does_not_exist_changes_no_model():
    snapshot = live(
        table(m="ready"), slots(5, model="gone"), request("1", "gone"), ev.InflightRemoved("1"), running("gone")
    )
    assert set(snapshot.models) == {"m"}


def test_a_refused_click_is_remembered_with_its_reason():
    snapshot = live(ev.ActionAsked("t"), ev.ActionEnded("t", "model not found"), step_s=1.0)
    assert snapshot.asked["t"].failure == "model not found"


def test_a_reopened_stream_keeps_everything_and_shows_states_without_events():
    snapshot = live(table(m="stopped"), ev.RequestsFinished(()), ev.VersionRead("200"))
    snapshot = after(snapshot, table(m="starting"), at_s=2.0)
    snapshot = after(snapshot, ev.StreamOpened(refreshed=True), table(m="stopped"), at_s=5.0)
    assert snapshot.models["m"].failed_at_s == 5.0
    assert (snapshot.version, snapshot.connections) == ("200", 1)


def test_totals_are_unknown_until_a_request_reports_its_tokens():
    snapshot = live(table(m="ready"), ev.RequestsFinished((), total=0))
    assert snapshot.generated_tokens_total == 0
    for row_id, tokens, total in ((1, None, None), (2, None, None), (3, 30, 30), (4, None, 30)):
        page = ev.RequestsFinished((row(row_id, tokens=tokens, tps=None),), total=row_id)
        snapshot = after(snapshot, page, at_s=float(row_id))
        assert snapshot.generated_tokens_total == total
