"""A plugin file that lost its attribute (copied, downloaded, replaced by hand) repairs itself.

Without the attribute SwiftBar waits for the end of a program that never ends. So the attribute is set, the file and
its folder are touched, which makes SwiftBar look again, and this process ends with one frame.
"""

import os
from pathlib import Path
from typing import Mapping, Optional

REPAIRED_FRAME = (
    "llamabar|sfimage=arrow.clockwise.circle\n---\n"
    "llamabar is now set up for SwiftBar, which will restart it\nIf it doesn't: SwiftBar > Refresh All\n"
)


def repair(environment: Mapping[str, str]) -> Optional[str]:
    """Return the frame to end with once the attribute is set; None when nothing is wrong or nothing can be done."""
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
