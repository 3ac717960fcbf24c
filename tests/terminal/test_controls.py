"""Keys act on what is selected, ask before they interrupt, and report the result."""

from dataclasses import replace

import pytest

from llamabar.core import events as ev
from llamabar.core.history import History
from llamabar.core.snapshot import apply
from llamabar.core.state import Snapshot
from llamabar.terminal.controls import offered, pressed
from llamabar.terminal.facts import Thing
from llamabar.terminal.keys import Pasted, Pressed
from llamabar.terminal.state import Deed, Level, Page, View, settled
from llamabar.view.menu import MODEL, REQUEST, Do
from llamabar.view.scene import Scene, seen

ROUTES = frozenset({"inflight_list", "cancel", "unload_one", "profiles"})
BUSY = ev.RequestInfo("7", "chat", "/v1/chat/completions", "stamp")
SERVICE = ev.ServiceFound("org.llama-swap", ev.ServiceState.RUNNING)


def snapshot_of(*events, models=(("chat", "ready"), ("coder", "stopped")), routes=ROUTES):
    listed = ev.ModelsListed(tuple(ev.ModelInfo(*one) for one in models))
    snapshot = Snapshot()
    for event in (ev.StreamOpened(), ev.CapabilitiesFound(routes), listed, *events):
        snapshot = apply(snapshot, event, 1.0)
    return snapshot


def scene_of(*snapshots, now_s=2.0):
    snapshots = snapshots or (snapshot_of(),)
    names = ("mac", "mini", "studio")
    return Scene(tuple(
        seen(name, f"http://{name}:8080", one, History(), now_s=now_s, only=len(snapshots) == 1)
        for name, one in zip(names, snapshots)
    ), now_s)  # fmt: skip


def after(keys, scene, view=None):
    """Return the outcome of the last of some keys."""
    outcome = None
    view = view or View()
    for key in keys:
        outcome = pressed(view, Pressed(key), scene)
        view = outcome.view
    return outcome


def test_the_first_model_is_selected_at_first_and_arrows_move_over_models_and_requests():
    scene = scene_of(snapshot_of(ev.InflightUpserted(BUSY)))
    assert settled(View(), scene).selected == Thing(MODEL, "chat")
    places = [after(["j"] * count, scene).view.selected.id for count in (1, 2, 3)]
    assert places == ["coder", "7", "7"]
    assert after(["G", "k"], scene).view.selected == Thing(MODEL, "coder")


def test_a_selection_stays_on_its_model_however_the_table_moves():
    view = after(["j"], scene_of()).view
    grown = scene_of(snapshot_of(models=(("a", "ready"), ("b", "ready"), ("chat", "ready"), ("coder", "ready"))))
    assert settled(view, grown).selected == Thing(MODEL, "coder")


def test_when_the_selection_disappears_no_key_hits_its_successor():
    view = settled(View(), scene_of())
    gone = scene_of(snapshot_of(models=(("coder", "ready"), ("other", "ready"))))
    outcome = pressed(view, Pressed("u"), gone)
    assert (outcome.view.selected, outcome.deed) == (None, None)
    assert "Select a model first" in outcome.view.message
    assert pressed(outcome.view, Pressed("j"), gone).view.selected == Thing(MODEL, "coder")


def test_after_the_selection_disappears_home_and_end_still_work():
    models = tuple((name, "stopped") for name in "abcdef")
    fourth = after(["j"] * 3, scene_of(snapshot_of(models=models))).view
    gone = settled(fourth, scene_of(snapshot_of(models=models[:3])))
    assert gone.selected is None
    left = scene_of(snapshot_of(models=models[:3] + models[4:]))
    for key, wanted in (("g", "a"), ("G", "f"), ("j", "e"), ("k", "c")):
        assert after([key], left, gone).view.selected == Thing(MODEL, wanted)


def test_a_request_with_the_same_id_after_a_reload_is_a_different_one():
    scene = scene_of(snapshot_of(ev.InflightUpserted(BUSY)))
    view = after(["G"], scene).view
    later = scene_of(snapshot_of(ev.InflightUpserted(BUSY._replace(stamp="later"))))
    assert settled(view, later).selected is None


