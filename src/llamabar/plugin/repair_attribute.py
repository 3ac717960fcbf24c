"""Repair the streaming attribute of a plugin file that lost it (copied, downloaded, replaced by hand).

Without the attribute, SwiftBar waits for the end of a program that never ends. So the plugin sets the attribute,
touches its file and folder, which makes SwiftBar load it again, and exits with one frame.
"""

import os
from pathlib import Path
from typing import Mapping, Optional

REPAIRED_FRAME = (
    "llamabar|sfimage=arrow.clockwise.circle\n---\n"
    "llamabar is now set up for SwiftBar, which will restart it\nIf it doesn't: SwiftBar > Refresh All\n"
)


def repair(environment: Mapping[str, str]) -> Optional[str]:
    """Return the frame to exit with once the attribute is set; None if nothing is wrong or nothing can be done."""
    file, folder = environment.get("LLAMABAR_FILE", ""), environment.get("SWIFTBAR_PLUGINS_PATH", "")
    if not file or not folder or not os.path.abspath(file).startswith(os.path.join(os.path.abspath(folder), "")):
        return None
    from llamabar.macos import swiftbar

    path = Path(os.path.realpath(file))
    if swiftbar.attribute_of(path) != "" or swiftbar.set_attribute(path):
        return None
    for touched in (path, Path(file).parent):
        try:
            os.utime(touched)
        except OSError:
            continue
    return REPAIRED_FRAME
