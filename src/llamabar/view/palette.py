"""The one table of colours and symbols. Shape tells the state; colour repeats it."""

from typing import Dict, Tuple

from llamabar.core.status import Status
from llamabar.view.menu import Level

RGB = Tuple[int, int, int]

# Contrast of at least 3:1 on white and on #1E1E1E, as graphics need (WCAG 2.1, 1.4.11).
LINE: RGB = (0x2E, 0x7D, 0xD7)
FILL: RGB = (0x8F, 0xB8, 0xE8)
DASHED: RGB = (0xB0, 0x5A, 0x00)

# A symbol for the menu bar, and one character of the same meaning for a terminal.
_SIGNS: Dict[Status, Tuple[str, str]] = {
    Status.NO_SERVICE: ("questionmark.circle", "?"),
    Status.STOPPED: ("stop.circle", "■"),
    Status.STARTING: ("circle.dotted", "◌"),
    Status.CRASHING: ("exclamationmark.octagon", "‼"),
    Status.UNREACHABLE: ("xmark.circle", "✕"),
    Status.UNAUTHORIZED: ("key", "⚿"),
    Status.INCOMPATIBLE: ("exclamationmark.triangle", "▲"),
    Status.EMPTY: ("circle", "○"),
    Status.READY: ("circle.inset.filled", "◉"),
    Status.LOADING: ("arrow.down.circle", "↓"),
    Status.QUEUED: ("hourglass", "⧖"),
    Status.PROMPT: ("text.magnifyingglass", "…"),
    Status.GENERATING: ("waveform", "≋"),
    Status.STOPPING: ("arrow.up.circle", "↑"),
}
QUIT = "exclamationmark.triangle"  # a model's server has quit unexpectedly
SYMBOLS = {status: symbol for status, (symbol, _) in _SIGNS.items()}
GLYPHS = {status: glyph for status, (_, glyph) in _SIGNS.items()}
BY_SYMBOL = dict(_SIGNS.values())

# light appearance, dark appearance; at least 4.5:1 on white and on #1E1E1E
LEVEL_COLOURS: Dict[Level, Tuple[str, str]] = {
    Level.WARNING: ("#8A5A00", "#FFC252"),
    Level.ERROR: ("#B3261E", "#FF8A80"),
}
