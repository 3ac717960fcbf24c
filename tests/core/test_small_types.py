"""Units, backoff, cadence, the event queue: small pure types."""

import pytest

from llamabar.core import cadence, coalesce, units
from llamabar.core import events as ev
from llamabar.core.backoff import Backoff
from llamabar.core.cadence import BUSY_S, QUIET_S, RECENT_S, URGENT_S, Pace, Shown, due_s
from llamabar.sources.inbox import Inbox
from tests.fakes.life import LISTED, request, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7200, "2 h"),
        (86_400 * 3.5, "3 d"),
        (-4, "0 s"),
        (None, "–"),
    ],
)
def test_a_longer_duration_is_shown_more_coarsely(seconds, text):
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.0, "5 s"), (59.0, "59 s"), (61, "2 min"), (599, "10 min"), (700, "15 min"), (4000, "1 h")]
)
def test_a_countdown_is_exact_only_in_its_last_minute(seconds, text):
    assert units.countdown(seconds) == text


@pytest.mark.parametrize(
    ("tps", "text"),
    [(3.14, "3.1"), (41.23, "41.2"), (99.94, "99.9"), (99.96, "100"), (250.4, "250"), (None, "–"), (0.0, "0.0")],
)
def test_speeds_are_rounded_to_a_useful_precision(tps, text):
    assert units.rate(tps) == text


@pytest.mark.parametrize(
    ("count", "text"), [(640e6, "640 MB"), (999.6e6, "1.0 GB"), (6.44e9, "6.4 GB"), (99.96e9, "100 GB"), (None, "–")]
)
def test_sizes(count, text):
    assert units.size(count) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (5240, "5.2k"),
        (52_400, "52k"),
        (999_600, "1.0M"),
        (1_200_000, "1.2M"),
        (2_040_000_000, "2.0B"),
        (10**13, ">999B"),
    ],
)
def test_short_counts_have_at_most_four_digits_and_letters(number, text):
    assert units.short_count(number) == text
    assert len(text) <= 5


def test_a_part_of_a_whole_shows_the_unit_once():
    assert units.of_total(41e9, 64e9) == "41.0 of 64.0 GB"
    assert units.of_total(402e6, 25.3e9) == "402 MB of 25.3 GB"


def test_waits_double_up_to_a_limit_with_jitter_and_reset_after_success():
    backoff, waits = Backoff(longest_s=4.0), []
    for _ in range(8):
        waits.append(backoff.wait_s(1.0))
        assert backoff.wait_s(0.0) == waits[-1] / 2
        backoff = backoff.failed()
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    assert backoff.succeeded().wait_s(1.0) == 0.25


CALM = Pace(busy=False, counting_down=False, last_activity_s=None)
SHOWN = Shown(at_s=100.0, state="a", words="b", all="c")


@pytest.mark.parametrize(
    ("new", "pace", "wait_s"),
    [
        (Shown(state="x", words="b", all="c"), CALM, URGENT_S),
        (Shown(state="a", words="x", all="c"), Pace(True, False, None), BUSY_S),
        (Shown(state="a", words="x", all="c"), Pace(False, True, None), BUSY_S),
        (Shown(state="a", words="x", all="x"), CALM, QUIET_S),
        (Shown(state="a", words="x", all="x"), Pace(False, False, None, news=True), BUSY_S),
        (Shown(state="a", words="b", all="x"), Pace(False, False, None, news=True), QUIET_S),
        (Shown(state="a", words="b", all="x"), CALM, QUIET_S),
        (Shown(state="a", words="b", all="x"), Pace(False, False, 90.0), RECENT_S),
        (Shown(state="a", words="b", all="x"), Pace(True, False, 90.0), BUSY_S),
    ],
)
def test_each_kind_of_change_has_its_wait(new, pace, wait_s):
    assert due_s(SHOWN, new, pace, now_s=101.0) == 100.0 + wait_s


