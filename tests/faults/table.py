"""Every fault that is covered by a promise, by group: docs/reliability.md is generated from it
(tools/reliability_page.py)."""

from tests.faults.mac import CLOCK, DISK, LAUNCHD, PROCESS, SLEEP, SWIFTBAR
from tests.faults.network import HTTP, NETWORK
from tests.faults.stream import CONTENT, SSE

GROUPS = {
    "The network": NETWORK,
    "What answers in llama-swap's place": HTTP,
    "The event stream": SSE,
    "What it says": CONTENT,
    "Processes": PROCESS,
    "The disk": DISK,
    "Clocks": CLOCK,
    "Sleep": SLEEP,
    "SwiftBar": SWIFTBAR,
    "launchd": LAUNCHD,
}
