"""An open menu: SwiftBar 2.1 patches it by fingerprints, so rows appear or disappear only with what they show."""

from collections import Counter

import pytest

import tests.fakes.swiftbar_host as host
from llamabar.core.status import Status
from llamabar.view.menu import SEPARATOR, Do
from llamabar.view.palette import GLYPHS, SYMBOLS
from llamabar.view.swiftbar import Clicks, render
from tests.fakes.play import Player

RECORDINGS = {"v150": 60.0, "v228": 52.0, "v236": 30.0, "v250": 36.0}
PROGRAM = "/Users/me/Library/Application Support/llamabar/llamabar.pyz"


@pytest.fixture(scope="module", params=sorted(RECORDINGS))
def life(request):
    """Return every menu of a recorded run, in order."""
    return [menu for _, menu in Player(request.param).play(RECORDINGS[request.param]).frames]


def content(menu, clicks):
    return render(menu, clicks).decode("utf-8").removesuffix("~~~\n")


def label(item):
    """Return what a row is about, the label up to its colon, else its first word; and whether it has a chart."""
    return "---" if item.separator else (host.title_key(item.title), "image" in item.params)


def came_and_went(old, new):
    """Count the new and the missing rows by what they are about, including submenus."""
    before, after = Counter(map(label, old)), Counter(map(label, new))
    came, went = sum((after - before).values()), sum((before - after).values())
    known = {label(item): item.children for item in old}
    for item in new:
        if label(item) in known and before[label(item)] == after[label(item)] == 1:
            more = came_and_went(known[label(item)], item.children)
            came, went = came + more[0], went + more[1]
    return came, went


@pytest.mark.parametrize(
    "clicks",
    [Clicks(PROGRAM), Clicks(PROGRAM, by_stdin=False), Clicks(PROGRAM, badges=True)],
    ids=["stdin", "process", "badges"],
)
def test_in_a_whole_life_rows_jump_only_where_something_came_or_went(life, clicks):
    for old, new in zip(life, life[1:]):
        before, after = content(old, clicks), content(new, clicks)
        found = host.diff(before, after)
        assert not found["rebuild"], "the title stays one line"
        did = Counter(change["do"] for change in found["changes"])
        came, went = came_and_went(host.parse_menu(before)[1], host.parse_menu(after)[1])
        assert (did["insert"], did["remove"]) == (came, went), f"{before}\n=>\n{after}\n{found['changes']}"


def test_neighbouring_rows_are_distinguishable(life):
    for menu in life:
        for section in menu.sections:
            for row in section:
                keys = [host.title_key(one.text) for one in row.children if one is not SEPARATOR]
                doubled = [key for key, count in Counter(keys).items() if count > 1 and key not in EXPECTED_TWICE]
                assert not doubled, (row.text, doubled)


EXPECTED_TWICE = {"Open", "Web UI:", "Profile", "Show"}  # actions that don't appear and disappear one by one


def test_every_image_has_words_and_nothing_is_shown_by_colour_alone(life):
    for menu in life:
        assert menu.title.spoken
        for row in menu.rows():
            assert row.text.strip()
            if row.image is not None:
                assert row.label and row.value, row.text
            assert row.symbol or row.image, row.text
            if row.warning:
                assert any(word.isalpha() for word in row.text.split())


def test_a_row_either_does_something_or_opens_a_submenu(life):
    """macOS never sends the action of an item that has a submenu."""
    for menu in life:
        for row in menu.rows():
            assert row.action is None or not row.children, row.text
            assert row.alternate is None or (row.action is not None and row.alternate.action is not None)


def test_states_differ_in_shape():
    assert len({SYMBOLS[status] for status in Status}) == len(Status)
    assert len({GLYPHS[status] for status in Status}) == len(Status)


def test_an_action_no_probe_has_confirmed_is_not_offered():
    some = {Do.CANCEL, Do.CANCEL_ALL, Do.PROFILE}
    for version, missing in (("v150", {*some, Do.UNLOAD}), ("v228", some)):
        for _, menu in Player(version).play(RECORDINGS[version]).frames:
            assert not {action.do for action in menu.actions()} & missing
