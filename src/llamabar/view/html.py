"""Menus as one page that needs nothing else: no network, no script. Pure: the same states give the same page.

A row that does nothing and leads nowhere is drawn as macOS draws it, dimmed; every submenu is drawn open, below its
row, so that all of it can be read. Text from outside is escaped, and a policy in the page forbids what slipped through.
"""

import base64
import re
from html import escape
from typing import Iterable, NamedTuple, Optional, Tuple

from llamabar.view.menu import SEPARATOR, Image, Menu, Row, Title
from llamabar.view.palette import WARNING_COLOURS
from llamabar.view.symbols import svg

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
PNG_START = b"\x89PNG\r\n\x1a\n"
APPEARANCES = (("light", "Light appearance"), ("dark", "Dark appearance"))
ALTERNATE_MARK, SUBMENU_MARK, CHECK_MARK = "⌥", "›", "✓"
ALTERNATE_WORDS, CHECKED_WORDS = "with the Option key", "chosen"

# A Mac's menu bar and menus, light and dark: every text stands on one known colour.
_LAYOUT = """
*{box-sizing:border-box}
body{margin:0;padding:16px;background:#fff;color:#1d1d1f;font:15px/1.45 -apple-system,BlinkMacSystemFont,
"Helvetica Neue",Helvetica,Arial,"Liberation Sans","DejaVu Sans",sans-serif}
main{max-width:1168px;margin:0 auto}
h1{font-size:24px;margin:0 0 4px}
h2{font-size:18px;margin:0 0 8px}
section{margin:0 0 32px}
p{margin:0 0 16px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:16px;align-items:start}
.desk{border-radius:10px;padding:0 0 18px;background:var(--desk);min-width:0;height:100%;overflow:hidden}
.desk h3{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.bar{display:flex;justify-content:flex-end;align-items:center;gap:14px;min-height:28px;padding:2px 12px;
background:var(--bar);color:var(--text);font-size:13px;line-height:18px}
.title{display:inline-flex;align-items:center;gap:5px;margin-right:auto;padding:2px 8px;border-radius:5px;
background:var(--pressed);min-width:0}
.title code{font:12px/18px Menlo,"DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre}
.panel{list-style:none;margin:6px 12px 0;padding:5px;border-radius:8px;background:var(--panel);color:var(--text);
border:1px solid var(--edge);font-size:13px;line-height:18px;width:fit-content;
max-width:calc(100% - 24px);min-width:min(250px,calc(100% - 24px))}
.panel .panel{margin:3px 4px 5px 18px;padding:3px;max-width:calc(100% - 22px);background:var(--sub);min-width:0}
.panel li{min-width:0}
.line{display:flex;align-items:center;gap:6px;padding:2px 8px;min-height:22px}
.words{flex-shrink:1000;min-width:7em;overflow-wrap:anywhere;unicode-bidi:isolate}
.value{margin-left:auto;padding:0 6px;border-radius:8px;background:var(--badge);color:var(--quiet);font-size:11px;
line-height:16px;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums;
min-width:0}
.mark{margin-left:auto;padding-left:10px;flex:none}
.value~.mark{margin-left:0}
.still>.line{color:var(--quiet)}
.warning>.line{color:var(--warning)}
.part{border-top:1px solid var(--edge);margin-top:5px;padding-top:5px}
.symbol{width:16px;height:16px;flex:none;fill:none;stroke:currentColor;stroke-width:1.4;
stroke-linecap:round;stroke-linejoin:round}
.panel .symbol{width:14px;height:14px}
img{flex:none;display:block;max-width:60%}
.line:has(img){flex-wrap:wrap}
.line:has(img)>.words{min-width:0}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
"""

_LIGHT = f""".light{{
--desk:#c9d6e4;--bar:#eef2f6;--pressed:#d3dae2;--panel:#fff;--sub:#f3f5f7;--edge:#b4bcc6;--badge:#e3e6ea;
--text:#1d1d1f;--quiet:#5f6368;--warning:{WARNING_COLOURS[0]}}}
"""
_DARK = f""".dark{{
--desk:#3a4654;--bar:#1c2128;--pressed:#3b434d;--panel:#1e1e1e;--sub:#2a2a2c;--edge:#515357;--badge:#3a3a3d;
--text:#f2f2f4;--quiet:#b4b6bb;--warning:{WARNING_COLOURS[1]}}}
"""

STYLE = _LAYOUT + _LIGHT + _DARK

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class State(NamedTuple):
    """A menu and what it shows, in words. `opened` are the keys of the rows whose submenus are drawn; None: all."""

    caption: str
    menu: Menu
    opened: Optional[Tuple[str, ...]] = None


def page(states: Iterable[State], *, heading: str, note: str = "") -> str:
    """Return a whole page that draws each state, light and dark side by side."""
    return document(heading, note, "\n".join(_section(state) for state in states))


def document(heading: str, note: str, body: str, *, more_style: str = "") -> str:
    """Return a page around a body that is markup already."""
    said = f"<p>{text(note)}</p>\n" if note else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(heading)}</title>\n<style>{STYLE}{more_style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{text(heading)}</h1>\n{said}{body}\n</main>\n</body>\n</html>\n"
    )


def text(outside: str) -> str:
    """Return text that stays text in a page: escaped, nothing that reorders or cannot be written."""
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
    panel = f'<ul class="panel" role="list">{rows}</ul>'
    return f'<div class="desk {name}">\n<h3>{words}</h3>\n{_bar(menu.title)}\n{panel}\n</div>'


def _bar(title: Title) -> str:
    """Return the menu bar: ours at the left end of it, a clock at the right, as on every Mac."""
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
    parts = [_mark(CHECK_MARK, CHECKED_WORDS, "check") if row.checked else "", svg(row.symbol) if row.symbol else ""]
    parts.append(_image(row.image, row.text) if row.image is not None else "")
    parts.append(f'<span class="words">{text(row.label)}</span>')
    parts.append(f'<span class="value">{text(row.value)}</span>' if row.value else "")
    parts.append(_mark(ALTERNATE_MARK, ALTERNATE_WORDS, "mark") if alternate else "")
    parts.append(f'<span class="mark" aria-hidden="true">{SUBMENU_MARK}</span>' if row.children else "")
    return f'<div class="line">{"".join(parts)}</div>'


def _mark(shown: str, spoken: str, name: str) -> str:
    return f'<span class="{name}"><span aria-hidden="true">{shown}</span><span class="unseen"> {spoken} </span></span>'


def _image(image: Image, words: str) -> str:
    """Return an image at half its pixels, as a Retina display shows it; its alternative text is the row's words."""
    if not image.png.startswith(PNG_START) or len(image.png) < 24:
        return ""
    width_pt, height_pt = image.size_pt
    data = base64.b64encode(image.png).decode("ascii")
    size = f'width="{width_pt}" height="{height_pt}"'
    return f'<img {size} alt="{text(words)}" src="data:image/png;base64,{data}">'
