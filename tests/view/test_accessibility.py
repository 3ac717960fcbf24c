"""Every menu works for users who see no colors, no images, or no screen at all."""

import functools
import re

import pytest
from tools.scenes import scenes

from llamabar.core.status import Status
from llamabar.view import words
from llamabar.view.compose import busiest
from llamabar.view.palette import GLYPHS, SYMBOLS
from tests.fakes.play import Player

SCENES = scenes()


@functools.lru_cache
def menus():
    played = [menu for version in ("v150", "v228", "v236", "v250") for _, menu in Player(version).play(40.0).frames]
    return [named.state.menu for named in SCENES] + played


@functools.lru_cache
def rows():
    return [row for menu in menus() for row in menu.rows()]


def test_every_image_has_words_that_say_the_same():
    pictured = [row for row in rows() if row.image is not None]
    assert pictured
    for row in pictured:
        assert row.label and re.search(r"\d|–", row.value), row.text


def test_every_row_has_a_symbol_or_a_chart_and_words():
    assert [row.text for row in rows() if not row.symbol and row.image is None] == []
    assert [row for row in rows() if not re.search(r"\w", row.label)] == []


def test_every_title_can_be_spoken_and_says_what_its_text_says():
    for menu in menus():
        assert re.search(r"\w", menu.title.spoken)
        assert menu.title.text.strip() in menu.title.spoken


@pytest.mark.parametrize("named", SCENES, ids=lambda named: named.name)
def test_the_spoken_title_names_the_state(named):
    shown = busiest(named.scene)
    assert words.status(shown.snapshot, shown.status) in named.state.menu.title.spoken


def test_every_state_has_its_own_shape_in_the_menu_bar_and_the_terminal():
    for table in (SYMBOLS, GLYPHS):
        assert set(table) == set(Status)
        assert len(set(table.values())) == len(table)


def test_no_state_is_shown_by_colour_alone():
    """The same words never appear in two colors: whatever a color says, the words say too."""
    coloured = {row.text for row in rows() if row.warning}
    plain = {row.text for row in rows() if not row.warning}
    assert coloured
    assert coloured & plain == set()


ON_MACOS_11 = {  # SF Symbols 2 (2020): a newer one isn't drawn there, and a title without text would be invisible
    "arrow.clockwise", "arrow.down.circle", "arrow.down.to.line", "arrow.up.arrow.down", "arrow.up.circle", "calendar",
    "chart.pie", "circle", "circle.dashed", "clock", "doc.on.doc", "doc.text", "eject", "ellipsis",
    "exclamationmark.octagon", "exclamationmark.triangle", "folder", "gear", "globe", "hourglass", "info", "key",
    "link", "memorychip", "network", "person", "pin", "play", "plus", "questionmark.circle", "record.circle", "ruler",
    "speedometer", "square.grid.2x2", "stethoscope", "stop", "stop.circle", "sum", "sun.max", "tag", "terminal",
    "text.alignleft", "text.magnifyingglass", "timer", "trash", "waveform", "wrench", "xmark", "xmark.circle",
}  # fmt: skip


def test_every_symbol_exists_on_macos_11():
    assert {row.symbol for row in rows()} | {menu.title.symbol for menu in menus()} | set(SYMBOLS.values()) <= {
        "", *ON_MACOS_11,
    }  # fmt: skip


def test_every_row_has_text():
    assert [row for row in rows() if not re.search(r"\w", row.text)] == []
