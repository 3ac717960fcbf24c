"""`preview`: menus as one page, of a server as it is now, of the built-in llama-swap, or of a recording."""

import json
import os
from pathlib import Path
from typing import List, NamedTuple, Optional

from llamabar.app.playback import Player
from llamabar.cli.demo_moments import Moments
from llamabar.cli.output import say
from llamabar.core.state import in_flight, loaded
from llamabar.core.status import Status, classify
from llamabar.core.units import plural
from llamabar.errors import LlamabarError
from llamabar.macos import files
from llamabar.settings.load import Settings
from llamabar.sources import replay
from llamabar.view import html, words
from llamabar.view.compose import compose
from llamabar.view.html import State

LOOK_EVERY_S = 0.25
MOST_STATES = 40
AFTER_END_S = 5.0
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

    scene = look(settings, behind=os.environ).monitor.scene(now_s=clock.now_s())
    menu = compose(scene)
    return Drawn([State(f"Now: {menu.title.spoken}", menu)], "llamabar: the menu now")


def of_demo(dialect: str) -> Drawn:
    """Return the moments of the built-in llama-swap, which is run for a few seconds."""
    moments = Moments(dialect).collect()
    untold = f"llama-swap {dialect} doesn't tell: {'; '.join(moments.missed).lower()}." if moments.missed else ""
    return Drawn(moments.states, "llamabar: the menu of a made-up llama-swap", untold)


def of_recording(folder: Path) -> Drawn:
    """Return a state for every stretch of a recording; raise LlamabarError if it is none."""
    try:
        player = Player(replay.load(folder))
        states = _stretches(player)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LlamabarError(
            f"Can't read the recording {folder}: {_said(error)}.",
            "A recording is a folder with events.jsonl and calls.jsonl, as in tests/recordings.",
        ) from None
    more = len(states) - MOST_STATES
    note = f"The first {MOST_STATES} states of {len(states)}." if more > 0 else ""
    return Drawn(states[:MOST_STATES], f"llamabar: the menu during the recording {folder.resolve().name}", note)


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{Path(error.filename or '').name}: {error.strerror}"
    return "not JSON" if isinstance(error, json.JSONDecodeError) else "not a recording"


def _stretches(player: Player) -> List[State]:
    """Return the last look at each stretch in which the same models and as many requests were there."""
    found: List[State] = []
    before: Optional[object] = None
    while player.now_s < player.recording.ends_s + AFTER_END_S:
        player.play(player.now_s + LOOK_EVERY_S)
        status = classify(player.snapshot)
        running = in_flight(player.snapshot) or 0
        now = (status, tuple((model.id, model.state) for model in loaded(player.snapshot)), running)
        busy = f", {plural(running, 'request')}" if running and status is not Status.UNREACHABLE else ""
        caption = f"After {player.now_s:.1f} s: {words.status(player.snapshot, status)}{busy}"
        shown = State(caption, compose(player.monitor.scene(now_s=player.now_s)))
        found = [*found[:-1], shown] if now == before else [*found, shown]
        before = now
    return found


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
