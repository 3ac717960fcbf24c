"""What loading a model needs and whether it fits: only from measured loads of its latest command line."""

import pytest

from llamabar.core import events as ev
from llamabar.core import needs
from llamabar.core.history import History
from llamabar.core.needs import Load, Needs
from llamabar.core.run import MemoryKind, ModelRun
from llamabar.core.state import Swap
from llamabar.core.totals import Told, Totals
from llamabar.view.needs import said
from llamabar.view.scene import seen
from tests.fakes.life import REFUSED, after, live, table

GB = 10**9
STOPPED = live(table(m="stopped", n="stopped", o="stopped"))


def load(model="m", size=18 * GB, took_s=8.0, *, command=1, at_s=1, unloaded=(), beside=(), context=None):
    return Load(model, ModelRun(command, at_s), size, took_s, context, Swap(unloaded, beside))


def words(snapshot, *loads, used=41 * GB, model="m"):
    snapshot = after(snapshot, ev.HostMeasured(0.1, used, 64 * GB), at_s=9.0)
    totals = Totals()
    totals.take(Told("", {}, needs=needs.of_each(loads)))
    return said(seen("s", "http://127.0.0.1:1", snapshot, History(), now_s=9.0, totals=totals), model)


@pytest.mark.parametrize(("loads", "used", "expected"), [
    ((), 41 * GB, ""),
    ((load(),), 41 * GB, "18 GB, about 8 s"),
    ((load(),), 60 * GB, "18 GB, about 8 s, 4.0 GB free: may not fit"),
    ((load(),), None, "18 GB, about 8 s"),
    ((load(took_s=None),), 41 * GB, "18 GB"),
    ((load(took_s=6.0), load(took_s=8.4), load(took_s=90.0)), 41 * GB, "18 GB, about 8 s"),
    ((load(size=17 * GB), load(size=19 * GB), load()), 41 * GB, "19 GB, about 8 s"),
    ((load(), load(size=5 * GB, took_s=3.0, command=2)), 41 * GB, "5.0 GB, about 3 s"),
    ((load("n"),), 41 * GB, ""),
])  # fmt: skip
def test_needs_come_from_the_latest_command_line_and_tell_whether_it_fits(loads, used, expected):
    assert words(STOPPED, *loads, used=used) == expected


def test_a_loaded_model_has_no_outlook():
    assert words(live(table(m="ready")), load()) == words(live(table(m="starting")), load()) == ""


N_READY = after(STOPPED, table(m="stopped", n="ready", o="stopped"), ev.MemoryMeasured(None, {"n": 16 * GB}), at_s=2.0)


@pytest.mark.parametrize(("loads", "unloads"), [
    ((load(unloaded=("n",)),), True),
    ((load(unloaded=("n",)), load(beside=("n",))), False),
    ((load(beside=("n",)), load(unloaded=("n",))), True),
    ((load(), load("n", unloaded=("m",), beside=("o",))), True),  # the other way round
    ((load(), load("n", beside=("m",))), False),
    ((load(), load("n", unloaded=("o",))), True),  # here one makes room for another
    ((load(), load("n", unloaded=("o",)), load("o", beside=("p",))), False),
    ((load(),), False),
])  # fmt: skip
def test_models_that_made_room_before_make_room_again(loads, unloads):
    shown = words(N_READY, *loads, used=60 * GB)
    assert shown == f"18 GB, about 8 s, {'unloads n' if unloads else '4.0 GB free: may not fit'}"


def test_unloading_other_models_may_not_be_enough():
    assert words(N_READY, load(size=40 * GB, unloaded=("n",)), used=60 * GB).endswith("4.0 GB free: may not fit")


# seen


def loaded_in(*tables):
    """Return the snapshot after tables two seconds apart, with the processes measured a second after the last."""
    snapshot = live(*tables, ev.RunningListed(()), step_s=2.0)
    return snapshot, ev.MemoryMeasured(None, {"m": 18 * GB}, runs={"m": ModelRun(7, 100, MemoryKind.FOOTPRINT)})


def test_a_load_records_memory_time_and_what_happened_to_the_others():
    snapshot, event = loaded_in(
        table(m="stopped", n="ready", o="ready"), table(m="stopped", n="stopping", o="ready"),
        table(m="starting", n="stopped", o="ready"), table(m="ready", n="stopped", o="ready"),
    )  # fmt: skip
    run = ModelRun(7, 100, MemoryKind.FOOTPRINT)
    assert needs.measured(snapshot, event) == [Load("m", run, 18 * GB, 2.0, None, Swap(("n",), ("o",)))]


def test_a_model_that_stopped_long_before_or_failed_or_quit_made_no_room():
    snapshot, event = loaded_in(
        table(m="stopped", n="ready", o="starting"), table(m="stopped", n="stopping", o="starting"),
        table(m="stopped", n="stopped", o="starting"), table(m="starting", n="stopped", o="stopped"),
        table(m="ready", n="stopped", o="stopped"),
    )  # fmt: skip
    assert needs.measured(snapshot, event)[0].swap == Swap()


def test_the_time_of_an_unseen_load_is_unknown():
    snapshot = live(table(m="stopped"), table(m="starting"), table(m="ready"), ev.RunningListed(()), step_s=2.0)
    _, event = loaded_in(table(m="ready"))
    assert needs.measured(snapshot, event)[0].took_s == 2.0
    again = after(snapshot, REFUSED, ev.StreamOpened(), table(m="ready"), ev.RunningListed(()), at_s=9.0)
    assert needs.measured(again, event)[0].took_s is None
    assert needs.measured(live(table(m="starting")), event) == []
    assert needs.measured(live(table(m="ready")), event) == []  # its server's address hasn't been queried yet


def test_a_load_is_reported_once_and_again_with_more_memory_or_more_details():
    one = load()
    assert needs.is_news(one, None) and not needs.is_news(one, one)
    assert not needs.is_news(load(size=int(18.5 * GB)), one) and needs.is_news(load(size=20 * GB), one)
    assert needs.is_news(load(context=8192), one) and needs.is_news(load(at_s=2), one)


def test_needs_include_the_context_and_how_memory_was_measured():
    big = load(size=20 * GB)._replace(run=ModelRun(1, 1, MemoryKind.FOOTPRINT))
    found = needs.of_each((load(context=8192), big))["m"]
    assert found == Needs(20 * GB, MemoryKind.FOOTPRINT, 8.0, 8192, 2)
