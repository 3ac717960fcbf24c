"""A plugin file that lost its attribute (copied, downloaded, replaced by hand) is no streaming plugin: it mends itself.

Without the attribute SwiftBar waits for the end of a program that never ends. So the attribute is set, the file and its
folder are touched, which makes SwiftBar look again, and this process ends with one line.
"""

import os
from pathlib import Path
from typing import Mapping, Optional

HEALED_FRAME = (
    "llamabar|sfimage=arrow.clockwise.circle\n---\n"
    "llamabar: set up for SwiftBar, which starts it again by itself\nIf it does not: SwiftBar > Refresh All\n"
)


def heal(environment: Mapping[str, str]) -> Optional[str]:
    """Return the frame to end with after the attribute was set; None when all is well or nothing can be done."""
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
    return HEALED_FRAME
