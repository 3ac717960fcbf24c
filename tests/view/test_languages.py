"""The menu in other languages: no English is left over, no row is too wide, the title keeps its width."""

import ast
import functools
import json
import re
import string
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from tools.scenes import scenes

from llamabar.core.events import Fault, FaultKind
from llamabar.doctor.checks import registry
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Level
from llamabar.doctor.collect.everything import OF_A_SILENT_SERVER
from llamabar.doctor.collect.servers import silent
from llamabar.settings.load import ServerSettings
from llamabar.terminal import words as terminal_words
from llamabar.view import doing_words, languages, words
from llamabar.view.compose import compose
from llamabar.view.html import State, page
from llamabar.view.menu import Menu, Title
from llamabar.view.scene import Remembered
from llamabar.view.swiftbar import Clicks, Renderer
from tests.fakes.programs import ROOT

FILES = sorted(Path(languages.__file__).parent.glob("*.json"))
CODES = [path.stem for path in FILES]
SAME = {"", "~", "–", "llama-swap", "llamabar", "tok/s", "TOK/S", "-5 min"}  # names, marks and units
WIDEST = 100  # columns per row, as in English


def width(text):
    """Return how many columns a text takes in a terminal or a monospaced font."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def literals(node):
    """Yield the texts that an expression may evaluate to."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*literals(node.body), *literals(node.orelse))


@functools.lru_cache
def english():
    """Return every translatable word: the arguments of _(…), the constants, and counted nouns."""
    found = set(doing_words.KINDS.values())
    for path in (ROOT / "src" / "llamabar").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_" and call.args:
                found |= set(literals(call.args[0]))
            name = getattr(call.func, "attr", getattr(call.func, "id", "")) if isinstance(call, ast.Call) else ""
            if name == "counted":
                found |= {f"{{}} {one}{end}" for one in literals(call.args[1]) for end in ("", "s")}
    found |= causes()
    for value in (value for module in (words, terminal_words) for value in module.ENGLISH.values()):
        found |= set(value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value])
    return {text for text in found if text not in SAME and not text.startswith("https:")}


@functools.lru_cache
def causes():
    """Return the doctor's titles that the menu may show as the cause of an outage."""
    known, modules = OF_A_SILENT_SERVER | {"mac"}, (ROOT / "src" / "llamabar" / "doctor" / "checks").glob("*.py")
    rows = [(check, set(check.needs or layer.needs)) for layer in registry.LAYERS for check in layer.checks]
    found = {check.title for check, needs in rows if check.level in (Level.ERROR, Level.WARNING) and needs <= known}
    nodes = [node for path in modules for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    held = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_held"]
    return found | {word.value.value for call in held for word in call.keywords if word.arg == "title"}


def places(template):
    """Return the placeholders of a doctor's template, without their format."""
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


@pytest.fixture
def spoken():
    """Use a language for one test."""
    yield languages.speak
    languages.speak("en")


@pytest.mark.parametrize("code", CODES)
def test_a_language_has_exactly_the_english_words_with_the_same_placeholders(code):
    table = languages.table(code)
    assert sorted(english() - set(table)) == [], "these words are missing; in English where you don't speak it"
    assert sorted(set(table) - english()) == [], "nobody says these words"
    for text, said in table.items():
        here, there = (re.findall(r"\{[^}]*\}", one) for one in (text, said))
        assert places(said) <= places(text) if text in causes() else len(here) == len(there), text
        assert said.strip(), text


@pytest.mark.parametrize("path", FILES, ids=CODES)
def test_no_word_is_in_a_language_twice(path):
    pairs = json.loads(path.read_text("utf-8"), object_pairs_hook=list)
    assert len(dict(pairs)) == len(pairs)


@pytest.mark.parametrize("code", CODES)
def test_the_cause_of_an_outage_is_translated(code, spoken):
    spoken(code)
    every = {name: "unknown" for name in ("mac", "program", "settings", *OF_A_SILENT_SERVER) if name != "servers"}
    for fault in (FaultKind.UNKNOWN_HOST, FaultKind.RATE_LIMITED):
        server = silent(ServerSettings("mini", "http://mini.local:1"), Fault(fault))
        facts = Facts(servers=(server,), troubles=every)
        title = registry.top(registry.findings(facts, translated=languages.said)).title
        assert "mini" in title and "not found" not in title and "can't" not in title and "Too many" not in title


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("named", scenes(), ids=lambda named: named.name)
def test_every_state_is_drawn_in_the_language_and_nothing_is_cut_or_left_in_english(code, named, spoken):
    spoken(code)
    table = languages.table(code)
    menu = compose(replace(named.scene, remembered=Remembered()))  # the cached parts are in another language
    assert width(menu.title.text) in (0, doing_words.TITLE_CHARS), menu.title.text
    left = {text for text in table if len(text) > 3} - set(table.values())
    for row in menu.rows():
        assert row.label not in left and row.value not in left, row
        assert width(row.text) <= WIDEST, row.text
    assert Renderer(Clicks()).render(menu)


def test_one_token_is_a_token_and_japanese_has_its_own_comma(spoken):
    assert words.totals(1, 1) == "1 request, 1 token"
    spoken("ja")
    shown = [row.text for named in scenes() for row in compose(replace(named.scene, remembered=Remembered())).rows()]
    assert [text for text in shown if ", " in text] == []


def test_english_comes_back_and_a_word_without_a_translation_stays_english(spoken):
    before = dict(words.ENGLISH)
    spoken("de")
    assert before["STATUS"] != words.STATUS and words.counted(2, "request") == "2 Anfragen"
    assert languages.said("no such word {}", 1) == "no such word 1"
    spoken("xx")
    assert before["STATUS"] == words.STATUS and words.counted(2, "request") == "2 requests"


@pytest.mark.parametrize("code", CODES)
def test_the_page_tells_a_screen_reader_which_language_its_menus_are_in(code):
    empty = State("Now", Menu(Title("circle", "", ""), ()))
    assert page([empty], heading="").count(" lang=") == 1
    try:
        languages.speak(code)
        assert page([empty], heading="").count(f'<ul class="panel" role="list" lang="{code}">') == 2
    finally:
        languages.speak("en")
