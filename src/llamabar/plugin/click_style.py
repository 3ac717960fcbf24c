"""How clicks come back, and whether a value can be a badge: that depends on the versions of SwiftBar and macOS."""

import os
import sys
from typing import Mapping, Tuple

from llamabar.core.mac import FIRST_WITH_CLICKS, version_numbers
from llamabar.macos.paths import settings_file
from llamabar.view.swiftbar import Clicks

FIRST_WITH_BADGES = (14,)  # of macOS


def click_style(environment: Mapping[str, str], *, ends: bool = False) -> Clicks:
    """Return how menu items are written: since SwiftBar 2.1.0 a click is a line on our stdin; otherwise it starts a new
    process.

    `ends`: this process exits after one frame, so nothing would read its stdin. A new process gets the settings file
    that this one was given: SwiftBar and xbar don't pass on the environment of a script that prints the menu.
    """
    program = environment.get("SWIFTBAR_PLUGIN_PATH") or program_path(environment)
    modern = swiftbar_version(environment) >= FIRST_WITH_CLICKS  # 2.1 also introduced badges
    macos = version_numbers(environment.get("OS_VERSION_MAJOR", ""))
    config = str(settings_file(environment)) if environment.get("LLAMABAR_CONFIG") else ""
    options = ("--config", config) if config and config.isprintable() and "|" not in config else ()
    return Clicks(program, by_stdin=not ends and modern, badges=modern and macos >= FIRST_WITH_BADGES, options=options)


def program_path(environment: Mapping[str, str]) -> str:
    """Return the path of the program file that was started."""
    return os.path.abspath(environment.get("LLAMABAR_FILE") or sys.argv[0])


def swiftbar_version(environment: Mapping[str, str]) -> Tuple[int, ...]:
    """Return SwiftBar's version as numbers, () if unknown. A beta counts as its release."""
    return version_numbers(environment.get("SWIFTBAR_VERSION", ""))