def test_load_acts_at_once():
    outcome = after(["j", "l"], scene_of())
    assert (outcome.deed, outcome.action.do, outcome.action.target) == (Deed.ACT, Do.LOAD, "coder")
    assert outcome.view.message == "Loading coder…"


def test_a_peers_model_is_neither_loaded_nor_unloaded_from_here():
    peer = ev.ModelsListed((ev.ModelInfo("studio/far", "", peer="studio"),))
    scene = scene_of(snapshot_of(peer))
    for key in "lu":
        outcome = after(key, scene)
        assert outcome.action is None and outcome.view.message == "studio/far runs on another host."
    assert {"l", "u"}.isdisjoint(key for key, _ in offered(outcome.view, scene))


def test_unload_asks_only_if_it_interrupts_a_request():
    idle = after(["u"], scene_of())
    assert (idle.deed, idle.action.do) == (Deed.ACT, Do.UNLOAD)
    busy = scene_of(snapshot_of(ev.InflightUpserted(BUSY)))
    asked = after(["u"], busy)
    assert asked.deed is None
    assert asked.view.question.text == "Unload chat? This interrupts 1 request."
    assert pressed(asked.view, Pressed("y"), busy).action.do is Do.UNLOAD
    kept = pressed(asked.view, Pressed("n"), busy)
    assert (kept.deed, kept.view.question, kept.view.message) == (None, None, "Nothing changed.")


def test_unload_asks_if_active_requests_are_unknown():
    scene = scene_of(snapshot_of(routes=frozenset({"unload_one"})))
    assert "may interrupt" in after(["u"], scene).view.question.text


@pytest.mark.parametrize(("keys", "do", "text"), [
    (["G", "c"], Do.CANCEL, "Cancel request #7?"),
    (["U"], Do.UNLOAD_ALL, "Unload all models? This interrupts 1 request."),
    (["r"], Do.RESTART, "Restart llama-swap? This interrupts 1 request."),
])  # fmt: skip
def test_every_interrupting_action_asks_first(keys, do, text):
    scene = scene_of(snapshot_of(ev.InflightUpserted(BUSY), SERVICE))
    asked = after(keys, scene)
    assert (asked.deed, asked.view.question.text) == (None, text)
    assert pressed(asked.view, Pressed("y"), scene).action.do is do


def test_cancel_names_exactly_the_selected_request():
    scene = scene_of(snapshot_of(ev.InflightUpserted(BUSY)))
    action = after(["G", "c", "y"], scene).action
    assert (action.target, action.mark, action.server) == ("7", "stamp", "mac")


def test_a_stopped_service_is_started_without_a_question():
    stopped = ev.ServiceFound("org.llama-swap", ev.ServiceState.STOPPED)
    lost = apply(apply(snapshot_of(), ev.StreamLost(ev.Fault(ev.FaultKind.REFUSED)), 1.5), stopped, 1.5)
    outcome = after(["r"], scene_of(lost))
    assert (outcome.deed, outcome.action.do) == (Deed.ACT, Do.START)
    assert ("r", "start") in offered(outcome.view, scene_of(lost))


def test_the_result_of_an_action_is_shown():
    scene = scene_of()
    sent = after(["j", "l"], scene)
    token = sent.action.token
    asked = apply(apply(snapshot_of(), ev.ActionAsked(token, "load"), 2.0), ev.ActionEnded(token), 8.2)
    told = settled(sent.view, scene_of(asked, now_s=8.3))
    assert (told.message, told.level, told.sent) == ("coder loaded in 6.2 s", Level.GOOD, ())
    failed = apply(apply(snapshot_of(), ev.ActionAsked(token), 2.0), ev.ActionEnded(token, "no memory"), 3.0)
    told = settled(sent.view, scene_of(failed, now_s=3.1))
    assert (told.message, told.level) == ("Couldn't load coder: no memory.", Level.BAD)
    assert settled(told, scene_of(failed, now_s=60.0)).message == ""


