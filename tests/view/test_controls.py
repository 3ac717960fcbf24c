"""Keys of the live view: what each does to what is selected, and that none ever hits something else."""

from dataclasses import replace

import pytest
from tools.scenes import scenes

from llamabar.view.controls import DOWN, ENTER, ESCAPE, QUIT, UP, Controls, Seen, answer, pressed, selected, settled
from llamabar.view.live_screen import screen
from llamabar.view.menu import MODEL, REQUEST, Action, Do, Menu, Row, Subject, Title
from llamabar.view.text import columns
from tests.fakes.play import Player

S = "mac"
MENUS = [named.state.menu for named in scenes()]


def act(do, target="", server=S, mark=""):
    return Action(do, target, server=server, mark=mark)


def about(model, server=S):
    return Subject(MODEL, server, model, label=model)


def loaded(model, server=S):
    unload = Row("Unload", action=act(Do.UNLOAD, model, server))
    page = Row("Open Model Page", action=act(Do.OPEN, f"http://{model}/", server))
    copy = Row("Copy Model ID", action=act(Do.COPY, model, server))
    return Row(f"{model}: ready", subject=about(model, server), children=(page, unload, copy))


def fold(*models, server=S):
    rows = (Row(model, subject=about(model, server), action=act(Do.LOAD, model, server)) for model in models)
    return Row("Load: more", children=tuple(rows))


def request(number, stamp="t"):
    text = f"Request: m, {number} s"
    return Row(text, subject=Subject(REQUEST, S, str(number), stamp, text),
               children=(Row("Cancel Request", action=act(Do.CANCEL, str(number), mark=stamp)),))  # fmt: skip


def seen(*rows, **more):
    return Seen(Menu(Title("circle", "", "ready"), (rows,)), **{"in_flight": {S: 0}, **more})


OPEN = Row("Open Web UI", action=act(Do.OPEN, "http://x/ui/"))
RESTART = Row("Restart llama-swap", action=act(Do.RESTART))
NOW_B = Row("No Profile", action=act(Do.PROFILE, ""), checked=True)
PROFILES = Row("llama-swap: ready", children=(Row("Profile a", action=act(Do.PROFILE, "a")), NOW_B))
ALL = seen(PROFILES, loaded("m"), fold("x", "y"), request(1), request(2), OPEN, RESTART)


def press(keys, view=ALL):
    """The state and the last click after some keys."""
    controls, click = Controls(), ""
    for key in keys:
        controls, click = pressed(controls, key, view)
    return controls, click


def on(key, view=ALL):
    """The state with one thing selected."""
    keys = [one.key for one in view.selectable]
    return replace(Controls(), selected=keys[keys.index(key)], place=keys.index(key))


M, X = Subject(MODEL, S, "m"), Subject(MODEL, S, "x")
FIRST, SECOND = Subject(REQUEST, S, "1", "t"), Subject(REQUEST, S, "2", "t")


def test_models_loaded_or_not_and_requests_can_be_selected_in_the_order_of_the_menu():
    assert [one.key for one in ALL.selectable] == [M, X, Subject(MODEL, S, "y"), FIRST, SECOND]


@pytest.mark.parametrize("down", [DOWN, "j"])
@pytest.mark.parametrize("up", [UP, "k"])
def test_arrows_and_letters_move_and_stop_at_the_ends(down, up):
    targets = [one.key for one in ALL.selectable]
    assert press([down])[0].selected == targets[0]
    assert press([down] * 3)[0].selected == targets[2]
    assert press([down] * 9)[0].selected == targets[-1]
    assert press([down] * 3 + [up])[0].selected == targets[1]
    assert press([up])[0].selected == targets[-1]
    assert press([down, up, up])[0].selected == targets[0]


