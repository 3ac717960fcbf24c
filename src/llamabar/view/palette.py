"""The table of colors and symbols. Shape carries the state; color only repeats it."""

from typing import Dict, Tuple

from llamabar.core.doing import Doing
from llamabar.core.phases import Phase
from llamabar.core.status import Status

RGB = Tuple[int, int, int]

# Contrast of at least 3:1 on white and on #1E1E1E, as graphics need (WCAG 2.1, 1.4.11); a fill is always under a line.
LINE: RGB = (0x2E, 0x7D, 0xD7)
FILL: RGB = (0x8F, 0xB8, 0xE8)
DASHED: RGB = (0xB8, 0x62, 0x00)

# A symbol for the menu bar, and a character with the same meaning for a terminal.
_SIGNS: Dict[Status, Tuple[str, str]] = {
    Status.NO_SERVICE: ("questionmark.circle", "?"),
    Status.STOPPED: ("stop.circle", "■"),
    Status.STARTING: ("circle.dashed", "◌"),
    Status.CRASHING: ("exclamationmark.octagon", "‼"),
    Status.UNREACHABLE: ("xmark.circle", "✕"),
    Status.UNAUTHORIZED: ("key", "⚿"),
    Status.INCOMPATIBLE: ("exclamationmark.triangle", "▲"),
    Status.EMPTY: ("circle", "○"),
    Status.READY: ("record.circle", "◉"),
    Status.LOADING: ("arrow.down.circle", "↓"),
    Status.QUEUED: ("hourglass", "⧖"),
    Status.PROMPT: ("text.magnifyingglass", "…"),
    Status.GENERATING: ("waveform", "≋"),
    Status.STOPPING: ("arrow.up.circle", "↑"),
}
SYMBOLS = {status: symbol for status, (symbol, _) in _SIGNS.items()}
GLYPHS = {status: glyph for status, (_, glyph) in _SIGNS.items()}

# The status that has a phase's symbol, and a model's.
BY_PHASE: Dict[Phase, Status] = {
    Phase.QUEUED: Status.QUEUED, Phase.LOADING: Status.LOADING, Phase.PROMPT: Status.PROMPT,
    Phase.WORKING: Status.GENERATING, Phase.GENERATING: Status.GENERATING,
}  # fmt: skip
BY_DOING: Dict[Doing, Status] = {
    Doing.GENERATING: Status.GENERATING, Doing.PROMPT: Status.PROMPT, Doing.WORKING: Status.GENERATING,
    Doing.BUSY: Status.GENERATING, Doing.PERHAPS: Status.READY, Doing.NOTHING: Status.READY,
}  # fmt: skip

# What a row is about: SF Symbols of macOS 11.
FAILED = "exclamationmark.triangle"  # a model that failed or crashed, or a mistake in the settings
LOAD, REQUESTS, MEMORY, TODAY = "arrow.down.to.line", "arrow.up.arrow.down", "memorychip", "sum"
WEB, COPY, EJECT, GEAR, MORE, RESTART = "globe", "doc.on.doc", "eject", "gear", "ellipsis", "arrow.clockwise"
STOP, START, TERMINAL, FILE, FOLDER, DIAGNOSE = "stop", "play", "terminal", "doc.text", "folder", "stethoscope"
FIX, ADD, ABOUT, ADDRESS, TIME, TOOK = "wrench", "plus", "info", "network", "clock", "timer"
PROMPT, SHARE, CONTEXT, NAME, CANCEL, PERSON = "text.alignleft", "chart.pie", "ruler", "tag", "xmark", "person"
LINK, PROFILE, PIN, AWAKE, HISTORY, REMOVE = "link", "square.grid.2x2", "pin", "sun.max", "calendar", "trash"
SPEED = "speedometer"

# Light appearance, dark appearance; a warning has at least 4.5:1 on white and on #1E1E1E.
WARNING_COLOURS = ("#8A5A00", "#FFC252")
CHART_COLOURS = ("dimgray", "silver")  # of text beside a chart: macOS doesn't dim a colored item or its image
