"""The dashboard in every language: windows are filled, columns aligned, and nothing is cut that fits in English."""

import re
from functools import cache
from itertools import chain

import pytest
from tools.scenes import scenes

from llamabar.core.events import FaultKind
from llamabar.terminal import words
from llamabar.terminal.cells import Size, columns
from llamabar.terminal.controls import pressed
from llamabar.terminal.dashboard import draw
from llamabar.terminal.facts import WARNING
from llamabar.terminal.keys import Pressed
from llamabar.terminal.state import Page, View, settled
from llamabar.terminal.tables import GAP, MODEL_COLUMNS, REQUEST_COLUMNS
from llamabar.view import languages
from llamabar.view import words as menu_words
from llamabar.view.palette import GLYPHS
from tests.view.test_languages import CODES, spoken  # noqa: F401

SIZES = ((200, 50), (120, 40), (80, 24), (60, 20), (38, 12))
SCENES = {named.name: named for named in scenes()}  # made when they are first drawn
SIGNS = {*GLYPHS.values(), WARNING}


def lines(scene, size, **view):
    """Return the lines of a screen."""
    return draw(scene, settled(View(**view), scene), Size(*size)).lines


def cells(text):
    """Return one character per cell. The second cell of a wide character is empty."""
    return [cell for char in text for cell in (char, *[""] * (columns(char) - 1))]


def gaps(head, shown):
    """Return where a table's columns end or begin: cells that are blank in every row."""
    for column in shown:
        found = re.search(rf"(?<!\S){re.escape(column.head)}(?!\S)", head)
        if found:
            start = columns(head[: found.start()])
            start += columns(column.head) if column.right else -GAP
            yield from range(start, start + GAP)


@pytest.mark.parametrize("size", SIZES[:-1], ids=str)
@pytest.mark.parametrize("code", CODES)
def test_columns_are_aligned_with_their_headers(code, size, spoken):  # noqa: F811
    spoken(code)
    seen = 0
    for named in SCENES.values():
        shown = [one.text for one in lines(named.scene, size)]
        for kind, heads in (("model", MODEL_COLUMNS), ("request", REQUEST_COLUMNS)):
            at = next((at for at, text in enumerate(shown) if text.startswith(f"   {words.HEADS[kind]}  ")), None)
            if at is None:
                continue
            for row in shown[at + 1 :]:
                if row[:3].strip(" ▸") or not row[3:].strip() or row[3:].startswith((words.HEADS["request"], "  ")):
                    break
                if any(sign in row for sign in SIGNS):
                    seen += 1
                    assert all(cells(row)[place : place + 1] in ([" "], []) for place in gaps(shown[at], heads)), row
    assert seen > 50


@cache
def in_english(name, size, page):
    """Return the lines of a screen in English."""
    languages.speak("en")
    return lines(SCENES[name].scene, size, page=page)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("code", CODES)
def test_the_window_is_filled_exactly_and_nothing_is_cut_that_is_not_in_english(code, size, spoken):  # noqa: F811
    for name, named in SCENES.items():
        for page in Page:
            english = in_english(name, size, page)
            spoken(code)
            shown = lines(named.scene, size, page=page)
            assert len(shown) == size[1] and max(columns(one.text) for one in shown) <= size[0], (name, page)
            for here, there in zip(shown, english):
                cut = [span.text for span in here.spans if span.text.endswith("…") and span.text[:-1].strip()]
                cut = [text for text in cut if menu_words.CONNECTING not in text]
                assert len(cut) <= there.text.count("…"), (name, page, here.text)


def answers():
    """Return the texts of the message line, and the reasons why a server can't be watched."""
    for do in words.QUESTIONS:
        label = words.REQUEST_NUMBER.format("41") if do is words.Do.CANCEL else "qwen3-30b"
        yield from (words.question(do, label, count) for count in (None, 0, 1, 12))
    for say, more in ((words.doing, ()), (words.done, (6.2,)), (words.failed, ("HTTP 500 internal",))):
        yield from (say(do, "qwen3-30b", *more) for do in words.DOING)
    yield from (words.not_now(do, "qwen3-30b") for do in words.NOT_NOW)
    yield from (words.already("qwen3-30b", ready) for ready in (True, False))
    yield from (said.format("qwen3-30b") for said in (words.ISNT_LOADED, words.RUNS_ELSEWHERE, words.COPIED))
    yield from map(words.sorted_by, words.SORTS)
    yield words.made_up("http://127.0.0.1:8080", drawn=True)
    yield from (" " * 19 + text for text in words.HELP.values())
    constants = [vars(words)[name] for name in words.ENGLISH]
    yield from (one for one in constants if isinstance(one, str))
    yield from chain(*(one for one in constants if isinstance(one, tuple)))
    yield from (menu_words.sentence(menu_words.FAULTS[kind]) for kind in FaultKind)
    yield from (menu_words.REMEDIES.get(kind, "") for kind in FaultKind)


@pytest.mark.parametrize("code", CODES)
def test_every_message_fits_where_the_english_one_does(code, spoken):  # noqa: F811
    spoken("en")
    english = list(answers())
    spoken(code)
    for said, there in zip(answers(), english):
        assert columns(said) <= next(width for width in (60, 76, 200) if columns(there) <= width), said


@pytest.mark.parametrize("code", CODES)
def test_keys_work_the_same_and_their_results_are_translated(code, spoken):  # noqa: F811
    for named in SCENES.values():
        for key in "jkgGulUcprysoLD?/ ":
            spoken("en")
            english = pressed(View(), Pressed(key), named.scene)
            spoken(code)
            here = pressed(View(), Pressed(key), named.scene)
            assert (here.deed, here.action, here.view.page) == (english.deed, english.action, english.view.page)
            assert here.view.message != english.view.message or not here.view.message
            asked = (here.view.question, english.view.question)
            assert asked == (None, None) or asked[0].text != asked[1].text


def test_a_module_loaded_later_is_translated_too(spoken):  # noqa: F811
    spoken("de")
    late = {"GREETING": "quit", "NAMES": {"a": "help"}, "PAIR": ("log", "back"), "lower": "quit", "COUNT": 1}
    try:
        assert languages.constants(late) == {"GREETING": "quit", "NAMES": {"a": "help"}, "PAIR": ("log", "back")}
        assert late["GREETING"] == "beenden" and late["NAMES"] == {"a": "Hilfe"} and late["PAIR"] == ("Log", "zurück")
        assert (late["lower"], late["COUNT"]) == ("quit", 1)
    finally:
        languages._constants.pop()
