"""Keys of the live view: what each does to what is selected, and that none ever hits something else."""

from dataclasses import replace

import pytest
from tools.scenes import scenes

from llamabar.view.controls import DOWN, ENTER, ESCAPE, QUIT, UP, Controls, Seen, answer, pressed, selected, settled
from llamabar.view.live_screen import screen
from llamabar.view.menu import Action, Do, Menu, Row, Title
from llamabar.view.selection import MODEL, REQUEST, Key, things
from llamabar.view.terminal import columns
from tests.fakes.play import Player

S = "mac"
MENUS = [named.state.menu for named in scenes()]


def act(do, target="", server=S, mark=""):
    return Action(do, target, server=server, mark=mark)


def loaded(model, server=S):
    unload = Row(f"Unload: {model}", action=act(Do.UNLOAD, model, server))
    page = Row("Open: its own web page", action=act(Do.OPEN, f"http://{model}/", server))
    return Row(f"{model}: ready", children=(page, unload, Row("Copy: model id", action=act(Do.COPY, model, server))))


def fold(*models, server=S):
    return Row("Load: more", children=tuple(Row(model, action=act(Do.LOAD, model, server)) for model in models))


def request(number, stamp="t"):
    return Row(f"Request: m, {number} s", children=(Row("Cancel", action=act(Do.CANCEL, str(number), mark=stamp)),))


def seen(*rows, **more):
    return Seen(Menu(Title("circle", "", "ready"), (rows,)), **{"in_flight": {S: 0}, **more})


OPEN = Row("Open web UI", action=act(Do.OPEN, "http://x/ui/"))
RESTART = Row("Restart llama-swap", action=act(Do.RESTART))
NOW_B = Row("Profile b", action=act(Do.PROFILE, ""), checked=True)
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
    return replace(Controls(), selected=key, place=[thing.key for thing in view.things].index(key))


M, X = Key(MODEL, S, "m"), Key(MODEL, S, "x")
FIRST, SECOND = Key(REQUEST, S, "1", "t"), Key(REQUEST, S, "2", "t")


def test_models_loaded_or_not_and_requests_can_be_selected_in_the_order_of_the_menu():
    assert [thing.key for thing in ALL.things] == [M, X, Key(MODEL, S, "y"), FIRST, SECOND]


def test_a_list_of_one_model_is_that_model_and_a_failed_model_is_its_row():
    view = seen(fold("x"), Row("broken: failed", children=(Row("Load again", action=act(Do.LOAD, "broken")),)))
    assert [(thing.key.target, thing.row.text) for thing in view.things] == [("x", "x"), ("broken", "broken: failed")]


def test_a_model_that_can_only_be_copied_is_known_by_its_id():
    row = Row("m: loading", children=(Row("Copy: model id", action=act(Do.COPY, "m")),))
    endpoint = Row("Copy endpoint", action=act(Do.COPY, "http://x/v1"))
    assert [thing.key for thing in things(Menu(Title("", "", ""), ((row, endpoint),)), {"m"})] == [M]


@pytest.mark.parametrize("down", [DOWN, "j"])
@pytest.mark.parametrize("up", [UP, "k"])
def test_arrows_and_letters_move_and_stop_at_the_ends(down, up):
    targets = [thing.key for thing in ALL.things]
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
    assert "Nothing is selected" in state.said
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
    assert state.said.startswith("Asked to")


@pytest.mark.parametrize(("key", "thing", "said"), [
    ("l", M, "m is loaded already."), ("u", X, "x is not loaded."), ("c", M, "A model is selected"),
    ("u", FIRST, "A request is selected"), ("l", FIRST, "A request is selected"),
    ("l", None, "Nothing is selected"), ("u", None, "Nothing is selected"), ("c", None, "Nothing is selected"),
])  # fmt: skip
def test_what_a_key_cannot_do_now_is_said_and_not_done(key, thing, said):
    state, click = pressed(on(thing) if thing else Controls(), key, ALL)
    assert click == ""
    assert answer(state, ALL).startswith(said)


