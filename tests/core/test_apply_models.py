"""Crashes and unloads are told apart: without evidence, nothing is reported."""

import pytest

from llamabar.core import coalesce
from llamabar.core import events as ev
from llamabar.core.apply_models import SHOWN_S, has_quit
from llamabar.core.notify import CRASHED, FAILED, News, Told, news
from llamabar.core.notify_options import NotifyOptions
from llamabar.core.readings import unloads_in_s
from llamabar.view.menu import Do
from tests.fakes.life import LISTED, after, live, request, row, running, table

PEER = ev.ModelInfo("elsewhere", "", peer="studio")
READY = live(table(m="ready", n="stopped"), LISTED, running(ttl_s=300.0))
WITH_PEER = live(ev.ModelsListed((*table(m="ready").models, PEER)), LISTED, running(ttl_s=300.0))
BESIDE = live(table(m="ready", n="ready"), LISTED, running(ttl_s=300.0))


def quits(snapshot, *said, at_s=50.0):
    return after(snapshot, *said, at_s=at_s).models["m"].quit_at_s is not None


def used(snapshot, at_s):
    return after(snapshot, request("9", answered_bytes=5), ev.InflightRemoved("9"), at_s=at_s)


STOPPED = table(m="stopped", n="stopped")


@pytest.mark.parametrize(
    ("snapshot", "said", "crashed"),
    [
        (after(READY, request("1", answered_bytes=900), at_s=49.0), (STOPPED,), True),
        (used(READY, 49.5), (STOPPED,), True),
        (used(READY, 20.0), (STOPPED,), True),
        (used(after(READY, running(ttl_s=0.0), at_s=1.0), 20.0), (STOPPED,), True),
        (READY, (STOPPED,), False),  # its last use is unknown
        (used(after(READY, running(ttl_s=30.0), at_s=1.0), 20.0), (STOPPED,), False),  # its idle time was over
        (used(after(READY, running(ttl_s=None), at_s=1.0), 20.0), (STOPPED,), False),  # its idle time is unknown
        (used(READY, 20.0), (table(m="stopping"), STOPPED), False),
        (used(READY, 20.0), (table(m="stopped", n="starting"),), False),  # another model took its place
        (after(used(READY, 20.0), request("2", "n"), at_s=49.0), (STOPPED,), False),
        (after(used(BESIDE, 49.5), request("2", "n"), at_s=49.0), (table(m="stopped", n="ready"),), True),
        (after(used(WITH_PEER, 49.5), request("2", "elsewhere"), at_s=49.0), (STOPPED,), True),
        (after(used(READY, 20.0), ev.ActionAsked("t", "unload", "m"), at_s=45.0), (STOPPED,), False),
        (after(used(READY, 20.0), ev.ActionAsked("t", "load", "m"), at_s=45.0), (STOPPED,), True),
        (used(READY, 20.0), (STOPPED, STOPPED), False),  # reported twice: "stopping" came too late to be seen
        (used(READY, 20.0), (ev.StreamOpened(), STOPPED), False),  # while disconnected
        (READY, (ev.StreamOpened(refreshed=True), STOPPED), True),  # v217: only a crash has no event
        (used(READY, 20.0), (table(m="shutdown"),), False),
    ],
)
def test_only_a_stop_without_another_explanation_is_a_crash(snapshot, said, crashed):
    assert quits(snapshot, *said) is crashed


def test_a_load_whose_caller_left_is_no_use_llama_swap_unloads_the_model_at_once():
    """v218 to v250: its last use is the one before the load, if there was any, so a second after it is unloaded."""
    begun = live(table(m="stopped"), LISTED, ev.RequestsFinished((), total=0), request("1"))
    loading = after(begun, table(m="starting"), at_s=10.0)
    left = after(loading, ev.InflightRemoved("1"), ev.ActivityNoted(1), at_s=12.0)
    left = after(left, table(m="ready"), running(ttl_s=300.0), ev.RequestsFinished((row(1),), total=1), at_s=20.0)
    assert unloads_in_s(left, left.models["m"], now_s=20.5) is None
    assert not quits(left, table(m="stopped"), at_s=21.0)
    stayed = after(loading, table(m="ready"), running(ttl_s=300.0), ev.InflightRemoved("1"), at_s=20.0)
    assert unloads_in_s(stayed, stayed.models["m"], now_s=30.0) == 290.0


