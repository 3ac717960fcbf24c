"""What watching asks, and when: the whole law of the quiet watcher, without a socket."""

import pytest

from llamabar.core import events as ev
from llamabar.core import queries
from llamabar.core.queries import Answer, Ask, AskLog, Kind, due
from tests.fakes.life import LISTED, after, live, request, row, running, slots, table

WOL = ev.CapabilitiesFound(confirmed=frozenset({"wol_health"}))


class Life:
    """A server and a log of questions; every question is answered at once by `answers`."""

    def __init__(self, *said):
        self.snapshot = live(*said)
        self.log = AskLog()
        self.sent = []

    def at(self, now_s, *said, failed=()):
        self.snapshot = after(self.snapshot, *said, at_s=now_s)
        for ask in due(self.snapshot, self.log, now_s=now_s):
            self.sent.append((now_s, ask))
            self.log = self.log.asked(ask, self.snapshot.connections, now_s=now_s)
            self.log = self.log.answered(ask.kind, ask.model, now_s=now_s, failed=ask.kind in failed)
        return self

    def kinds(self, since_s=-1.0):
        return [ask.kind for at_s, ask in self.sent if at_s > since_s]


def settled(*said):
    """A server whose probes are over: one model ready and read, idle."""
    life = Life(table(m="ready"), LISTED, *said).at(1.0)
    return life.at(1.2, running(), ev.RequestsFinished(()), WOL)


def test_nothing_is_asked_before_the_stream_has_shown_a_model_table():
    assert due(live(), AskLog(), now_s=5.0) == []


def test_probes_are_asked_once_a_connection():
    life = settled()
    assert sorted(life.kinds()) == sorted([*queries.PROBES, Kind.RUNNING])
    for second in range(2, 20):
        life.at(float(second))
    assert life.kinds(since_s=1.5) == []
    life.at(30.0, ev.StreamLost(ev.Fault(ev.FaultKind.CLOSED)), ev.StreamOpened(), table(m="stopped"))
    assert sorted(life.kinds(since_s=20.0)) == sorted(queries.PROBES)


def test_idle_for_an_hour_only_the_unlogged_heartbeat_is_asked():
    life = settled()
    for second in range(2, 3602):
        life.at(float(second))
    asked = life.kinds(since_s=1.5)
    assert set(asked) == {Kind.HEALTH}
    assert 150 <= len(asked) <= 3600 / queries.HEARTBEAT_S + 1


def test_without_an_unlogged_route_nothing_at_all_is_asked_when_idle():
    life = Life(table(m="ready"), LISTED).at(1.0).at(1.2, running(), ev.RequestsFinished(()))
    for second in range(2, 3602):
        life.at(float(second))
    assert life.kinds(since_s=1.5) == []


def test_a_machine_that_may_sleep_behind_a_wol_proxy_is_never_asked_for_its_heartbeat():
    asleep = ev.StreamLost(ev.Fault(ev.FaultKind.ASLEEP))
    life = Life(table(m="ready"), asleep, ev.StreamOpened(), table(m="ready"), LISTED).at(1.0)
    life.at(1.2, running(), ev.RequestsFinished(()), WOL)
    for second in range(2, 3602):
        life.at(float(second))
    assert life.kinds(since_s=1.5) == []


def test_a_stream_that_speaks_needs_no_heartbeat():
    life = settled()
    for second in range(2, 300):
        life.at(float(second), ev.ProfileChosen(None))
    assert life.kinds(since_s=1.5) == []


def test_running_is_asked_once_for_each_time_a_model_becomes_ready():
    life = settled()
    life.at(10.0, table(m="stopped")).at(11.0, table(m="starting")).at(12.0)
    assert life.kinds(since_s=5.0) == []
    life.at(20.0, table(m="ready"))
    assert life.kinds(since_s=5.0) == [], "events come in bursts"
    life.at(20.2).at(20.3, running()).at(25.0)
    assert life.kinds(since_s=5.0) == [Kind.RUNNING]


def test_a_server_that_does_not_answer_running_is_asked_ever_more_rarely():
    life = Life(table(m="ready"), LISTED)
    for tenth in range(10, 3000):
        life.at(tenth / 10, failed=(Kind.RUNNING,))
    assert life.kinds().count(Kind.RUNNING) < 12


def test_a_burst_of_finished_requests_is_fetched_once():
    life = settled()
    for n in range(30):
        life.at(40.0 + n / 50, ev.ActivityNoted(n))
    life.at(41.1)
    asked = [ask for at_s, ask in life.sent if at_s > 39.0]
    assert [ask.kind for ask in asked] == [Kind.FINISHED]
    assert asked[0].rows == 35
    life.at(41.2, ev.RequestsFinished(tuple(row(n) for n in range(30)), total=30)).at(50.0)
    assert life.kinds(since_s=39.0) == [Kind.FINISHED]


def test_a_request_that_ended_while_the_rows_were_on_their_way_is_fetched_too_and_once():
    life = settled()
    life.at(40.0, ev.ActivityNoted(7)).at(41.1)
    life.at(41.2, ev.ActivityNoted(8), ev.RequestsFinished((row(7),), total=7)).at(43.0)
    assert life.kinds(since_s=39.0) == [Kind.FINISHED] * 2
    life.at(43.1, ev.RequestsFinished((row(7),), total=7)).at(60.0)  # it does not come: nothing is asked for ever
    assert life.kinds(since_s=39.0) == [Kind.FINISHED] * 2


