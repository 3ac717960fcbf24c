"""Makes docs/menu.md and docs/terminal.md from the scenes, the golden screens and the table of keys.

Run: python3 tools/pages.py, with the project's own Python.
"""

import re
import textwrap
from pathlib import Path
from typing import Dict, Iterator

from llamabar.core.status import Status
from llamabar.terminal import words
from llamabar.view import languages
from llamabar.view import words as menu_words
from llamabar.view.palette import GLYPHS
from tools.scenes import scenes

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "tests" / "golden" / "terminal" / "80x24.txt"
SHOWN = ("generating", "failed", "offline")
SHAPES: Dict[Status, str] = {
    Status.NO_SERVICE: "a question mark in a circle",
    Status.STOPPED: "a square in a circle",
    Status.STARTING: "a dashed circle",
    Status.CRASHING: "an exclamation mark in an octagon",
    Status.UNREACHABLE: "a cross in a circle",
    Status.UNAUTHORIZED: "a key",
    Status.INCOMPATIBLE: "an exclamation mark in a triangle; after a model failed, too",
    Status.EMPTY: "an empty circle",
    Status.READY: "a filled circle in a circle",
    Status.LOADING: "an arrow down in a circle",
    Status.QUEUED: "an hourglass",
    Status.PROMPT: "lines of text under a magnifying glass",
    Status.GENERATING: "a waveform",
    Status.STOPPING: "an arrow up in a circle",
}
LANGUAGES = {"de": "German", "ja": "Japanese"}
FIGURES: Dict[str, str] = {
    "~41.2": "estimated from the bytes of the answer; without the ~ it is the model server's own count",
    "last 41.2": "the speed of the last answer; nothing is generated now",
    "–": "not known, or none",
    "(18 GB)": "not loaded; it took that when it was loaded before",
    "2.4k/4.1k": "how much of the context is used, and its size",
    "UNLOADS 4 min": "the time left while it is idle; while it is in use, the time it may be idle",
    "⚠": "failed to load or crashed in the last ten minutes",
    "↑16 ↓169": "rows above and below that a longer window would show",
}


def paragraph(*lines: str) -> str:
    """Return sentences wrapped like the documents."""
    return textwrap.fill(" ".join(lines), 150, break_on_hyphens=False, break_long_words=False)


def spoken() -> str:
    """Return the available languages."""
    files = sorted(Path(languages.__file__).parent.glob("*.json"))
    found = ["English", *(LANGUAGES[path.stem] for path in files)]
    return f"{', '.join(found[:-1])} and {found[-1]}"


def menu() -> Iterator[str]:
    """Yield the lines of docs/menu.md."""
    yield from (
        "# The menu, state by state",
        "",
        paragraph(
            "The symbol in the menu bar shows the state by its shape. Text appears next to it only while something",
            "happens. Every row with a ▸ has a submenu, shown open here where it matters. `llamabar preview",
            f"FILE.html` draws your own menu like this. It speaks {spoken()}, by the terminal's or macOS's",
            "language or `[menu] language`.",
        ),
    )
    yield from ("", "## What the symbols mean", "", "| in the menu bar | in the terminal | it means |", "|---|---|---|")
    yield from (f"| {SHAPES[status]} | {GLYPHS[status]} | {menu_words.STATUS[status]} |" for status in Status)
    for named in scenes():
        yield from ("", f"## {named.caption}", "", f"![{named.caption}](pictures/{named.name}.png)")


def terminal() -> Iterator[str]:
    """Yield the lines of docs/terminal.md."""
    yield from (
        "# The terminal",
        "",
        paragraph(
            "`llamabar watch` is a dashboard you can leave open: the speed, the memory, every model, every request,",
            "and keys for everything you can do. It works over ssh, in tmux, on light and dark backgrounds,",
            "without colors (`NO_COLOR`), and at any size; below 40 columns, with `TERM=dumb` or without a",
            f"terminal it prints plain lines on every change. Like the menu, it speaks {spoken()},",
            "by `LANG` or `[menu] language`; `frame`, `preview` and `demo` do too, the other commands speak English.",
            "Everything here works on Linux too.",
        ),
    )
    screens = _screens()
    for name in SHOWN:
        yield from ("", "```text", screens[name], "```")
    yield from ("", "## What the figures mean", "", "| figure | what it means |", "|---|---|")
    yield from (f"| {figure} | {what} |" for figure, what in FIGURES.items())
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
        "llamabar completions zsh         # also bash and fish; completes models and request ids",
        "llamabar help load",
        "```",
        "",
        paragraph(
            "`load` and `unload` take a model by id, alias, display name or a unique prefix, in any case. They show",
            "their progress and end with one line. Exit codes: 0 done, 1 a known error,",
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
