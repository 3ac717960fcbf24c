"""Whether this Mac saves power: it runs on its battery, or Low Power Mode is on. Asked of pmset, every five minutes.

`pmset -g batt` begins with "Now drawing from 'Battery Power'"; `pmset -g` has `lowpowermode 1`, on Macs with a High
Power Mode `powermode 1` (man pmset). Where there is no pmset, nothing is asked.
"""

import re
import threading
from typing import Callable, Optional

from llamabar.macos import tools
from llamabar.sources import clock

EVERY_S = 300.0
_LOW = re.compile(r"^\s*(low)?powermode\s+1\s*$", re.MULTILINE)


def pmset() -> bool:
    """Return what pmset says now; takes some hundredths of a second."""
    return "'Battery Power'" in tools.run("pmset", "-g", "batt").out or bool(_LOW.search(tools.run("pmset", "-g").out))


class Power:
    """What was said last. It is asked on a thread of its own, so that nothing waits for it."""

    def __init__(self, ask: Callable[[], bool] = pmset) -> None:
        self._ask = ask
        self._saves = False
        self._asked_s: Optional[float] = None

    def saves(self) -> bool:
        """Tell whether power is saved, as far as that is known; ask again if that is long ago."""
        now_s = clock.now_s()
        if (self._asked_s is None or now_s >= self._asked_s + EVERY_S) and tools.find("pmset"):
            self._asked_s = now_s
            threading.Thread(target=self._look, daemon=True).start()
        return self._saves

    def _look(self) -> None:
        self._saves = self._ask()