def test_the_filter_takes_what_is_typed_and_pasted_until_it_is_left():
    scene = scene_of()
    typing = after(["/", "c", "o", "q"], scene).view
    assert (typing.filter, typing.typing) == ("coq", True)
    typing = pressed(typing, Pressed("backspace"), scene).view
    pasted = pressed(typing, Pasted("d\ner"), scene).view
    assert pasted.filter == "cod er"
    assert after(["escape"], scene, typing).view.filter == ""
    kept = after(["enter"], scene, typing).view
    assert (kept.filter, kept.typing, settled(kept, scene).selected) == ("co", False, Thing(MODEL, "coder"))
    assert after(["l"], scene, kept).action.target == "coder"
    assert after(["escape"], scene, kept).view.filter == ""


def test_a_pasted_paragraph_presses_no_keys():
    outcome = pressed(View(), Pasted("quit and unload everything, y\n"), scene_of())
    assert (outcome.deed, outcome.view.question) == (None, None)


def test_tab_cycles_the_servers_and_actions_go_to_the_shown_one():
    scene = scene_of(snapshot_of(), snapshot_of(models=(("other", "stopped"),)))
    outcome = after(["tab", "l"], scene)
    assert (outcome.view.server, outcome.action.server, outcome.action.target) == ("mini", "mini", "other")
    assert after(["tab", "tab"], scene).view.server == "mac"
    assert after(["back tab"], scene).view.server == "mini"


def test_details_open_and_close_and_close_when_their_request_ends():
    scene = scene_of(snapshot_of(ev.InflightUpserted(BUSY)))
    view = after(["G", "enter"], scene).view
    assert (view.page, view.selected.kind) == (Page.DETAILS, REQUEST)
    assert after(["escape"], scene, view).view.page is Page.TABLES
    assert settled(view, scene_of()).page is Page.TABLES


def test_sorting_cycles_and_says_so():
    assert [after(["s"] * count, scene_of()).view.message for count in (1, 2, 3, 4)] == [
        "Sorted by name.", "Sorted by speed.", "Sorted by memory.", "Sorted by state.",
    ]  # fmt: skip


def test_a_profile_is_chosen_and_left():
    listed = snapshot_of(ev.ProfilesListed(("coding", "night"), None))
    scene = scene_of(listed)
    chosen = after(["p", "down", "down", "enter"], scene)
    assert (chosen.action.do, chosen.action.target) == (Do.PROFILE, "night")
    assert after(["p", "escape"], scene).view.page is Page.TABLES
    assert "has no profiles" in after(["p"], scene_of()).view.message


@pytest.mark.parametrize(("key", "deed"), [("q", Deed.QUIT), ("L", Deed.LOG), ("D", Deed.DOCTOR), ("y", Deed.COPY)])
def test_keys_return_their_deeds(key, deed):
    assert after([key], scene_of()).deed is deed


def test_the_copied_id_is_made_harmless():
    scene = scene_of(snapshot_of(models=(("a\nb\x1b[31m", "ready"),)))
    assert after(["y"], scene).text == "a b[31m"


def test_a_key_does_nothing_to_a_server_that_is_gone():
    lost = apply(snapshot_of(), ev.StreamLost(ev.Fault(ev.FaultKind.REFUSED)), 1.5)
    for keys in (["u"], ["j", "l"], ["U"], ["p"], ["o"], ["y"], ["enter"], ["/"], ["s"]):
        outcome = after(keys, scene_of(lost))
        assert (outcome.deed, outcome.view.page, outcome.view.typing) == (None, Page.TABLES, False)
        assert outcome.view.message == "Not connected to llama-swap."
    assert after(["r"], scene_of(lost)).view.message.startswith("Can't restart")
    assert [key for key, _ in offered(View(), scene_of(lost))] == ["L", "D"]


def test_the_message_of_an_action_stays_until_it_ends():
    sent = after(["j", "l"], scene_of()).view
    assert settled(sent, scene_of(now_s=500.0)).message == "Loading coder…"
    assert replace(sent, sent=()).message
