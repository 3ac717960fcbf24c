"""Whether this Mac saves power: it runs on its battery, or Low Power Mode is on.

`pmset -g batt` begins with "Now drawing from 'Battery Power'"; `pmset -g` has `lowpowermode 1`, on Macs with a High
Power Mode `powermode 1` (man pmset).
"""

import re

from llamabar.macos import tools

EVERY_S = 300.0
_LOW = re.compile(r"^\s*(low)?powermode\s+1\s*$", re.MULTILINE)


def pmset() -> bool:
    """Return what pmset says now; takes some hundredths of a second."""
    return "'Battery Power'" in tools.run("pmset", "-g", "batt").out or bool(_LOW.search(tools.run("pmset", "-g").out))
