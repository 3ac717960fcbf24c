"""Makes docs/pictures: every state of the menu, drawn by `preview`'s page and photographed by a headless Chromium.

Also makes the demo's minute as an animation.
"""

import io
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import List, Tuple

import png

from llamabar.view.html import page
from tools import chromium, film
from tools.apng import with_source
from tools.colours import nearest, palette
from tools.scenes import Named, scenes

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
LARGEST_BYTES = 60_000
WIDTHS_PX = (920, 1000, 1120)  # the first one at which no row wraps is used
APART = 200  # keeps menu, submenu and badge as three colors
SCALES = (1.5, 1.25, 1.2, 1.1, 1.0, 0.75)  # the first one that is small enough is used
WRAPPED = "[...document.querySelectorAll('.line')].filter(e => e.offsetHeight > 30 && !e.querySelector('img')).length"
BOX = "JSON.parse(JSON.stringify(document.querySelector('.pair').getBoundingClientRect()))"


def main() -> int:
    """Make every picture; return the exit code."""
    program = chromium.find()
    if program is None:
        print(f"No Chromium was found, which draws the pictures. {chromium.HINT}", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = {f"{named.name}.png": picture for named, picture in photographed(program)}
    if not all(made.values()):
        name = next(name for name, picture in made.items() if not picture)
        print(f"{name} would be larger than {LARGEST_BYTES:,} bytes: show fewer rows.", file=sys.stderr)
        return 1
    made.update({f"{name}.png": picture for name, picture in film.films(program).items()})
    for name, picture in made.items():
        (FOLDER / name).write_bytes(picture)
        print(f"docs/pictures/{name}: {len(picture):,} bytes", flush=True)
    for old in FOLDER.glob("*.png"):
        if old.name not in made:
            old.unlink()
    return 0


def photographed(program: str) -> List[Tuple[Named, bytes]]:
    """Return each scene with its picture."""
    found = []
    with tempfile.TemporaryDirectory() as folder, chromium.browser(program) as browser:
        for named in scenes():
            path = Path(folder) / f"{named.name}.html"
            path.write_text(scene_page(named), "utf-8")
            browser.open(path)
            sizes = (with_source(photograph(browser, scale), scene_page(named)) for scale in SCALES)
            found.append((named, next((one for one in sizes if len(one) <= LARGEST_BYTES), b"")))
    return found


def scene_page(named: Named) -> str:
    """Return the page that a scene is photographed from."""
    return page([named.state], heading=named.caption)


def photograph(browser: chromium.Browser, scale: float) -> bytes:
    """Return a picture of the menus on the current page."""
    for width_px in WIDTHS_PX:
        browser.resize(width_px, scale=scale)
        if not browser.ask(WRAPPED):
            break
    box = browser.ask(BOX)
    return with_few_colours(browser.picture({side: box[side] for side in ("x", "y", "width", "height")}))


def with_few_colours(picture: bytes) -> bytes:
    """Return a PNG with a palette. Each color becomes the nearest of those that differ enough."""
    width, height, rows, _ = png.Reader(bytes=picture).asRGB8()
    pixels = [list(zip(*[iter(row)] * 3)) for row in rows]
    counted = Counter(pixel for row in pixels for pixel in row)
    chosen = palette(counted, apart=APART)
    index = nearest(counted, chosen)
    out = io.BytesIO()
    writer = png.Writer(width, height, palette=chosen, bitdepth=8, compression=9)
    writer.write(out, [[index[pixel] for pixel in row] for row in pixels])
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
