"""The screen of the live view as lines: the menu or what stands in front of it, and the foot. Pure."""

from typing import List, Optional

from llamabar.view import controls as keys
from llamabar.view.controls import Controls, Seen
from llamabar.view.terminal import NOT_SELECTED, SELECTED, Line, Look, lines
from llamabar.view.text import fit

PROFILES = "Profiles"
HOW = "Press Enter to choose, any other key to go back."


def screen(
    controls: Controls, seen: Seen, *, width: int, height: int, glyph: str = "", colour: bool = False, note: str = ""
) -> List[str]:
    """Return `height` lines of at most `width` columns."""
    foot = [fit(line, width) for line in (keys.answer(controls, seen), *((note,) if note else ()), _foot(width))]
    return [*_windowed(_body(controls, seen, width, glyph, colour), width, height - len(foot)), *foot][-height:]


def _body(controls: Controls, seen: Seen, width: int, glyph: str, colour: bool) -> List[Line]:
    if controls.dialog == "help":
        return [Line(fit(line, width)) for line in keys.HELP]
    if controls.dialog == "profile":
        return _profiles(controls, seen, width)
    one = keys.selected(controls, seen)
    depth = 1 if controls.details else 0
    look = Look(width, colour=colour, depth=depth, gutter=True, selected=one.row if one else None)
    return lines(seen.menu, look, glyph=glyph)


def _profiles(controls: Controls, seen: Seen, width: int) -> List[Line]:
    found = [Line(PROFILES), Line("")]
    for row, action in keys.profiles(controls, seen):
        here = action == controls.chosen
        text = (SELECTED if here else NOT_SELECTED) + ("✓ " if row.checked else "") + row.text
        found.append(Line(fit(text, width), selected=here))
    return [*found, Line(""), Line(fit(HOW, width))]


def _foot(width: int) -> str:
    """Return the keys, as many as there is room for."""
    shown = ""
    for word in keys.FOOT:
        longer = f"{shown} · {word}" if shown else word
        if len(longer) > width:
            break
        shown = longer
    return shown


def _windowed(found: List[Line], width: int, room: int) -> List[str]:
    """Return the lines that fit, the first always and the selected one among them; what is left out is counted."""
    texts = [line.text for line in found]
    if len(texts) <= room:
        return [*texts, *[""] * (room - len(texts))]
    shown = max(0, room - 2)
    place: Optional[int] = next((at for at, line in enumerate(found[1:]) if line.selected), None)
    start = 0 if place is None or place < shown else place - shown + 1
    below = len(texts) - 1 - shown - start
    more = " ".join(f"{arrow} {count} more" for arrow, count in (("↑", start), ("↓", below)) if count)
    return [texts[0], *texts[1 + start : 1 + start + shown], fit(more, width)][: max(0, room)]