def test_the_selection_stays_on_its_thing_when_rows_come_and_go():
    state = on(SECOND)
    fewer = seen(loaded("m"), request(2))
    more = seen(loaded("a"), loaded("m"), request(0), request(1), request(2))
    for view in (fewer, more, ALL):
        state = settled(state, view)
        assert selected(state, view).key == SECOND


def test_a_model_that_is_loaded_stays_selected_in_its_new_row():
    before, after = seen(fold("x", "y")), seen(loaded("x"), fold("y"))
    assert selected(settled(on(X, before), after), after).row.text == "x: ready"


def test_what_moves_up_into_the_place_of_something_gone_is_never_hit():
    after = seen(loaded("m"), request(2))
    state, click = pressed(on(FIRST), "c", after)
    assert (state.selected, click) == (None, "")
    assert "Select a request first" in state.message
    assert pressed(state, "j", after).controls.selected == SECOND  # from there it goes on


def test_a_request_of_the_same_number_after_a_reload_is_another_one():
    state, click = pressed(on(FIRST), "c", seen(request(1, stamp="later")))
    assert (state.selected, click) == (None, "")


@pytest.mark.parametrize(("key", "thing", "do", "target", "mark"), [
    ("l", X, Do.LOAD, "x", ""), ("u", M, Do.UNLOAD, "m", ""), ("c", SECOND, Do.CANCEL, "2", "t"),
])  # fmt: skip
def test_a_key_acts_on_the_selected_thing_by_the_action_of_the_menu(key, thing, do, target, mark):
    state, click = pressed(on(thing), key, ALL)
    assert click == act(do, target, mark=mark).token
    assert click in {action.token for action in ALL.menu.actions()}
    assert state.message.endswith("…")


@pytest.mark.parametrize(("key", "thing", "said"), [
    ("l", M, "m is already loaded."), ("u", X, "x isn't loaded."), ("c", M, "Select a request first"),
    ("u", FIRST, "Select a model first"), ("l", FIRST, "Select a model first"),
    ("l", None, "Select a model first"), ("u", None, "Select a model first"), ("c", None, "Select a request first"),
])  # fmt: skip
def test_what_a_key_cannot_do_now_is_said_and_not_done(key, thing, said):
    state, click = pressed(on(thing) if thing else Controls(), key, ALL)
    assert click == ""
    assert answer(state, ALL).startswith(said)


@pytest.mark.parametrize("key", "opr")
def test_what_is_not_offered_is_said(key):
    state, click = press([key], seen(loaded("m")))
    assert (click, state.dialog) == ("", "")
    assert answer(state, ALL)


@pytest.mark.parametrize("key", "jklucpro")
def test_no_key_fails_on_an_empty_menu(key):
    state, click = press([key], seen())
    assert click == "" and state.message


def test_the_selected_thing_says_what_can_be_done_and_what_it_costs():
    busy = replace(ALL, requests={(S, "m"): 2})
    assert answer(on(M, busy), busy) == "m · u unload · interrupts 2 requests"
    assert answer(on(X, busy), replace(busy, requests={(S, "x"): 1})) == "x · l load", "loading interrupts nobody"
    assert answer(on(FIRST, busy), busy) == "Request: m, 1 s · c cancel"


@pytest.mark.parametrize(("count", "said"), [
    (0, "No active requests."), (1, "This interrupts 1 request."), (2, "This interrupts 2 requests."),
    (None, "This interrupts requests in flight, if there are any."),
])  # fmt: skip
def test_a_restart_asks_once_and_says_what_is_lost(count, said):
    view = replace(ALL, in_flight={S: count})
    state, click = press("r", view)
    assert click == ""
    assert answer(state, view) == f"Restart llama-swap? {said} Press y to restart, any other key to go back."
    assert pressed(state, "y", view) == (replace(state, dialog="", chosen=None, message="Restarting…"),
                                         act(Do.RESTART).token)  # fmt: skip