@pytest.mark.parametrize("key", "opr")
def test_what_is_not_offered_is_said(key):
    state, click = press([key], seen(loaded("m")))
    assert (click, state.asks) == ("", "")
    assert answer(state, ALL)


@pytest.mark.parametrize("key", "jklucpro")
def test_no_key_fails_on_an_empty_menu(key):
    state, click = press([key], seen())
    assert click == "" and state.said


def test_the_selected_thing_says_what_can_be_done_and_what_it_costs():
    busy = replace(ALL, requests={(S, "m"): 2})
    assert answer(on(M), busy) == "m · u unloads it · 2 requests will be lost"
    assert answer(on(X), busy) == "x · l loads it"
    assert answer(on(FIRST), busy) == "Request: m, 1 s · c cancels it"


@pytest.mark.parametrize(("count", "said"), [
    (0, "No request is in flight."), (1, "1 request will be lost."), (2, "2 requests will be lost."),
    (None, "Requests in flight, if there are any, will be lost."),
])  # fmt: skip
def test_a_restart_asks_once_and_says_what_is_lost(count, said):
    view = replace(ALL, in_flight={S: count})
    state, click = press("r", view)
    assert click == ""
    assert answer(state, view) == f"Restart llama-swap? {said} y restarts, any other key does not."
    assert pressed(state, "y", view) == (replace(state, asks="", chosen=None, said="Asked to restart."),
                                         act(Do.RESTART).token)  # fmt: skip


@pytest.mark.parametrize("key", ["n", "r", ESCAPE, ENTER, "j", "l"])
def test_a_restart_is_not_done_by_any_other_key(key):
    state, click = press(["r", key])
    assert (click, state.asks) == ("", "")


def test_a_restart_that_is_not_offered_any_more_is_not_done():
    state, _ = press("r")
    assert pressed(state, "y", seen(loaded("m"))).click == ""


def test_with_several_servers_a_restart_is_of_the_selected_things_server():
    other = Row("Restart", action=act(Do.RESTART, server="mini"))
    view = seen(loaded("m"), RESTART, loaded("m", "mini"), other, in_flight={S: 0, "mini": 1})
    state, _ = press("r", view)
    assert state.asks == "" and "Which server?" in state.said
    state, _ = press("jjr", view)
    assert answer(state, view).startswith("Restart llama-swap on mini? 1 request")
    assert pressed(state, "y", view).click == other.action.token


def test_a_profile_is_chosen_or_left():
    state, click = press("p")
    assert (state.asks, click) == ("profile", "")
    assert pressed(state, ENTER, ALL).click == act(Do.PROFILE, "a").token
    state, _ = pressed(state, DOWN, ALL)
    assert pressed(state, ENTER, ALL).click == act(Do.PROFILE, "").token
    shown = screen(state, ALL, width=60, height=12)
    assert any(line.startswith("> ✓ Profile b") for line in shown)
    assert "Enter leaves it, any other key goes back." in shown
    back = pressed(state, ESCAPE, ALL)
    assert (back.click, back.controls.asks) == ("", "")


def test_a_profile_that_disappears_while_it_is_pointed_at_is_not_chosen():
    state, _ = press("p")
    state, click = pressed(state, ENTER, seen(loaded("m")))
    assert (state.asks, click) == ("", "")


def test_the_web_ui_is_that_of_the_selected_things_server():
    other = Row("Open web UI", action=act(Do.OPEN, "http://y/ui/", "mini"))
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
    assert (state.asks, click) == ("", "")


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
        if height >= 12 and selected(state, view) and not state.asks:
            assert sum(line.startswith("> ") for line in lines) == 1


def test_all_models_and_requests_of_a_real_server_can_be_selected():
    player = Player("v250").play(13.6)
    models = {model.id for model in player.snapshot.models.values() if not model.info.unlisted}
    found = Seen(player.monitor.menu, frozenset(models)).things
    assert {thing.key.target for thing in found if thing.key.kind == MODEL} == models
    assert {thing.key.target for thing in found if thing.key.kind == REQUEST} == set(player.snapshot.requests)
