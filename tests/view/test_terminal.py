"""The same menu in a terminal."""

import pytest

from llamabar.view.menu import Image, Level, Menu, Row, Title
from llamabar.view.palette import BY_SYMBOL, GLYPHS, SYMBOLS
from llamabar.view.terminal import render
from llamabar.view.text import columns, fit

MENU = Menu(
    Title("circle", " 41 t/s", "llama-swap generating"),
    (
        (Row("llama-swap: ready", children=(Row("Version: v250"),)),),
        (Row("模型: ready, " + "x" * 100), Row("Speed: 41.2 tok/s", image=Image(b"", (None, 0.0, 1.0)))),
        (Row("Plugin: a mistake", level=Level.WARNING),),
    ),
)


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    assert all(columns(line) <= width for line in render(MENU, width=width, depth=1))


def test_colour_only_when_asked():
    assert not any("\x1b" in line for line in render(MENU, width=80))
    assert any("\x1b[33m" in line for line in render(MENU, width=80, colour=True))


def test_submenus_are_marked_or_drawn():
    assert any(line.startswith("llama-swap: ready ▸") for line in render(MENU, width=80))
    assert "  Version: v250" in render(MENU, width=80, depth=1)


def test_a_wide_character_takes_two_columns_and_a_mark_none():
    assert (columns("模型"), columns("e\u0301"), columns("\u200d")) == (4, 1, 0)
    assert fit("模型模型", 5) == "模型…"


def test_a_quiet_title_is_said_in_words():
    assert render(Menu(Title("circle", "", "llama-swap ready"), ()), width=40) == ["llama-swap ready"]


def test_each_symbol_has_its_own_glyph_so_that_a_title_tells_it():
    assert len(BY_SYMBOL) == len(SYMBOLS) == len(set(GLYPHS.values()))