@pytest.mark.parametrize("key", ["n", "r", ESCAPE, ENTER, "j", "l"])
def test_a_restart_is_not_done_by_any_other_key(key):
    state, click = press(["r", key])
    assert (click, state.dialog) == ("", "")


def test_a_restart_that_is_not_offered_any_more_is_not_done():
    state, _ = press("r")
    assert pressed(state, "y", seen(loaded("m"))).click == ""


def test_with_several_servers_a_restart_is_of_the_selected_things_server():
    other = Row("Restart", action=act(Do.RESTART, server="mini"))
    view = seen(loaded("m"), RESTART, loaded("m", "mini"), other, in_flight={S: 0, "mini": 1})
    state, _ = press("r", view)
    assert state.dialog == "" and "Which server?" in state.message
    state, _ = press("jjr", view)
    assert answer(state, view).startswith("Restart llama-swap on mini? This interrupts 1 request.")
    assert pressed(state, "y", view).click == other.action.token


def test_a_profile_is_chosen_or_left():
    state, click = press("p")
    assert (state.dialog, click) == ("profile", "")
    assert pressed(state, ENTER, ALL).click == act(Do.PROFILE, "a").token
    state, _ = pressed(state, DOWN, ALL)
    assert pressed(state, ENTER, ALL).click == act(Do.PROFILE, "").token
    shown = screen(state, ALL, width=60, height=12)
    assert any(line.startswith("> ✓ No Profile") for line in shown)
    assert "Press Enter to choose, any other key to go back." in shown
    back = pressed(state, ESCAPE, ALL)
    assert (back.click, back.controls.dialog) == ("", "")


def test_a_profile_that_disappears_while_it_is_pointed_at_is_not_chosen():
    state, _ = press("p")
    state, click = pressed(state, ENTER, seen(loaded("m")))
    assert (state.dialog, click) == ("", "")


def test_the_web_ui_is_that_of_the_selected_things_server():
    other = Row("Open Web UI", action=act(Do.OPEN, "http://y/ui/", "mini"))
    view = seen(loaded("m"), OPEN, loaded("m", "mini"), other)
    assert press("o", view)[1] == press("jo", view)[1] == OPEN.action.token
    assert press("jjo", view)[1] == other.action.token


@pytest.mark.parametrize("key", "?p")
def test_what_stands_in_front_of_the_menu_offers_no_keys_of_the_menu(key):
    state, _ = pressed(on(M), key, ALL)
    assert answer(state, ALL) == ""


def test_help_goes_by_any_key_that_does_nothing_else():
    state, _ = press("?")
    state, click = pressed(state, "u", ALL)
    assert (state.dialog, click) == ("", "")


@pytest.mark.parametrize("before", ["", "?", "p", "r", "d"])
def test_q_quits_from_everywhere(before):
    assert press([*before, "q"])[1] == QUIT


@pytest.mark.parametrize("keys", ["", "jjj", "jjjjjjjj", "d", "djjjj", "?", "p", "r"])
@pytest.mark.parametrize(("width", "height"), [(20, 4), (60, 12), (100, 30), (200, 60)])
def test_the_screen_is_filled_exactly_and_shows_what_is_selected(keys, width, height):
    for menu in MENUS:
        view = seen(*(row for section in menu.sections for row in section))
        state, _ = press(keys, view)
        lines = screen(state, view, width=width, height=height)
        assert len(lines) == height
        assert max(columns(line) for line in lines) <= width
        if height >= 12 and selected(state, view) and not state.dialog:
            assert sum(line.startswith("> ") for line in lines) == 1


def test_all_models_and_requests_of_a_real_server_can_be_selected():
    player = Player("v250").play(13.6)
    models = {model.id for model in player.snapshot.models.values() if not model.info.unlisted}
    found = Seen(player.monitor.menu).selectable
    assert {one.key.target for one in found if one.key.kind == MODEL} == models
    assert {one.key.target for one in found if one.key.kind == REQUEST} == set(player.snapshot.requests)
