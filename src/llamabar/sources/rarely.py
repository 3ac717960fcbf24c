"""The last answers of macOS programs. They are run rarely, on their own threads, so that nothing waits for them.

Power: `pmset -g batt` begins with "Now drawing from 'Battery Power'"; `pmset -g` has `lowpowermode 1`, or on Macs with
a High Power Mode `powermode 1` (man pmset). Memory pressure: the kernel's own level, 1, 2 or 4 (xnu).
"""

import re
import threading
from typing import Callable, Dict, Generic, Optional, TypeVar

from llamabar.core.pressure import Pressure
from llamabar.macos import launchctl, tools
from llamabar.sources import clock

POWER_EVERY_S = 300.0
PRESSURE_NAME = "kern.memorystatus_vm_pressure_level"
PRESSURE_LEVELS: Dict[str, Pressure] = {"1": Pressure.NORMAL, "2": Pressure.WARNING, "4": Pressure.CRITICAL}
_LOW = re.compile(r"^\s*(low)?powermode\s+1\s*$", re.MULTILINE)

Said = TypeVar("Said")


def saves_power() -> bool:
    """Return whether this Mac runs on battery or in Low Power Mode; takes a few hundredths of a second."""
    return "'Battery Power'" in tools.run("pmset", "-g", "batt").out or bool(_LOW.search(tools.run("pmset", "-g").out))


def memory_pressure() -> Optional[Pressure]:
    """Return this Mac's memory pressure, None if sysctl reports no known level."""
    return PRESSURE_LEVELS.get(tools.run("sysctl", "-n", PRESSURE_NAME).out.strip())


class Rarely(Generic[Said]):
    """The latest answer of `ask`, which runs `tool`; `first` until there is one."""

    def __init__(self, ask: Callable[[], Said], *, tool: str, first: Said) -> None:
        self._ask = ask
        self._tool = tool
        self._said = first
        self._asked_s: Optional[float] = None
        self._thread: Optional[threading.Thread] = None

    def said(self, *, every_s: float) -> Said:
        """Return the latest answer; on a Mac, ask again in the background if it is at least `every_s` old."""
        now_s = clock.now_s()
        due = self._asked_s is None or now_s >= self._asked_s + every_s
        if due and launchctl.available() and tools.find(self._tool):
            self._asked_s = now_s
            self._thread = threading.Thread(target=self._look, name=self._tool, daemon=True)
            self._thread.start()
        return self._said

    def wait(self, longest_s: float) -> None:
        """Wait for an answer that is on its way."""
        if self._thread is not None:
            self._thread.join(longest_s)

    def _look(self) -> None:
        self._said = self._ask()


POWER = Rarely(saves_power, tool="pmset", first=False)
PRESSURE: Rarely[Optional[Pressure]] = Rarely(memory_pressure, tool="sysctl", first=None)
