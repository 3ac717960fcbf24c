"""Menus as one self-contained page: no network, no script. Pure: the same states give the same page.

A row without action or submenu is dimmed, as macOS does it. Every submenu is drawn open, below its row, so that all of
it can be read. All text has a known background color (pages/menu.css). Text from outside is escaped, and the page's
policy blocks whatever slips through.
"""

import base64
import re
from functools import lru_cache
from html import escape
from typing import Dict, Iterable, NamedTuple, Optional, Tuple

from llamabar.package_files import text_beside
from llamabar.view import languages
from llamabar.view.menu import SEPARATOR, Image, Menu, Row, Title

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
PNG_START = b"\x89PNG\r\n\x1a\n"
APPEARANCES = (("light", "Light appearance"), ("dark", "Dark appearance"))
ALTERNATE_MARK, SUBMENU_MARK, CHECK_MARK = "⌥", "›", "✓"
ALTERNATE_WORDS, CHECKED_WORDS = "with the Option key", "chosen"

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class State(NamedTuple):
    """A menu and a caption. `opened` are the keys of the rows whose submenus are drawn; None means all."""

    caption: str
    menu: Menu
    opened: Optional[Tuple[str, ...]] = None


def page(states: Iterable[State], *, heading: str, note: str = "") -> str:
    """Return a page that shows each state, light and dark side by side."""
    return document(heading, note, "\n".join(_section(state) for state in states))


def document(heading: str, note: str, body: str, *, more_style: str = "") -> str:
    """Return a page around a body, which must already be markup."""
    said, style = f"<p>{text(note)}</p>\n" if note else "", text_beside(__file__, "pages/menu.css")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(heading)}</title>\n<style>\n{style}{more_style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{text(heading)}</h1>\n{said}{body}\n</main>\n</body>\n</html>\n"
    )


@lru_cache(maxsize=1)
def drawings() -> Dict[str, str]:
    """Return look-alikes of SF Symbols, by name: the contents of a 16 × 16 SVG."""
    return dict(re.findall(r'<symbol id="(.+?)">(.+)</symbol>', text_beside(__file__, "pages/symbols.svg")))


def svg(name: str) -> str:
    """Return a symbol as inline SVG, hidden from screen readers, since the words beside it say the same."""
    return f'<svg class="symbol" viewBox="0 0 16 16" aria-hidden="true">{drawings()[name]}</svg>'


def text(outside: str) -> str:
    """Return text escaped for a page, without characters that reorder text or can't be encoded."""
    return escape(_UNPRINTABLE.sub(" ", outside))


def _section(state: State) -> str:
    desks = "\n".join(_desk(state, name, words) for name, words in APPEARANCES)
    return f'<section>\n<h2>{text(state.caption)}</h2>\n<div class="pair">\n{desks}\n</div>\n</section>'


def _desk(state: State, name: str, words: str) -> str:
    menu = state.menu
    rows = "".join(
        _item(row, state.opened, part=bool(index) and not at)
        for index, section in enumerate(section for section in menu.sections if section)
        for at, row in enumerate(section)
    )
    language = "" if languages.spoken() == languages.ENGLISH else f' lang="{languages.spoken()}"'
    panel = f'<ul class="panel" role="list"{language}>{rows}</ul>'
    return f'<div class="desk {name}">\n<h3>{words}</h3>\n{_bar(menu.title)}\n{panel}\n</div>'


def _bar(title: Title) -> str:
    """Return the menu bar: our title at its left end, a clock at its right."""
    shown = f'<code aria-hidden="true">{text(title.text)}</code>' if title.text else ""
    image = _image(title.image, title.spoken) if title.image else ""
    ours = f'<div class="title">{svg(title.symbol)}{image}{shown}<span class="unseen">{text(title.spoken)}</span></div>'
    return f'<div class="bar">{ours}{svg("battery")}{svg("wifi")}<span aria-hidden="true">9:41</span></div>'


def _item(row: Row, opened: Optional[Tuple[str, ...]], *, part: bool = False, alternate: bool = False) -> str:
    lines = [child is SEPARATOR for child in row.children]
    children = "".join(
        _item(child, opened, part=at > 0 and lines[at - 1]) for at, child in enumerate(row.children) if not lines[at]
    )
    is_open = bool(children) and (opened is None or row.label.partition(": ")[0] in opened)
    inner = f'<ul class="panel" role="list">{children}</ul>' if is_open else ""
    tooltip = f' title="{text(row.tooltip)}"' if row.tooltip else ""
    still = "" if row.action is not None or row.children else " still"
    kind = f"row{' part' if part else ''}{' warning' if row.warning else still}"
    item = f'<li class="{kind}"{tooltip}>{_line(row, alternate)}{inner}</li>'
    return item + (_item(row.alternate, opened, alternate=True) if row.alternate is not None else "")


def _line(row: Row, alternate: bool) -> str:
    parts = [_mark(CHECK_MARK, CHECKED_WORDS, "check") if row.checked else ""]
    parts.append(_image(row.image, row.text) if row.image is not None else svg(row.symbol) if row.symbol else "")
    parts.append(f'<span class="words">{text(row.label)}</span>')
    parts.append(f'<span class="value">{text(row.value)}</span>' if row.value else "")
    parts.append(_mark(ALTERNATE_MARK, ALTERNATE_WORDS, "mark") if alternate else "")
    parts.append(f'<span class="mark" aria-hidden="true">{SUBMENU_MARK}</span>' if row.children else "")
    return f'<div class="line">{"".join(parts)}</div>'


def _mark(shown: str, spoken: str, name: str) -> str:
    return f'<span class="{name}"><span aria-hidden="true">{shown}</span><span class="unseen"> {spoken} </span></span>'


def _image(image: Image, words: str) -> str:
    """Return an image at half its pixel size, as on a Retina display, with the row's words as alternative text."""
    if not image.png.startswith(PNG_START) or len(image.png) < 24:
        return ""
    width_pt, height_pt = image.size_pt
    data = base64.b64encode(image.png).decode("ascii")
    size = f'width="{width_pt}" height="{height_pt}"'
    return f'<img {size} alt="{text(words)}" src="data:image/png;base64,{data}">'