def test_the_first_frame_is_immediate_and_no_change_means_no_frame():
    assert due_s(SHOWN, Shown(state="a", words="b", all="c"), CALM, now_s=9e9) is None
    assert due_s(Shown(), SHOWN, CALM, now_s=5.0) == 5.0
    assert cadence.printed(Shown(), Shown(state="s"), now_s=7.0).at_s == 7.0


def frames_of(changes_s, *, until_s):
    """Apply changes of state at these times; return the times of the frames."""
    shown, times, count = cadence.printed(Shown(), Shown(state=0), now_s=-9.0), [], 0
    for hundredth in range(int(until_s * 100)):
        now_s = hundredth / 100
        count = sum(at_s <= now_s for at_s in changes_s)
        due = due_s(shown, Shown(state=count), Pace(True, False, None), now_s=now_s)
        if due is not None and due <= now_s:
            shown, times = cadence.printed(shown, Shown(state=count), now_s=now_s), [*times, now_s]
    return times


@pytest.mark.parametrize("apart_s", [0.5, 1.0, 2.0])
def test_twenty_changes_of_state_in_a_row_are_each_shown_at_once(apart_s):
    changes_s = [apart_s * number for number in range(1, 21)]
    assert frames_of(changes_s, until_s=42) == pytest.approx(changes_s, abs=0.011)


def test_flapping_states_print_at_most_four_frames_a_second_over_ten_seconds_and_one_in_the_long_run():
    times = frames_of([tenth / 20 for tenth in range(1, 1300)], until_s=65)
    windows = [sum(start <= at_s < start + 10 for at_s in times) for start in range(55)]
    assert max(windows) <= 40
    assert windows[-1] <= 11


def given(*said):
    pending = {}
    for at_s, event in enumerate(said):
        assert coalesce.add(pending, coalesce.Stamped(float(at_s), event))
    return [stamped.event for stamped in coalesce.take(pending)]


def test_only_the_newest_event_of_each_kind_is_queued_in_order_of_its_last_change():
    first, second = request("1", answered_bytes=5), request("1", answered_bytes=90)
    other = request("2")
    assert given(table(m="starting"), first, other, second, table(m="ready")) == [other, second, table(m="ready")]


def test_a_complete_list_replaces_single_changes_before_it_but_not_those_after():
    assert given(request("1"), ev.InflightRemoved("2"), LISTED, request("3")) == [LISTED, request("3")]


def test_a_request_that_started_and_ended_in_the_queue_leaves_only_its_end():
    assert given(request("1"), ev.InflightRemoved("1")) == [ev.InflightRemoved("1")]


def test_an_ended_answers_last_byte_count_stays_queued():
    last = request("1", answered_bytes=90)
    assert given(request("1", answered_bytes=5), last, ev.InflightRemoved("1")) == [last, ev.InflightRemoved("1")]


def test_only_more_bytes_of_an_answer_already_started_are_no_news():
    silent, begun, more = (request("1", answered_bytes=count) for count in (None, 5, 90))
    moved = more._replace(request=more.request._replace(model="other"))
    listed = ev.InflightListed((more.request,))
    for said, news in (
        ([silent], True), ([silent, begun], True), ([begun, more], False), ([begun, more, begun], False),
        ([begun, moved], True), ([begun, ev.InflightRemoved("1"), more], True), ([begun, listed, more], True),
        ([begun, ev.StreamOpened(), more], True), ([begun, table(m="ready")], True),
    ):  # fmt: skip
        answers = coalesce.Answers()
        assert [answers.only_grew(event) for event in said][-1] is not news, said


def test_a_growing_answer_does_not_wake_the_loop_and_is_taken_with_the_next_news():
    inbox, grown, news = Inbox(), request("1", answered_bytes=5), table(m="ready")
    inbox.event("s", grown, news=False)
    assert inbox._wakes.empty()
    inbox.event("s", news)
    assert not inbox._wakes.empty()
    assert [event for _, _, event in inbox.take()] == [grown, news]
    inbox.wait(0.0)
    inbox.event("s", grown, news=False)
    inbox.event("s", news)
    assert not inbox._wakes.empty()


