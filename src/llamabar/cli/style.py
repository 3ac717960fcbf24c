"""Marks and colour for people: a symbol and words always, colour only on a terminal and never with NO_COLOR."""

import os
import sys

MARKS = {"ok": "✓", "note": "•", "warning": "!", "error": "✗", "skipped": "–"}
COLOURS = {"✓": "32", "•": "36", "!": "33", "✗": "31", "–": "2"}


def has_colour() -> bool:
    """Tell whether colour may be used on stdout."""
    terminal = sys.stdout is not None and sys.stdout.isatty()  # it may be closed
    return terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def mark(level: str) -> str:
    """Return the mark of a level; `say` gives it its colour."""
    return MARKS[level]
