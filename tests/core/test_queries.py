"""What watching queries, and when: the law of the quiet watcher, without a socket."""

from dataclasses import replace

import pytest

from llamabar.core import events as ev
from llamabar.core import queries
from llamabar.core.queries import Answer, Kind, Query, QueryLog
from llamabar.core.state import with_model
from llamabar.sources.query_answers import HEARTBEAT_ANSWER_S
from tests.fakes.life import LISTED, after, live, request, row, running, slots, table

WOL = ev.CapabilitiesFound(confirmed=frozenset({"wol_health"}))


OURS = ev.MemoryMeasured(None, {}, servers={"m": ev.ModelServer("http://127.0.0.1:5801")})


NOTHING_SENT = QueryLog()
NOTHING = frozenset()


def due(snapshot, log=NOTHING_SENT, *, now_s, unwanted=frozenset()):
    return queries.due(queries.schedule(snapshot, log, unwanted=unwanted), now_s=now_s)


class Life:
    """A server and a log of queries; every query is answered at once, or fails."""

    def __init__(self, *said):
        self.snapshot = live(*said)
        self.log = QueryLog()
        self.sent = []

    def at(self, now_s, *said, failed=()):
        self.snapshot = after(self.snapshot, *said, at_s=now_s)
        while asked := due(self.snapshot, self.log, now_s=now_s):
            for query in asked:
                self.sent.append((now_s, query))
                self.log = self.log.sent(query, self.snapshot.connections, now_s=now_s)
                self.log = self.log.answered(query.kind, query.model, now_s=now_s, failed=query.kind in failed)
            if Query(Kind.VERSION) not in asked:
                break  # the caller adds the events of the other answers
        return self

    def kinds(self, since_s=-1.0):
        return [query.kind for at_s, query in self.sent if at_s > since_s]


def settled(*said):
    """Return a server whose probes are done: one model ready and read, idle."""
    life = Life(table(m="ready"), LISTED, *said).at(1.0)
    return life.at(1.2, running(), ev.RequestsFinished(()), WOL)


def test_no_query_is_sent_before_the_first_model_table():
    assert due(live(), QueryLog(), now_s=5.0) == []


def test_a_plan_equals_the_schedule_and_is_computed_once_per_state():
    plan, life = queries.Plan(), Life(table(m="ready"), LISTED)
    for now_s in (1.0, 2.0, 3.0):
        asked = (life.snapshot, life.log)
        for sparing in (False, True):
            said = plan(*asked, unwanted=NOTHING, sparing=sparing)
            assert said == queries.schedule(*asked, sparing=sparing)
            assert plan(*asked, unwanted=NOTHING, sparing=sparing) is said
        life.at(now_s)


def test_probes_are_sent_once_per_connection():
    life = settled()
    assert sorted(kind for kind in life.kinds() if kind is not Kind.RUNNING) == sorted(queries.PROBES)
    for second in range(2, 18):
        life.at(float(second))
    assert life.kinds(since_s=1.5) == []
    life.at(30.0, ev.StreamLost(ev.Fault(ev.FaultKind.CLOSED)), ev.StreamOpened(), table(m="stopped"))
    assert sorted(life.kinds(since_s=20.0)) == sorted(queries.PROBES)


def test_an_idle_hour_sends_only_the_unlogged_heartbeat():
    life = settled()
    for second in range(2, 3602):
        life.at(float(second))
    asked = life.kinds(since_s=1.5)
    assert set(asked) == {Kind.HEALTH}
    assert 150 <= len(asked) <= 3600 / queries.HEARTBEAT_S + 1


def test_without_an_unlogged_route_an_idle_server_gets_no_queries():
    life = Life(table(m="ready"), LISTED).at(1.0).at(1.2, running(), ev.RequestsFinished(()))
    for second in range(2, 3602):
        life.at(float(second))
    assert life.kinds(since_s=1.5) == []


def test_a_machine_behind_a_wol_proxy_never_gets_heartbeat_queries():
    asleep = ev.StreamLost(ev.Fault(ev.FaultKind.ASLEEP))
    life = Life(table(m="ready"), asleep, ev.StreamOpened(), table(m="ready"), LISTED).at(1.0)
    life.at(1.2, running(), ev.RequestsFinished(()), WOL)
    for second in range(2, 3602):
        life.at(float(second))
    assert life.kinds(since_s=1.5) == []


def test_a_stream_with_events_needs_no_heartbeat():
    life = settled()
    for second in range(2, 300):
        life.at(float(second), ev.ProfileChosen(None))
    assert life.kinds(since_s=1.5) == []


def test_running_is_queried_once_each_time_a_model_becomes_ready():
    life = settled()
    life.at(10.0, table(m="stopped")).at(11.0, table(m="starting")).at(12.0)
    assert life.kinds(since_s=5.0) == []
    life.at(20.0, table(m="ready"))
    assert life.kinds(since_s=5.0) == [], "events come in bursts"
    life.at(20.2).at(20.3, running()).at(25.0)
    assert life.kinds(since_s=5.0) == [Kind.RUNNING]


