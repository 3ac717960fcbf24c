"""Marks and colour for people: a symbol and words always, colour only on a terminal and never with NO_COLOR."""

import os
import sys

MARKS = {"ok": "✓", "note": "•", "warning": "!", "error": "✗", "skipped": "–"}
_COLOURS = {"ok": "32", "note": "36", "warning": "33", "error": "31", "skipped": "2"}


def has_colour() -> bool:
    """Tell whether colour may be used on stdout."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def mark(level: str) -> str:
    """Return the mark of a level, coloured where that is allowed."""
    return f"\x1b[{_COLOURS[level]}m{MARKS[level]}\x1b[0m" if has_colour() else MARKS[level]
