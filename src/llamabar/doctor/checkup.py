"""Every check there is, in the order of cause and effect."""

from typing import Iterator, Optional, Tuple

from llamabar.doctor.facts import Facts
from llamabar.doctor.finding import Check, Finding, Level, examine, worst_first
from llamabar.doctor.llama_swap import LLAMA_SWAP
from llamabar.doctor.mac import MAC
from llamabar.doctor.model_servers import MODEL_SERVERS
from llamabar.doctor.network import NETWORK
from llamabar.doctor.program import PROGRAM
from llamabar.doctor.running import SERVICE
from llamabar.doctor.swiftbar import SWIFTBAR
from llamabar.doctor.watcher import WATCHER

LAYERS = (PROGRAM, SWIFTBAR, SERVICE, NETWORK, LLAMA_SWAP, MODEL_SERVERS, MAC, WATCHER)


def findings(facts: Facts) -> Tuple[Finding, ...]:
    """Return what every check says."""
    return examine(facts, LAYERS)


def checks() -> Iterator[Check]:
    """Yield every check."""
    return (check for layer in LAYERS for check in layer.checks)


def top(found: Tuple[Finding, ...]) -> Optional[Finding]:
    """Return the finding that explains most: the first error, else the first warning; None if all is well."""
    return next((one for one in worst_first(found) if one.level is not Level.NOTE), None)