def test_running_is_retried_with_increasing_intervals():
    life = Life(table(m="ready"), LISTED)
    for tenth in range(10, 3000):
        life.at(tenth / 10, failed=(Kind.RUNNING,))
    assert life.kinds().count(Kind.RUNNING) < 12


def test_a_burst_of_finished_requests_is_fetched_once():
    life = settled()
    for n in range(30):
        life.at(40.0 + n / 50, ev.ActivityNoted(n))
    life.at(41.1)
    asked = [query for at_s, query in life.sent if at_s > 39.0]
    assert [query.kind for query in asked] == [Kind.FINISHED]
    assert asked[0].rows == 60
    life.at(41.2, ev.RequestsFinished(tuple(row(n) for n in range(30)), total=30)).at(50.0)
    assert life.kinds(since_s=39.0) == [Kind.FINISHED]


def test_a_request_that_ends_during_a_fetch_is_fetched_once_more():
    life = settled()
    life.at(40.0, ev.ActivityNoted(7)).at(41.1)
    life.at(41.2, ev.ActivityNoted(8), ev.RequestsFinished((row(7),), total=7)).at(43.0)
    assert life.kinds(since_s=39.0) == [Kind.FINISHED] * 2
    life.at(43.1, ev.RequestsFinished((row(7),), total=7)).at(60.0)  # it doesn't come, so querying stops
    assert life.kinds(since_s=39.0).count(Kind.FINISHED) == 2


@pytest.mark.parametrize("step", [1, 7, 2**70])
def test_a_page_that_lacks_rows_of_a_burst_is_fetched_again_until_none_is_missing(step):
    life, ended = settled(ev.RequestsFinished((row(1),), total=1)), 2
    for second in range(40, 60):
        if second < 44:  # 150 requests end each second, but one event comes
            ended += 150
            life.at(second, ev.ActivityNoted(ended * step))
        at_s, query = life.at(second + 0.1).sent[-1]
        if at_s == second + 0.1:
            page = tuple(row(1 + n * step) for n in range(ended))[-query.rows :]
            life.at(second + 0.2, ev.RequestsFinished(page, total=ended, limit=query.rows))
    assert [one.id for one in life.snapshot.rows] == [1 + n * step for n in range(ended)]
    assert len(life.kinds(since_s=39.0)) < 9


def with_request(**options):
    life = settled()
    life.snapshot = after(life.snapshot, running(**options), OURS, request(), at_s=1.4)
    return life


def test_slots_are_queried_once_a_second_only_while_a_request_is_in_flight():
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
    "found",
    [None, ev.ModelServer(), ev.ModelServer("http://127.0.0.1:5801", may_sleep=True)],
    ids=["not looked up", "not a process of this llama-swap", "may sleep"],
)
def test_slots_are_never_queried_from_foreign_servers_or_ones_that_may_sleep(found):
    life = with_request()
    life.snapshot = with_model(life.snapshot, replace(life.snapshot.models["m"], process=found))
    for second in range(2, 30):
        life.at(float(second))
    assert Kind.SLOTS not in life.kinds()


def test_slots_are_queried_only_while_the_model_is_ready():
    life = with_request().at(1.6, table(m="stopping"))
    for second in range(2, 30):
        life.at(float(second))
    assert Kind.SLOTS not in life.kinds(since_s=1.5)


def test_a_server_without_slots_is_queried_once_until_it_restarts():
    life = with_request().at(2.0, ev.SlotsAnswered("m", None, closed=True))
    for second in range(3, 30):
        life.at(float(second))
    assert life.kinds(since_s=2.5).count(Kind.SLOTS) == 0
    life.at(30.0, table(m="starting")).at(31.0, table(m="ready")).at(31.2, running(), OURS)
    assert life.kinds(since_s=30.5).count(Kind.SLOTS) == 1


def test_slots_that_time_out_are_retried_one_at_a_time_with_increasing_intervals():
    life = with_request()
    for tenth in range(20, 1220):
        life.at(tenth / 10, failed=(Kind.SLOTS,))
    assert life.kinds(since_s=1.5).count(Kind.SLOTS) <= 11
    log = QueryLog().sent(Query(Kind.SLOTS, "m"), 1, now_s=2.0)
    assert Kind.SLOTS not in [query.kind for query in due(life.snapshot, log, now_s=500.0)]


@pytest.mark.parametrize("counts", [(), (ev.InflightCounted(1),)], ids=["tells nothing", "counts"])
def test_without_event_details_slots_are_queried_while_llama_swap_is_connected_to_the_model(counts):
    two = ev.MemoryMeasured(None, {}, servers={one: ev.ModelServer(f"http://127.0.0.1:{one}") for one in "mn"})
    trusted = ev.CapabilitiesFound(confirmed=frozenset({"inflight_count"} if counts else ()))
    snapshot = live(table(m="ready", n="ready"), trusted, *counts, two)

    def asked(*seen):
        found = due(after(snapshot, *seen, at_s=1.0), now_s=2.0)
        return [query.model for query in found if query.kind is Kind.SLOTS]

    assert asked() == []
    assert asked(ev.ConnectionsSeen({"m": (), "n": (50_001,)})) == ["n"]
    idle = ev.SlotsAnswered("n", (ev.Slot(0, 1, False),))
    assert asked(ev.ConnectionsSeen({"m": (), "n": (50_001,)}), idle) == ["n"], "the next request may travel on it"
    assert asked(ev.ConnectionsSeen({"m": (), "n": ()})) == []


