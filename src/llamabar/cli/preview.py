"""`preview`: menus as one page, of the servers as they are now or of the built-in llama-swap."""

import os
from pathlib import Path
from typing import List, NamedTuple

from llamabar.cli.demo_moments import Moments
from llamabar.cli.output import say
from llamabar.cli.program import speak_language_of
from llamabar.core.units import plural
from llamabar.errors import LlamabarError
from llamabar.macos import files
from llamabar.settings.load import Settings
from llamabar.view import html
from llamabar.view.compose import compose
from llamabar.view.html import State

HOW_TO_READ = "Submenus are shown open, below their rows. Rows marked ⌥ appear while the Option key is held."


class Drawn(NamedTuple):
    """The states of a page, and what they are of."""

    states: List[State]
    heading: str
    note: str = ""


def of_settings(settings: Settings) -> Drawn:
    """Return the menu of the servers in force, after one look."""
    from llamabar.app.one_look import look
    from llamabar.sources import clock

    speak_language_of(settings)
    scene = look(settings, behind=os.environ).monitor.scene(now_s=clock.now_s())
    menu = compose(scene)
    return Drawn([State(f"Now: {menu.title.spoken}", menu)], "llamabar: the menu now")


def of_demo(dialect: str) -> Drawn:
    """Return the moments of the built-in llama-swap, which is run for a few seconds."""
    moments = Moments(dialect).collect()
    untold = f"llama-swap {dialect} doesn't tell: {'; '.join(moments.missed).lower()}." if moments.missed else ""
    return Drawn(moments.states, "llamabar: the menu of a made-up llama-swap", untold)


def target(file: str, *, example: str = "preview menu.html") -> Path:
    """Return where a page goes; raise LlamabarError where no file can be put."""
    path = Path(os.path.realpath(os.path.expanduser(file)))
    if os.path.lexists(path.parent) and not os.access(path.parent, os.X_OK | os.W_OK):
        raise LlamabarError(f"Can't write to {path.parent}.", "Choose another folder.")
    if path.is_dir() or (path.exists() and not path.is_file()):
        kind = "is a folder" if path.is_dir() else "is not a regular file"
        raise LlamabarError(f"{file} {kind}.", f"Name a file: llamabar {example}")
    if not path.parent.is_dir():
        raise LlamabarError(f"There is no folder {path.parent}.", "Create it first, or choose another.")
    return path


def write(path: Path, drawn: Drawn) -> None:
    """Draw the page, put it in place and say where; raise LlamabarError if that fails."""
    note = " ".join(part for part in (HOW_TO_READ, drawn.note) if part)
    put(path, html.page(drawn.states, heading=drawn.heading, note=note))
    say(f"Wrote {path}: {plural(len(drawn.states), 'state')}. Open it in a browser.", level="ok")


def put(path: Path, whole: str) -> None:
    """Put a page in place whole; raise LlamabarError if that fails."""
    try:
        files.write(path, whole.encode("utf-8", "replace"))
    except OSError as error:
        raise LlamabarError(f"Can't write {path}: {error.strerror}.", "Choose another file.") from None
