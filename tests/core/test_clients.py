"""Clients of finished requests: a row is matched to the request that was seen in flight."""

from llamabar.core import events as ev
from tests.fakes.life import CHAT, after, live, row, table

FIRST = ev.RequestsFinished((row(0),), total=1)  # the first fetch is no news


def begun(request_id, client, *, model="m"):
    info = ev.RequestInfo(request_id, model, CHAT, stamp="t", client=client)
    return ev.InflightUpserted(info)


def ended(row_id, took_s, **more):
    return ev.RequestsFinished((row(row_id, **more)._replace(duration_s=took_s),), total=row_id + 1)


def clients(snapshot):
    return {one.id: one.client for one in snapshot.rows if one.id}


def test_a_row_gets_the_client_of_the_request_with_the_same_duration():
    snapshot = live(table(m="ready"), FIRST)
    snapshot = after(snapshot, begun("1", "Zed"), at_s=10.0)
    snapshot = after(snapshot, begun("2", "curl"), at_s=14.0)
    snapshot = after(snapshot, ev.InflightRemoved("2"), at_s=16.0)
    snapshot = after(snapshot, ev.InflightRemoved("1"), at_s=16.1)
    snapshot = after(snapshot, ended(1, 6.1), ended(2, 2.0), at_s=17.0)
    assert clients(snapshot) == {1: "Zed", 2: "curl"} and snapshot.left == ()


def test_each_request_matches_one_row_and_a_row_without_a_request_has_no_client():
    snapshot = after(live(table(m="ready"), FIRST), begun("1", "Zed"), at_s=10.0)
    snapshot = after(snapshot, ev.InflightRemoved("1"), at_s=12.0)
    snapshot = after(snapshot, ended(1, 9.0), ended(2, 2.0, model="other"), ended(3, 2.0), ended(4, 2.0), at_s=13.0)
    assert clients(snapshot) == {1: "", 2: "", 3: "Zed", 4: ""}


def test_the_number_of_remembered_requests_is_limited():
    snapshot = live(table(m="ready"), FIRST)
    for number in range(500):
        snapshot = after(snapshot, begun(str(number), "Zed"), ev.InflightRemoved(str(number)), at_s=10.0)
    assert len(snapshot.left) == 64


def test_a_request_whose_row_never_came_matches_no_later_row():
    snapshot = after(live(table(m="ready"), FIRST), begun("1", "Zed"), at_s=10.0)
    snapshot = after(snapshot, ev.InflightRemoved("1"), at_s=12.0)
    snapshot = after(snapshot, ended(1, 2.0), at_s=200.0)
    assert clients(snapshot) == {1: ""} and snapshot.left == ()