def test_rows_and_notes_are_never_lost():
    rows = [ev.RequestsFinished((ev.FinishedRequest(n, "m"),)) for n in range(5)]
    notes = [ev.ActivityNoted(n) for n in range(5)]
    assert given(*rows, *notes) == [*rows, *notes]


def test_simultaneous_rows_are_queued_together_in_order_of_their_numbers():
    rows = [ev.FinishedRequest(number, "m") for number in range(4)]
    told = [ev.RequestsFinished((rows[number],), streamed=True) for number in (0, 2, 1, 3)]
    assert given(*told) == [ev.RequestsFinished(tuple(rows), streamed=True)]


def test_a_full_queue_is_reported():
    pending = {}
    fits = [coalesce.add(pending, coalesce.Stamped(0.0, request(str(n)))) for n in range(coalesce.PENDING_EVENTS + 1)]
    assert fits == [True] * coalesce.PENDING_EVENTS + [False]


def test_a_thousand_events_of_one_request_take_one_queue_entry():
    pending = {}
    for n in range(1000):
        coalesce.add(pending, coalesce.Stamped(0.0, request("1", answered_bytes=n)))
    assert len(pending) == 1


def test_large_frames_wait_longer_so_an_hour_prints_at_most_ten_megabytes():
    busy, recent = Pace(True, False, None), Pace(False, False, 0.0)
    for size_bytes, busy_s, recent_s in ((900, 1.0, 15.0), (5_000, 2.0, 78.1), (16_384, 6.5, 120.0)):
        shown = cadence.sized(Shown(at_s=0.0, words=1), size_bytes)
        assert due_s(shown, Shown(words=2), busy, now_s=0.5) == pytest.approx(busy_s, abs=0.1)
        assert cadence.same_state_due_s(shown, None, busy, now_s=0.5) == due_s(shown, Shown(words=2), busy, now_s=0.5)
        assert cadence.same_state_due_s(shown, None, busy, now_s=busy_s + 0.1) is None
        assert cadence.same_state_due_s(shown, "new", busy, now_s=0.5) is None
        assert due_s(shown, Shown(words=2), recent, now_s=0.5) == pytest.approx(recent_s, abs=0.1)
        assert due_s(shown, Shown(state=1, words=2), busy, now_s=0.5) <= 0.5, "a change of state never waits"
        assert size_bytes * 3600 / max(1.0, due_s(shown, Shown(words=2), busy, now_s=0.0)) <= 10e6


def test_frames_of_new_states_delay_later_figures_so_an_hour_still_prints_at_most_ten_megabytes():
    size_bytes, step_s, now_s, printed_bytes, waits_s = 3_400, 0.05, 0.0, 0, []  # three states in ten seconds
    busy = Pace(True, False, None)
    shown = cadence.sized(cadence.printed(Shown(), Shown(state=0, words=0), now_s=0.0), size_bytes)
    while now_s < 600.0:
        now_s += step_s
        state = sum(now_s % 10.0 > moment for moment in (0.2, 0.4, 9.8)) + int(now_s // 10.0) * 3
        new = Shown(state=state, words=now_s)
        if cadence.due_s(shown, new, busy, now_s=now_s) > now_s:
            continue
        waits_s.append(now_s - shown.at_s)
        shown = cadence.sized(cadence.printed(shown, new, now_s=now_s), size_bytes)
        printed_bytes += size_bytes
    assert printed_bytes * 6 <= 10e6
    assert max(waits_s) < 2.8


def test_constantly_changing_states_delay_figures_only_a_little():
    shown = Shown()
    for number in range(20):
        shown = cadence.printed(shown, Shown(state=number), now_s=number * 0.1)
        shown = cadence.sized(shown, 5_000)
    busy, first, second = Pace(True, False, None), Shown(state=19, words=1), Shown(state=19, words=2)
    assert cadence.due_s(shown, first, busy, now_s=2.0) == pytest.approx(1.9 + 2.0)
    shown = cadence.sized(cadence.printed(shown, first, now_s=3.9), 5_000)
    assert cadence.due_s(shown, second, busy, now_s=4.0) == pytest.approx(3.9 + 2.0 * 2.0)
