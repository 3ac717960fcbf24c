"""Makes text from outside safe to read: nothing in it can hide, reorder or imitate our own words."""

import unicodedata

from llamabar.view.languages import said as _

NAME_LIMIT_CHARS = 48
WHOLE_LIMIT_CHARS = 256  # of an id shown in full
REASON_LIMIT_CHARS = 120

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def harmless(outside: str) -> str:
    """Return the text on one line, without control, format, bidirectional and unassigned characters. Spaces stay."""
    if outside.isprintable():  # all but a few percent of texts: nothing to remove
        return outside
    shown = "".join(" " if char.isspace() else char for char in outside)
    return "".join(char for char in shown if unicodedata.category(char) not in _INVISIBLE)


def plain(outside: str) -> str:
    """Return the text as one harmless line: single spaces, no stacked accents."""
    return " ".join(_without_stacks(harmless(outside)).split())


def name(outside: str, limit: int = NAME_LIMIT_CHARS) -> str:
    """Return a model's or profile's name, plain and cut in the middle."""
    shown = plain(outside) or _("(no name)")
    if len(shown) <= limit:
        return shown
    tail = limit // 3
    return f"{shown[: limit - tail - 1]}…{shown[-tail:]}"


def whole(outside: str) -> str:
    """Return an id in full. Only one too long for a file name is cut."""
    return name(outside, WHOLE_LIMIT_CHARS)


def reason(outside: str) -> str:
    """Return someone else's explanation of a failure, plain and cut at the end."""
    shown = plain(outside)
    return shown if len(shown) <= REASON_LIMIT_CHARS else shown[: REASON_LIMIT_CHARS - 1] + "…"


def _without_stacks(text: str) -> str:
    """Keep at most two combining marks per letter and none at the start: more would overlap the rows around."""
    kept, marks = [], 2
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) or unicodedata.category(char) == "Mn" else 0
        if marks <= 2:
            kept.append(char)
    return "".join(kept)
