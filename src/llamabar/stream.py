"""The plugin: frames for SwiftBar until told to stop."""

import os
import sys
from typing import Mapping, Tuple

from llamabar import wiring
from llamabar.output import FrameWriter
from llamabar.run import Watch
from llamabar.sources.clicks import ClickReader
from llamabar.view.menu import Menu
from llamabar.view.swiftbar import Clicks, render

STDIN_CLICKS_SINCE = (2, 1, 0)
LAST_FRAME_S = 0.3


def stream(environment: Mapping[str, str], *, server: str = "", config: str = "") -> int:
    """Print frames until a signal comes or nobody reads; return the exit code."""
    clicks = click_style(environment)
    watch = Watch(
        wiring.settings(environment, option=config, server=server), lambda menu, _: writer.show(render(menu, clicks))
    )
    writer = FrameWriter(sys.stdout.fileno(), gone=lambda: watch.stop("nobody reads"))
    watch.stop_on_signals()
    writer.start()
    ClickReader(sys.stdin.fileno() if sys.stdin else 0, watch.inbox).start()
    watch.start()
    parent = os.getppid()
    watch.loop(until=lambda _: os.getppid() != parent)
    writer.flush(LAST_FRAME_S)
    return 0


def click_style(environment: Mapping[str, str]) -> Clicks:
    """Return how SwiftBar sends clicks: to stdin from 2.1.0 on; before, and for others, by starting us."""
    if swiftbar_version(environment) >= STDIN_CLICKS_SINCE:
        return Clicks()
    return Clicks(program=environment.get("SWIFTBAR_PLUGIN_PATH") or program_path(environment))


def program_path(environment: Mapping[str, str]) -> str:
    """Return the file that was started."""
    return os.path.abspath(environment.get("LLAMABAR_FILE") or sys.argv[0])


def swiftbar_version(environment: Mapping[str, str]) -> Tuple[int, ...]:
    """Return SwiftBar's version as numbers, () if unknown. A beta counts as its release."""
    head = environment.get("SWIFTBAR_VERSION", "").split("-")[0]
    return tuple(int(part) for part in head.split(".") if part.isdigit())


def one_frame(menu: Menu, environment: Mapping[str, str]) -> str:
    """Return a frame as text, for those who read it once."""
    return render(menu, click_style(environment)).decode("utf-8")
