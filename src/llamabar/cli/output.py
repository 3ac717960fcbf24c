"""What commands print. Text from outside goes through `say`: no byte of it can drive the terminal.

Removed are escape sequences' beginnings (ESC and the C1 controls, so also OSC 52, which writes to the clipboard), BEL,
and what reorders or hides text (bidirectional and zero-width characters).
"""

import json
import sys
from typing import Any, List, Mapping, Sequence

from llamabar.cli.style import mark
from llamabar.errors import Code
from llamabar.view.text import columns, harmless, pad

JSON_VERSION = 1


def say(*lines: str, level: str = "", error: bool = False) -> None:
    """Print lines to stdout, or as an `error` to stderr; a `level` puts its mark before the first."""
    shown = [harmless(one).rstrip() for line in lines for one in line.split("\n")]
    if not shown:
        return
    if level:
        shown[0] = f"{mark(level)} {shown[0]}"
    print("\n".join(shown), file=sys.stderr if error else sys.stdout, flush=True)


def say_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document with its version; ASCII, so it carries any text safely."""
    print(json.dumps({"llamabar_json": JSON_VERSION, **document}, indent=2), flush=True)


def say_error(message: str, hint: str = "", *, code: Code, as_json: bool) -> None:
    """Print a failure: to stderr in words, or to stdout as the document that was asked for."""
    if as_json:
        say_json({"error": {"code": code.value, "message": harmless(message), "hint": harmless(hint)}})
    else:
        say(*(part for part in (message, hint) if part), error=True)


def table(rows: Sequence[Sequence[str]], *, indent: int = 0) -> List[str]:
    """Return rows as lines whose columns stand below each other; a column that is empty everywhere is left out."""
    cleaned = [[harmless(cell) for cell in row] for row in rows]
    widths = [max(map(columns, cells)) for cells in zip(*cleaned)]
    lines = ("  ".join(pad(cell, width) for cell, width in zip(row, widths) if width) for row in cleaned)
    return [" " * indent + line.rstrip() for line in lines]
