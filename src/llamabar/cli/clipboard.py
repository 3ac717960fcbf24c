"""Copies text to the user's clipboard: over ssh through the terminal with OSC 52, locally with a program."""

import base64
import threading
from typing import Callable, Mapping, Tuple

from llamabar.macos import tools

PROGRAMS: Tuple[Tuple[str, ...], ...] = (
    ("pbcopy",), ("wl-copy",), ("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input"),
)  # fmt: skip
NEEDS = {"wl-copy": "WAYLAND_DISPLAY", "xclip": "DISPLAY", "xsel": "DISPLAY"}
TOOL_S = 5.0


def copy(text: str, write: Callable[[str], None], environment: Mapping[str, str]) -> None:
    """Copy a text to the clipboard. `write` sends an escape sequence to the terminal."""
    program = next((words for words in PROGRAMS if _can(words[0], environment)), None)
    if program is None:
        coded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
        write(f"\x1b]52;c;{coded}\x07")
    else:
        threading.Thread(
            target=tools.run, args=program, kwargs={"text": text, "timeout_s": TOOL_S}, daemon=True
        ).start()


def _can(name: str, environment: Mapping[str, str]) -> bool:
    remote = bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))
    needed = NEEDS.get(name)
    return not remote and (needed is None or bool(environment.get(needed))) and tools.find(name) is not None
