"""How clicks come back: SwiftBar's version decides."""

import os
import sys
from typing import Mapping, Tuple

from llamabar.macos.swiftbar import FIRST_WITH_CLICKS, version_numbers
from llamabar.view.swiftbar import Clicks


def click_style(environment: Mapping[str, str], *, ends: bool = False) -> Clicks:
    """Return how items are written: a line on our stdin since SwiftBar 2.1.0; before, and elsewhere, a new process.

    `ends`: this process ends after one frame, so nothing would read its stdin.
    """
    program = environment.get("SWIFTBAR_PLUGIN_PATH") or program_path(environment)
    return Clicks(program, by_stdin=not ends and swiftbar_version(environment) >= FIRST_WITH_CLICKS)


def program_path(environment: Mapping[str, str]) -> str:
    """Return the file that was started."""
    return os.path.abspath(environment.get("LLAMABAR_FILE") or sys.argv[0])


def swiftbar_version(environment: Mapping[str, str]) -> Tuple[int, ...]:
    """Return SwiftBar's version as numbers, () if unknown. A beta counts as its release."""
    return version_numbers(environment.get("SWIFTBAR_VERSION", ""))
