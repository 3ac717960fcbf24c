"""`preview`: menus as a web page, of the servers as they are now or of the demo."""

import os
from pathlib import Path

from llamabar.cli.looking import scene_of, speak_language_of
from llamabar.cli.output import say
from llamabar.cli.program import OK, settings_of, to_run
from llamabar.core.units import plural
from llamabar.errors import LlamabarError
from llamabar.macos import files
from llamabar.view import html
from llamabar.view.compose import compose
from llamabar.view.html import State

HOW_TO_READ = "Submenus are shown open, below their rows. Rows marked ⌥ appear while the Option key is held."


def preview(file: str, demo: bool, server: str, config: str) -> int:
    """Draw the page, write it and say where it is; raise LlamabarError if that fails."""
    path, heading = target(file), "llamabar: the menu now"
    if demo:
        from llamabar.cli.demo_moments import Moments  # with all that the demo needs

        heading, states = "llamabar: the menu of a made-up llama-swap", Moments().collect()
    else:
        settings = settings_of(server, config)
        speak_language_of(settings)
        menu = compose(scene_of(settings, behind=os.environ))
        states = [State(f"Now: {menu.title.spoken}", menu)]
    put(path, html.page(states, heading=heading, note=HOW_TO_READ))
    say(f"Wrote {path}: {plural(len(states), 'state')}. Open it in a browser.", level="ok")
    return OK


def target(file: str, *, example: str = "preview menu.html") -> Path:
    """Return where a page goes; raise LlamabarError if no file can be written there."""
    path = Path(os.path.realpath(os.path.expanduser(file)))
    if os.path.lexists(path.parent) and not os.access(path.parent, os.X_OK | os.W_OK):
        raise LlamabarError(f"Can't write to {path.parent}.", "Choose another folder.")
    if os.path.isdir(path) or (os.path.exists(path) and not os.path.isfile(path)):
        kind = "is a folder" if os.path.isdir(path) else "isn't a regular file"
        raise LlamabarError(f"{file} {kind}.", to_run("Name a file", example))
    if not os.path.isdir(path.parent):
        raise LlamabarError(f"There is no folder {path.parent}.", "Create it first, or choose another.")
    return path


def put(path: Path, whole: str) -> None:
    """Write a page atomically; raise LlamabarError if that fails."""
    try:
        files.write(path, whole.encode("utf-8", "replace"))
    except OSError as error:
        raise LlamabarError(f"Can't write {path}: {error.strerror}.", "Choose another file.") from None
