"""Prints all output of commands. No text from outside can drive the terminal.

It removes escape sequences (ESC and the C1 controls, so also OSC 52, which writes to the clipboard), BEL, and
characters that reorder or hide text (bidirectional and zero-width ones). In llama-swap's log, colors are kept.
"""

import json
import os
import re
import sys
from typing import Any, List, Mapping, Sequence

import click

from llamabar.errors import Code
from llamabar.terminal.cells import columns, pad
from llamabar.view.text import harmless

JSON_VERSION = 1
MARKS = {"ok": "✓", "note": "•", "warning": "!", "error": "✗", "skipped": "–"}  # a symbol always stands before words
COLOURS = {"✓": "32", "•": "36", "!": "33", "✗": "31", "–": "2"}
_MARK = re.compile(rf"( *)([{''.join(MARKS.values())}])(?= )")
_COLOUR = r"\x1b\[(?:(?:[0-47]|2[1-47]|[34][0-79]|9[0-7]|10[0-7]|[34]8[;:][0-9;:]+)?[;:]?)*m"  # not 8, which hides text
_LOG_ESCAPES = re.compile(
    rf"({_COLOUR})"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # other control sequences: cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"  # strings: title, clipboard, links
    r"|\x1b[ -/]*[0-~]?"
)


def has_colour() -> bool:
    """Tell whether to use color: only on a terminal, and never with NO_COLOR."""
    terminal = sys.stdout is not None and sys.stdout.isatty()  # stdout may be closed
    return terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def say(*lines: str, level: str = "", error: bool = False) -> None:
    """Print lines to stdout, or as an `error` to stderr. With a `level`, its mark precedes the first line.

    A line stays one line: text from outside that contains line breaks can't add lines of its own.
    """
    shown = [harmless(line).rstrip() for line in lines]
    if not shown:
        return
    if level:
        shown[0] = f"{MARKS[level]} {shown[0]}"
    if has_colour():
        shown = [_MARK.sub(lambda mark: f"{mark[1]}\x1b[{COLOURS[mark[2]]}m{mark[2]}\x1b[0m", one, 1) for one in shown]
    print("\n".join(shown), file=sys.stderr if error else sys.stdout, flush=True)


def say_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document with its version. It is ASCII, so it carries any text safely."""
    print(json.dumps({"llamabar_json": JSON_VERSION, **document}, indent=2), flush=True)


def say_log(line: str, *, flush: bool) -> None:
    """Print a line of a log, without anything that could drive the terminal except colors."""
    print(log_line(line, colour=has_colour()), flush=flush)


def say_whole(text: str) -> None:
    """Print what a renderer made for another program, such as a frame or CSV, unchanged."""
    print(text, end="", flush=True)


def say_over(text: str) -> None:
    """Overwrite the current line of stderr."""
    print(f"\r\x1b[K{harmless(text)}", end="", file=sys.stderr, flush=True)


def say_error(message: str, hint: str = "", *, code: Code, as_json: bool) -> None:
    """Print a failure: as text to stderr, or as the requested JSON document to stdout."""
    if as_json:
        say_json({"error": {"code": code.value, "message": harmless(message), "hint": harmless(hint)}})
    else:
        say(*(part for part in (message, hint) if part), error=True)


def agreed(question: str, *, canceled: str = "Canceled.") -> bool:
    """Ask a yes-or-no question and return whether the answer is yes. If it is no, or there is no input, say so."""
    try:
        if click.confirm(harmless(question), default=True):
            return True
        say(canceled)
    except click.Abort:
        say("", "Canceled. Use --yes to skip the question.", error=True)
    return False


def log_line(line: str, *, colour: bool) -> str:
    """Return a line of a log with only its text, tabs and, if `colour`, colors."""
    parts = re.split(f"({_COLOUR})", _LOG_ESCAPES.sub(lambda found: found[1] or "", line.replace("\r", "")))
    texts = ["\t".join(map(harmless, part.split("\t"))) for part in parts[::2]]
    shown = texts[0] + "".join((code if colour else "") + text for code, text in zip(parts[1::2], texts[1:]))
    return f"{shown}\x1b[0m" if colour and len(parts) > 1 else shown


def table(rows: Sequence[Sequence[str]], *, indent: int = 0, right: int = 0, headed: bool = False) -> List[str]:
    """Return rows as aligned lines, with the last `right` columns right-aligned.

    Columns without any content are dropped; with `headed`, the header doesn't count as content.
    """
    cleaned = [[harmless(cell) for cell in row] for row in rows]
    filled = [any(cells[headed:]) for cells in zip(*cleaned)]
    cleaned = [[cell for cell, there in zip(row, filled) if there] for row in cleaned]
    widths = [max(map(columns, cells)) for cells in zip(*cleaned)]
    left = len(widths) - right
    lines = (
        "  ".join(pad(cell, width, right=at >= left) for at, (cell, width) in enumerate(zip(row, widths)))
        for row in cleaned
    )
    return [" " * indent + line.rstrip() for line in lines]
