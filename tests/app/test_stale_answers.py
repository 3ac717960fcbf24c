"""An answer that was on its way when the server was replaced says nothing about the new one."""

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import events as ev
from llamabar.core.capabilities import Capability
from llamabar.core.queries import Answer, Kind, Query
from tests.fakes.life import row, table

CAN_CANCEL = ev.CapabilitiesFound(confirmed=frozenset({Capability.CANCEL}))


def reconnected(query):
    """Return a monitor that sent a query in an earlier connection, whose answer is still on its way."""
    monitor = Monitor({"s": Watched("s", "http://127.0.0.1:1")})
    for at_s in (1.0, 2.0):
        monitor.take("s", ev.StreamOpened(), at_s=at_s)
        monitor.take("s", table(m="stopped"), at_s=at_s)
        if at_s == 1.0:
            monitor.mark_sent("s", query, now_s=at_s)
    monitor.mark_sent("s", Query(Kind.VERSION), now_s=2.0)
    monitor.take("s", Answer(Query(Kind.VERSION), (ev.VersionRead("228", "228"),)), at_s=2.1)
    return monitor


def test_what_the_old_server_can_do_is_not_taken_for_the_new_ones_and_is_asked_again():
    probe = Query(Kind.CANCEL_PROBE)
    monitor = reconnected(probe)
    monitor.take("s", Answer(probe, (CAN_CANCEL,)), at_s=2.2)
    assert Capability.CANCEL not in monitor.servers["s"].snapshot.confirmed
    assert ("s", probe) in monitor.due(now_s=2.3)


def test_requests_that_the_old_server_finished_still_count():
    fetch = Query(Kind.FINISHED, rows=999)
    monitor = reconnected(fetch)
    monitor.take("s", Answer(fetch, (CAN_CANCEL, ev.RequestsFinished((row(7),), total=1))), at_s=2.2)
    snapshot = monitor.servers["s"].snapshot
    assert [one.id for one in snapshot.rows] == [7] and Capability.CANCEL not in snapshot.confirmed
