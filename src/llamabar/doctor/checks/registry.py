"""Every check, causes before effects."""

from typing import Callable, Dict, Iterator, Optional, Tuple

from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Check, Finding, Level, examined, worst_first
from llamabar.doctor.checks.llama_swap import LLAMA_SWAP, MAC, MODEL_SERVERS, WATCHER
from llamabar.doctor.checks.network import NETWORK
from llamabar.doctor.checks.program import PROGRAM
from llamabar.doctor.checks.service import SERVICE
from llamabar.doctor.checks.swiftbar import SWIFTBAR

LAYERS = (PROGRAM, SWIFTBAR, SERVICE, NETWORK, LLAMA_SWAP, MODEL_SERVERS, MAC, WATCHER)


def findings(facts: Facts, *, translated: Callable[[str], str] = str) -> Tuple[Finding, ...]:
    """Return the finding of every check. `translated` gives a title's template in the user's language."""
    found: Dict[str, Finding] = {}
    for layer in LAYERS:
        for check in layer.checks:
            found[check.id] = examined(check, layer, facts, before=found, translated=translated)
    return tuple(found.values())


def checks() -> Iterator[Check]:
    """Yield every check."""
    return (check for layer in LAYERS for check in layer.checks)


def top(found: Tuple[Finding, ...]) -> Optional[Finding]:
    """Return the finding that explains most: the first error, else the first warning; None if there is neither."""
    return next((one for one in worst_first(found) if one.level is not Level.NOTE), None)