def test_after_a_reload_the_idle_time_is_unknown_until_it_is_read_again():
    for resumed in (True, False):
        reloaded = after(READY, ev.StreamOpened(resumed=resumed), table(m="starting"), LISTED, at_s=50.0)
        ready = after(reloaded, table(m="ready"), at_s=52.0)
        assert unloads_in_s(ready, ready.models["m"], now_s=52.0) is None


@pytest.mark.parametrize(("asked", "failed"), [
    (ev.ActionAsked("t", Do.UNLOAD.value, "n"), False), (ev.ActionAsked("t", Do.UNLOAD_ALL.value), False),
    (ev.ActionAsked("t", Do.RESTART.value, "a service"), False), (ev.ActionAsked("t", Do.UNLOAD.value, "m"), True),
    (ev.ActionAsked("t", Do.LOAD.value, "n"), True),
])  # fmt: skip
def test_a_load_that_was_ended_by_a_click_has_not_failed(asked, failed):
    snapshot = after(READY, table(m="ready", n="starting"), asked, table(m="ready", n="stopped"), at_s=50.0)
    assert (snapshot.models["n"].failed_at_s is not None) is failed
    late = after(READY, table(m="ready", n="starting"), asked, ev.ActionEnded("t"), at_s=50.0)
    assert after(late, table(m="ready", n="stopped"), at_s=61.0).models["n"].failed_at_s == 61.0


def test_a_click_that_was_done_before_a_load_began_does_not_explain_its_end():
    unloaded = after(READY, ev.ActionAsked("t", Do.UNLOAD.value, "m"), STOPPED, ev.ActionEnded("t"), at_s=50.0)
    loading = after(unloaded, table(m="starting", n="stopped"), at_s=52.0)
    assert after(loading, STOPPED, at_s=53.0).models["m"].failed_at_s == 53.0
    ready = after(loading, table(m="ready", n="stopped"), request("1"), at_s=53.0)
    assert quits(ready, STOPPED, at_s=54.0)


@pytest.mark.parametrize("said", ["unspecific error: group: model unloaded", "unspecific error: aborted"])
def test_a_click_on_load_that_a_click_on_unload_ended_has_not_failed(said):
    """v218 on: whichever part of llama-swap is first says so."""
    refused = ev.ActionEnded("t", said)
    assert not after(READY, ev.ActionAsked("t", Do.LOAD.value, "n"), refused, at_s=50.0).asked["t"].failure
    assert after(READY, ev.ActionAsked("t", Do.UNLOAD.value, "n"), refused, at_s=50.0).asked["t"].failure


def test_a_skipped_table_still_shows_that_a_model_was_unloaded():
    for tables in ((table(m="stopping", n="stopped"), STOPPED), (STOPPED, STOPPED)):
        pending = {}
        for one in tables:
            coalesce.add(pending, coalesce.Stamped(50.0, one))
        assert not quits(used(READY, 20.0), *(stamped.event for stamped in coalesce.take(pending)))


def test_a_crash_is_shown_for_ten_minutes_or_until_the_model_is_loaded_again():
    snapshot = after(used(READY, 20.0), STOPPED, at_s=50.0)
    model = snapshot.models["m"]
    assert has_quit(model, now_s=51.0) and not has_quit(model, now_s=50.0 + SHOWN_S)
    loaded = after(snapshot, table(m="starting", n="stopped"), table(m="ready", n="stopped"), at_s=60.0, step_s=1.0)
    assert loaded.models["m"].quit_at_s is None
    assert news(Told(), snapshot, NotifyOptions((FAILED,)), now_s=51.0, minute=0)[1] == News(CRASHED, "m")


def test_what_is_known_of_the_models_outlasts_a_stream_that_was_cut_and_resumed():
    crashed = after(READY, request("1", answered_bytes=900), STOPPED, at_s=49.0)
    ready = used(READY, 20.0)
    for known, states in ((crashed, STOPPED), (ready, table(m="ready", n="stopped"))):
        resumed = after(known, ev.StreamOpened(resumed=True), states, at_s=60.0)
        assert resumed.models == known.models
        begun = after(known, ev.StreamOpened(), states, at_s=60.0)
        assert begun.models["m"].quit_at_s is None and begun.models["m"].last_use_s is None
    reloaded = after(ready, ev.StreamOpened(resumed=True), STOPPED, at_s=60.0)
    assert reloaded.models["m"].quit_at_s is None, "a new config ends every model"
