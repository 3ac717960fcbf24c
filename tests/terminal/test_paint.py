"""Colors depend on what the terminal can show; a terminal that can't show more gets ASCII."""

import re

import pytest

from llamabar.terminal.cells import Span, Style, columns, line
from llamabar.terminal.paint import PALETTES, SELECTED, Characters, Colours, painted, shown_with

SHOWN = [line(Span("good", Style.GOOD), " plain ", Span("bad", Style.BAD), selected=True)]
BACKGROUNDS = {Colours.LIGHT: (255, 255, 255), Colours.DARK: (30, 30, 30)}
GRAPHIC = (Style.FRAME, Style.CHART)


def test_without_colour_there_is_no_sequence_at_all():
    assert painted(SHOWN, Colours.NONE, characters=Characters.BRAILLE) == ["good plain bad"]


@pytest.mark.parametrize("colours", [Colours.SIXTEEN, Colours.LIGHT, Colours.DARK])
def test_every_span_is_reset_and_a_selected_line_is_fully_highlighted(colours):
    shown = painted(SHOWN, colours, characters=Characters.BRAILLE)[0]
    assert shown.count("\x1b[0m") == 3
    assert shown.count(SELECTED[colours]) == 3
    assert re.sub(r"\x1b\[[\d;]*m", "", shown) == "good plain bad"


@pytest.mark.parametrize("colours", list(BACKGROUNDS))
def test_text_can_be_read_on_its_background_and_on_a_selected_line(colours):
    marked = tuple(map(int, SELECTED[colours].split(";")[2:]))
    for style, codes in PALETTES[colours].items():
        rgb = re.search(r"38;2;(\d+);(\d+);(\d+)", codes)
        if rgb and style is not Style.FRAME:
            least = 3.0 if style in GRAPHIC else 4.5
            assert contrast(tuple(map(int, rgb.groups())), BACKGROUNDS[colours]) >= least, style
            assert contrast(tuple(map(int, rgb.groups())), marked) >= 3.0, style


def test_every_symbol_of_ours_has_an_ascii_character_of_the_same_width():
    text = "≋◉○↓⧖…↑■✕⚿▲◌‼⚠▸╭─╮│╯╰█▒░⣀⣤⣶⣿⡇⣸✓✗·–⏎▏"
    shown = shown_with(text, Characters.ASCII)
    assert shown.isascii() and len(shown) == columns(text)
    assert "?" not in shown


def test_without_braille_a_chart_is_made_of_blocks_as_high_as_its_higher_column():
    assert shown_with(" ⣀⣤⣶⣿⢀⡇⣸ 8", Characters.BLOCKS) == " ▂▄▆█▂██ 8"
    assert shown_with(" ⣀⣤⣶⣿", Characters.ASCII) == " .:+#"


def test_each_part_of_a_bar_has_its_own_character():
    assert len(set(shown_with("█▒░", Characters.ASCII))) == 3


def test_foreign_letters_keep_their_columns():
    assert shown_with("模型-7b", Characters.ASCII) == "????-7b"


def contrast(one, two):
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(rgb):
    red, green, blue = ((c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_whatever_a_span_says_only_the_palette_drives_the_terminal():
    hostile = line(Span("a\x1b[2J\x1b]52;c;eA==\x07\x9b31m\u202e\u200bb\r\n", Style.BAD))
    (shown,) = painted([hostile], Colours.SIXTEEN, characters=Characters.BRAILLE)
    assert shown == "\x1b[1;31ma[2J]52;c;eA==31mb  \x1b[0m"