@pytest.mark.parametrize(("busy", "within_s"), [(False, 30.0), (True, 10.0)])
def test_a_silent_server_is_detected_in_time(busy, within_s):
    life = settled(*([request()] if busy else []))
    life.at(2.0, *([request()] if busy else []), ev.HealthAnswered(True))
    silent_s = now_s = 2.0
    pending_s = None
    while not queries.heartbeat_failed(life.snapshot):
        now_s += 0.1
        asked = [query for query in due(life.snapshot, life.log, now_s=now_s) if query.kind is Kind.HEALTH]
        if asked:
            pending_s, life.log = now_s, life.log.sent(asked[0], life.snapshot.connections, now_s=now_s)
        if pending_s is not None and now_s >= pending_s + HEARTBEAT_ANSWER_S:
            life.log = life.log.answered(Kind.HEALTH, "", now_s=now_s, failed=True)
            life.snapshot, pending_s = after(life.snapshot, ev.HealthAnswered(False), at_s=now_s), None
    assert now_s - silent_s < within_s - 0.5


def test_known_features_of_a_version_are_not_probed_again():
    known = ev.CapabilitiesFound(
        confirmed=frozenset({"activity", "profiles", "wol_health", "performance", "unload_one", "cancel"})
    )
    life = Life(table(m="stopped"), LISTED)
    assert [query.kind for query in due(life.snapshot, life.log, now_s=1.0)] == [Kind.VERSION]
    life.log = life.log.sent(Query(Kind.VERSION), 1, now_s=1.0).answered(Kind.VERSION, "", now_s=1.1, failed=False)
    assert len(due(life.snapshot, life.log, now_s=1.2)) == len(queries.PROBES) - 1
    life.snapshot = after(life.snapshot, known, at_s=1.1)
    assert {query.kind for query in due(life.snapshot, life.log, now_s=1.2)} == {Kind.FINISHED, Kind.PROFILES}
    unwanted = frozenset({Kind.FINISHED, Kind.PROFILES})
    assert due(life.snapshot, life.log, now_s=1.2, unwanted=unwanted) == []
    ready = after(life.snapshot, table(m="ready"), at_s=1.1)
    asked = {query.kind for query in due(ready, life.log, now_s=1.4, unwanted=unwanted)}
    assert asked == {Kind.RUNNING, Kind.FINISHED}, "a ready model's last use is in the rows"


def test_two_missed_heartbeats_mean_that_the_server_is_gone():
    snapshot = settled().snapshot
    assert not queries.heartbeat_failed(after(snapshot, ev.HealthAnswered(False), at_s=30.0))
    missed = after(snapshot, ev.HealthAnswered(False), ev.HealthAnswered(False), at_s=30.0, step_s=3.0)
    assert queries.heartbeat_failed(missed)
    assert not queries.heartbeat_failed(after(missed, ev.HealthAnswered(True), at_s=40.0))


def test_nothing_is_due_before_the_next_wake_up_and_something_is_due_then():
    life = with_request()
    for _ in range(50):
        wake_s = queries.next_s(queries.schedule(life.snapshot, life.log))
        assert due(life.snapshot, life.log, now_s=wake_s - 0.001) == []
        count = len(life.sent)
        life.at(wake_s)
        assert len(life.sent) > count


def test_an_answer_to_a_query_never_sent_is_ignored():
    assert QueryLog().answered(Kind.RUNNING, "", now_s=1.0, failed=False) == QueryLog()
    assert Answer(Query(Kind.RUNNING)).events == ()


def test_the_gpu_is_queried_only_if_reported_and_while_requests_are_in_flight():
    life = Life(table(m="ready"), LISTED)
    life.at(2.0).at(2.1, ev.CapabilitiesFound(confirmed=frozenset({"performance", "gpu"}))).at(30.0)
    assert life.kinds().count(Kind.PERFORMANCE) == 1, "once a connection"
    for tenth in range(400, 600):
        life.at(tenth / 10, request("1", answered_bytes=tenth))
    assert life.kinds(since_s=39.0).count(Kind.PERFORMANCE) == 2, "every ten seconds"
    for known, asked in (({"performance"}, 2), (set(), 1)):  # it may just have had no sample yet
        blind = Life(table(m="ready"), LISTED).at(1.0).at(1.1, ev.CapabilitiesFound(confirmed=frozenset(known)))
        for second in range(2, 400):
            blind.at(float(second), request("1", answered_bytes=second))
        assert blind.kinds().count(Kind.PERFORMANCE) == asked
