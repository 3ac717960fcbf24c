"""docs/menu.md and docs/terminal.md, made from the scenes, the golden screens and the table of keys.

Run: python3 tools/pages.py, with the project's own Python.
"""

import re
import textwrap
from pathlib import Path
from typing import Dict, Iterator

from llamabar.terminal import words
from tools.scenes import scenes

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "tests" / "golden" / "terminal" / "80x24.txt"
SHOWN = ("generating", "failed", "offline")


def paragraph(*lines: str) -> str:
    """Return sentences as the documents are wrapped."""
    return textwrap.fill(" ".join(lines), 150, break_on_hyphens=False, break_long_words=False)


def menu() -> Iterator[str]:
    """Yield the lines of docs/menu.md."""
    yield from (
        "# The menu, state by state",
        "",
        paragraph(
            "The symbol in the menu bar says the state by its shape; text stands beside it only while something",
            "happens. Every row with a ▸ has a submenu, shown open here where it matters. `llamabar preview",
            "FILE.html` draws your own menu like this. It speaks English, German and Japanese, by macOS's",
            "language or `[menu] language`.",
        ),
    )
    for named in scenes():
        yield from ("", f"## {named.caption}", "", f"![{named.caption}](pictures/{named.name}.png)")


def terminal() -> Iterator[str]:
    """Yield the lines of docs/terminal.md."""
    yield from (
        "# The terminal",
        "",
        paragraph(
            "`llamabar watch` is a dashboard to leave open: the speed, the memory, every model, every request,",
            "and keys for everything you can do. It works over ssh, in tmux, on light and dark backgrounds,",
            "without colours (`NO_COLOR`), and at any size; below 40 columns, with `TERM=dumb` or without a",
            "terminal it prints plain lines on every change. Like the menu, it speaks English, German and Japanese,",
            "by `LANG` or `[menu] language`; the other commands speak English. Everything here works on Linux too.",
        ),
    )
    screens = _screens()
    for name in SHOWN:
        yield from ("", "```text", screens[name], "```")
    yield from ("", "## Keys", "", "| key | what it does |", "|---|---|")
    yield from (f"| {keys} | {what} |" for keys, what in words.HELP.items())
    yield from (
        "",
        "Keys that would interrupt a request ask first. The bottom line says what happened.",
        "",
        "## Commands",
        "",
        "```sh",
        "llamabar status                  # servers, models, requests; exit code 1 if a server can't be reached",
        "llamabar status --json           # the same for scripts",
        "llamabar models",
        "llamabar requests",
        "llamabar history --since 7d --by model",
        "llamabar config",
        "llamabar completions zsh         # bash and fish, too: models and request ids are completed",
        "llamabar help load",
        "```",
        "",
        paragraph(
            "`load` and `unload` take a model by id, alias, display name or a unique beginning, in any case; they",
            "show their progress and end with one line. Exit codes: 0 done, 1 a known fault,",
            "2 wrong usage, 3 an internal error, 130 interrupted.",
        ),
    )


def _screens() -> Dict[str, str]:
    """Return the golden screens by name, without blank lines."""
    parts = re.split(r"^── ([\w-]+) ─+\n", SCREENS.read_text("utf-8"), flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2])
    return {name: "\n".join(line for line in text.splitlines() if line.strip()) for name, text in pairs}


PAGES = {"menu.md": menu, "terminal.md": terminal}


def text(name: str) -> str:
    """Return a page."""
    return "\n".join(PAGES[name]()) + "\n"


if __name__ == "__main__":
    for page in PAGES:
        (ROOT / "docs" / page).write_text(text(page), "utf-8")
