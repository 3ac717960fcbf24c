"""The status table: every row can be reached, and each word is right."""

import pytest

from llamabar.core import events as ev
from llamabar.core.state import Snapshot
from llamabar.core.status import RULES, Status, classify, is_sure
from tests.fakes.life import LISTED, REFUSED, after, live, request, slots, table

COUNTS = ev.CapabilitiesFound(confirmed=frozenset({"inflight_count"}))

UNLOADING = table(m="ready", n="stopping")


def lost(kind):
    return live(table(m="ready"), ev.StreamLost(ev.Fault(kind)))


def with_service(state, crashes=0):
    return after(live(REFUSED), ev.ServiceFound("org.llamabar.llama-swap", ev.ServiceState(state), crashes), at_s=1.0)


def growing(*said):
    """Return a model whose only slot is generating, over a connection of llama-swap's."""
    first = live(table(m="ready"), *said, ev.ConnectionsSeen({"m": (50_001,)}))
    first = after(first, slots(10), at_s=1.0)
    return after(first, slots(60), at_s=2.0)


SITUATIONS = [
    (Status.UNAUTHORIZED, lambda: lost(ev.FaultKind.UNAUTHORIZED)),
    (Status.INCOMPATIBLE, lambda: lost(ev.FaultKind.NOT_LLAMA_SWAP)),
    (Status.CRASHING, lambda: with_service("failing", crashes=4)),
    (Status.NO_SERVICE, lambda: with_service("none")),
    (Status.STOPPED, lambda: with_service("stopped")),
    (Status.STARTING, lambda: with_service("running")),
    (Status.STOPPING, lambda: with_service("stopping")),
    (Status.STARTING, Snapshot),
    (Status.UNREACHABLE, lambda: lost(ev.FaultKind.GATEWAY)),
    (Status.UNREACHABLE, lambda: lost(ev.FaultKind.UNKNOWN_HOST)),
    (Status.STARTING, lambda: lost(ev.FaultKind.LAGGING)),
    (Status.UNREACHABLE, lambda: lost(ev.FaultKind.REFUSED)),
    (Status.GENERATING, lambda: live(table(m="ready"), request(answered_bytes=500))),
    (Status.PROMPT, lambda: live(table(m="ready"), request(streams=True))),
    (Status.PROMPT, lambda: after(live(table(m="ready"), COUNTS, ev.InflightCounted(1)), slots(0), at_s=1.0)),
    (Status.GENERATING, lambda: after(growing(), table(m="ready", n="starting"), at_s=2.0)),
    (Status.LOADING, lambda: live(table(m="starting"), request())),
    (Status.GENERATING, lambda: live(table(m="ready"), ev.InflightListed((ev.RequestInfo("1", "m"),)))),
    (Status.GENERATING, lambda: live(table(m="ready"), COUNTS, ev.InflightCounted(1))),
    (Status.GENERATING, lambda: live(UNLOADING, COUNTS, ev.InflightCounted(1))),  # either may have it
    (Status.QUEUED, lambda: live(UNLOADING, COUNTS, ev.InflightCounted(1), ev.ConnectionsSeen({"m": ()}))),
    (Status.QUEUED, lambda: live(table(m="stopping", n="stopped"), request(model="n"))),
    (Status.STOPPING, lambda: live(table(m="stopping"), LISTED)),
    (Status.READY, lambda: live(table(m="ready", n="stopped"), LISTED)),
    (Status.READY, lambda: live(table(m="sleeping"), LISTED)),
    (Status.STARTING, lambda: live()),
    (Status.EMPTY, lambda: live(table(), LISTED)),
    (Status.EMPTY, lambda: live(table(m="stopped"), LISTED)),
]


@pytest.mark.parametrize(("status", "make"), SITUATIONS)
def test_each_situation_has_its_status(status, make):
    assert classify(make()) is status


def test_every_row_of_the_table_is_the_first_match_of_some_situation():
    reached = set()
    for _, make in SITUATIONS:
        snapshot = make()
        reached.add(next(index for index, (_, applies) in enumerate(RULES) if applies(snapshot)))
    assert reached == set(range(len(RULES)))


def test_every_word_of_the_contract_is_in_the_table():
    assert {status for status, _ in RULES} == set(Status)


def test_generating_wins_over_another_models_loading():
    snapshot = live(table(m="ready", n="starting"), request(answered_bytes=9), request("2", "n"))
    assert classify(snapshot) is Status.GENERATING


def test_the_untrusted_number_of_old_versions_is_ignored():
    assert classify(live(table(m="ready"), ev.InflightCounted(1))) is Status.READY


def test_slots_show_an_answer_being_generated_before_its_headers():
    assert classify(growing(request())) is Status.GENERATING


def test_the_end_of_the_only_answer_ends_generating_while_others_are_at_their_prompts():
    """An old llama-server answers no /slots during a long prompt, so the last answer would count for seconds."""
    two = live(table(m="ready"), LISTED, request(answered_bytes=900), request("2", streams=True))
    generates = after(after(two, slots(10, 0), at_s=1.0), slots(60, 0), at_s=2.0)
    assert (classify(generates), is_sure(generates)) == (Status.GENERATING, True)
    assert classify(after(generates, ev.InflightRemoved("1"), at_s=2.1)) is Status.PROMPT