def with_request(**options):
    life = settled()
    life.snapshot = after(life.snapshot, running(**options), request(), at_s=1.4)
    return life


def test_slots_are_asked_once_a_second_while_a_request_is_in_flight_and_not_after():
    life = with_request()
    for tenth in range(20, 120):
        life.at(tenth / 10, slots(tenth * 4))
    count = life.kinds(since_s=1.5).count(Kind.SLOTS)
    assert 9 <= count <= 12
    life.at(12.0, ev.InflightRemoved("1"))
    for second in range(13, 60):
        life.at(float(second))
    assert Kind.SLOTS not in life.kinds(since_s=12.0)


@pytest.mark.parametrize(
    "options",
    [{"proxy": "http://192.168.1.7:5801"}, {"proxy": "http://gpu.local:5801"}, {"proxy": None}, {"may_sleep": True},
     {"proxy": "https://localhost:5801"}, {"proxy": "http://localhost.evil.example:80"}, {"proxy": "http://[::1"}],
)  # fmt: skip
def test_slots_are_never_asked_of_another_host_nor_of_a_server_that_may_sleep(options):
    life = with_request(**options)
    for second in range(2, 30):
        life.at(float(second))
    assert Kind.SLOTS not in life.kinds()


def test_slots_are_never_asked_of_a_model_that_is_not_ready():
    life = with_request().at(1.6, table(m="stopping"))
    for second in range(2, 30):
        life.at(float(second))
    assert Kind.SLOTS not in life.kinds(since_s=1.5)


def test_a_server_without_slots_is_asked_once_until_it_restarts():
    life = with_request().at(2.0, ev.SlotsAnswered("m", None, closed=True))
    for second in range(3, 30):
        life.at(float(second))
    assert life.kinds(since_s=2.5).count(Kind.SLOTS) == 0
    life.at(30.0, table(m="starting")).at(31.0, table(m="ready")).at(31.2, running())
    assert life.kinds(since_s=30.5).count(Kind.SLOTS) == 1


def test_slots_that_time_out_are_asked_ever_more_rarely_and_one_at_a_time():
    life = with_request()
    for tenth in range(20, 1220):
        life.at(tenth / 10, failed=(Kind.SLOTS,))
    assert life.kinds(since_s=1.5).count(Kind.SLOTS) <= 11
    log = AskLog().asked(Ask(Kind.SLOTS, "m"), 1, now_s=2.0)
    assert Kind.SLOTS not in [ask.kind for ask in due(life.snapshot, log, now_s=500.0)]


def test_a_version_that_only_counts_requests_is_asked_for_slots_only_when_it_is_clear_whose_they_are():
    counts = ev.CapabilitiesFound(confirmed=frozenset({"inflight_count"}))
    one = after(live(table(m="ready"), counts), running(), ev.InflightCounted(1), at_s=1.0)
    two = after(live(table(m="ready", n="ready"), counts), running(), running("n"), ev.InflightCounted(1), at_s=1.0)
    assert Kind.SLOTS in [ask.kind for ask in due(one, AskLog(), now_s=2.0)]
    assert Kind.SLOTS not in [ask.kind for ask in due(two, AskLog(), now_s=2.0)]


def test_two_missed_heartbeats_mean_that_the_server_has_gone():
    snapshot = settled().snapshot
    assert not queries.heartbeat_failed(after(snapshot, ev.HealthAnswered(False), at_s=30.0))
    missed = after(snapshot, ev.HealthAnswered(False), ev.HealthAnswered(False), at_s=30.0, step_s=3.0)
    assert queries.heartbeat_failed(missed)
    assert not queries.heartbeat_failed(after(missed, ev.HealthAnswered(True), at_s=40.0))


def test_the_next_look_is_never_later_than_the_next_question():
    life = with_request()
    now_s = 2.0
    for _ in range(200):
        wake_s = queries.next_due_s(life.snapshot, life.log, now_s=now_s)
        assert not due(life.snapshot, life.log, now_s=(now_s + wake_s) / 2 - 0.02) or life.at(now_s)
        now_s = wake_s
        life.at(now_s)


def test_an_answer_to_a_question_never_asked_is_ignored():
    assert AskLog().answered(Kind.RUNNING, "", now_s=1.0, failed=False) == AskLog()
    assert Answer(Ask(Kind.RUNNING)).events == ()


def test_a_gpu_is_asked_for_only_where_one_was_told_of_and_while_somebody_waits():
    life = Life(table(m="ready"), LISTED, ev.CapabilitiesFound(confirmed=frozenset({"performance", "gpu"})))
    life.at(2.0)
    life.at(30.0)
    assert life.kinds().count(Kind.PERFORMANCE) == 1, "once a connection"
    for tenth in range(400, 600):
        life.at(tenth / 10, request("1", answered_bytes=tenth))
    assert life.kinds(since_s=39.0).count(Kind.PERFORMANCE) == 2, "every ten seconds"
    for known, asked in (({"performance"}, 2), (set(), 1)):  # it may only have had no sample yet
        blind = Life(table(m="ready"), LISTED, ev.CapabilitiesFound(confirmed=frozenset(known)))
        for second in range(2, 400):
            blind.at(float(second), request("1", answered_bytes=second))
        assert blind.kinds().count(Kind.PERFORMANCE) == asked
