"""Turns lines into terminal output, with a palette and characters that the terminal can show.

Color only repeats what shapes and words already say. The sixteen colors follow the terminal's own theme, so they are
used until the background is known (OSC 11). Then a truecolor terminal gets colors with a contrast of at least 4.5:1.
"""

from enum import Enum
from typing import Dict, Iterable, Mapping, Sequence

from llamabar.terminal.cells import Line, Style, columns
from llamabar.terminal.charts import BRAILLE, LEFT, RIGHT
from llamabar.view.text import harmless

RESET = "\x1b[0m"


class Colours(Enum):
    """What the terminal can show. The last two need a known background."""

    NONE = "none"
    SIXTEEN = "sixteen"
    LIGHT = "light"
    DARK = "dark"


class Characters(Enum):
    """Which characters the terminal can show."""

    ASCII = "ascii"
    BLOCKS = "blocks"
    BRAILLE = "braille"


def _rgb(code: str) -> str:
    return "38;2;" + ";".join(str(int(code[at : at + 2], 16)) for at in (0, 2, 4))


_SIXTEEN: Dict[Style, str] = {
    Style.BOLD: "1", Style.DIM: "2", Style.GOOD: "32", Style.BUSY: "1;36", Style.WARN: "33", Style.BAD: "1;31",
    Style.CHART: "36", Style.FRAME: "2", Style.KEY: "1",
}  # fmt: skip
_LIGHT: Dict[Style, str] = {
    Style.BOLD: "1", Style.DIM: _rgb("6a6a70"), Style.GOOD: _rgb("1a7431"), Style.BUSY: "1;" + _rgb("0b5cad"),
    Style.WARN: _rgb("8a5a00"), Style.BAD: "1;" + _rgb("b3261e"), Style.CHART: _rgb("2e7dd7"),
    Style.FRAME: _rgb("b4b4bc"), Style.KEY: "1;" + _rgb("0b5cad"),
}  # fmt: skip
_DARK: Dict[Style, str] = {
    Style.BOLD: "1", Style.DIM: _rgb("9a9aa4"), Style.GOOD: _rgb("6fd088"), Style.BUSY: "1;" + _rgb("7cc4ff"),
    Style.WARN: _rgb("ffc252"), Style.BAD: "1;" + _rgb("ff8a80"), Style.CHART: _rgb("5aa9ff"),
    Style.FRAME: _rgb("55555f"), Style.KEY: "1;" + _rgb("7cc4ff"),
}  # fmt: skip
PALETTES: Mapping[Colours, Mapping[Style, str]] = {
    Colours.NONE: {}, Colours.SIXTEEN: _SIXTEEN, Colours.LIGHT: _LIGHT, Colours.DARK: _DARK,
}  # fmt: skip
SELECTED = {Colours.SIXTEEN: "7", Colours.LIGHT: "48;2;219;234;251", Colours.DARK: "48;2;38;56;84"}

# Without braille: a block as high as the higher of a character's two columns.
_BLOCKS = {
    BRAILLE + left + right: " ▂▄▆█"[max(lefts, rights)]
    for lefts, left in enumerate(LEFT)
    for rights, right in enumerate(RIGHT)
}
# If the locale isn't UTF-8: one ASCII character for each of ours.
_ASCII = str.maketrans({
    **dict(zip("╭╮╰╯─│▸↑↓…–·✓✗", "++++-|>^v.-.+x")), **dict(zip("▂▄▆█▒░", ".:+#=-")),
    **dict(zip("■◌‼✕⚿▲○◉⧖≋⚠⏎▏", "#.!x!!o*:~!<_")),
})  # fmt: skip


def painted(lines: Iterable[Line], colours: Colours, *, characters: Characters) -> Sequence[str]:
    """Return each line as it is sent to the terminal, without line ends."""
    return [_painted(one, colours, characters) for one in lines]


def _painted(one: Line, colours: Colours, characters: Characters) -> str:
    palette = PALETTES[colours]
    whole = SELECTED.get(colours, "") if one.selected else ""
    shown = ""
    for span in one.spans:
        said = harmless(span.text)  # wherever the text is from: only the codes below can drive the terminal
        if not said:
            continue
        codes = ";".join(filter(None, (palette.get(span.style, ""), whole)))
        text = shown_with(said, characters)
        shown += f"\x1b[{codes}m{text}{RESET}" if codes and (whole or not text.isspace()) else text
    return shown


def shown_with(text: str, characters: Characters) -> str:
    """Return a text of the same width in these characters. ASCII has our symbols, and question marks for all others."""
    if characters is Characters.BRAILLE or text.isascii():
        return text
    blocks = text.translate(_BLOCKS)
    if characters is Characters.BLOCKS:
        return blocks
    return "".join(char if char.isascii() else "?" * columns(char) for char in blocks.translate(_ASCII))
