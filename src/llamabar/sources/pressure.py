"""How short of memory this Mac is: the kernel's own level, 1, 2 or 4 (xnu, `memorystatus_vm_pressure_level`)."""

from typing import Dict, Optional

from llamabar.core.pressure import Pressure
from llamabar.macos import tools

NAME = "kern.memorystatus_vm_pressure_level"
LEVELS: Dict[str, Pressure] = {"1": Pressure.NORMAL, "2": Pressure.WARNING, "4": Pressure.CRITICAL}


def sysctl() -> Optional[Pressure]:
    """Return what sysctl says now, None where it tells nothing that is known."""
    return LEVELS.get(tools.run("sysctl", "-n", NAME).out.strip())
