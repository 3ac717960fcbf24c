"""Makes docs/pictures/life.png and life-dark.png: the demo's minute as an animated menu, four times as fast."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Dict, List

import png

from llamabar.view.html import State, page
from tools import chromium
from tools.apng import animated, with_source
from tools.colours import Colour, nearest, palette
from tools.minute import menus

NAMES = {"light": "life", "dark": "life-dark"}
SECONDS = (*range(22), *range(27, 42))  # the seconds shown, without a long pause
FRAME_MS = 240
LARGEST_BYTES = 1_500_000
WIDTH_PX, HEIGHT_PX, MENU_PX, SCALE = 392, 470, 368, 2.0
STYLE = (
    f"main{{line-height:20px}}.pair{{display:block}}.desk{{width:{WIDTH_PX}px;height:{HEIGHT_PX}px;border-radius:0}}"
    f".desk>.panel{{width:{MENU_PX}px}}"
)
PUT_STYLE = f"document.head.appendChild(document.createElement('style')).textContent = '{STYLE}'"
PLACES = "[...document.querySelectorAll('.desk.%s')].map(e => ({x: e.offsetLeft, y: e.offsetTop}))"
CUT_OFF = "[...document.querySelectorAll('.desk')].filter(e => e.scrollHeight > e.clientHeight).length"


def films(program: str) -> Dict[str, bytes]:
    """Return the animations by name; raise ValueError if a menu doesn't fit the picture."""
    drawn = minute_page()
    with tempfile.TemporaryDirectory() as folder, chromium.browser(program) as browser:
        path = Path(folder) / "minute.html"
        path.write_text(drawn, "utf-8")
        browser.open(path)
        browser.resize(WIDTH_PX + 80, scale=SCALE)
        browser.ask(PUT_STYLE)
        if browser.ask(CUT_OFF):
            raise ValueError(f"a menu is higher than {HEIGHT_PX} px: tools/film.py")
        places = {name: browser.ask(PLACES % appearance) for appearance, name in NAMES.items()}
        return {name: with_source(_film(browser, found), drawn) for name, found in places.items()}


def minute_page() -> str:
    """Return the page that the frames are photographed from."""
    return page((State("", menus()[second], ()) for second in SECONDS), heading="A minute") + STYLE


def _film(browser: chromium.Browser, places: List[Dict[str, float]]) -> bytes:
    size = {"width": WIDTH_PX, "height": HEIGHT_PX}
    frames = [_lines(browser.picture({**place, **size})) for place in places]
    lines = {line for frame in frames for line in frame}
    pixels: Dict[bytes, List[Colour]] = {line: list(zip(*[iter(line)] * 3)) for line in lines}
    counted = Counter(pixel for line in sorted(lines) for pixel in pixels[line])
    colours = palette(counted)
    index = nearest(counted, colours)
    indexed = {line: bytes(index[pixel] for pixel in pixels[line]) for line in lines}
    return animated([[indexed[line] for line in frame] for frame in frames], colours, frame_ms=FRAME_MS)


def _lines(picture: bytes) -> List[bytes]:
    return [bytes(row) for row in png.Reader(bytes=picture).asRGB8()[2]]
