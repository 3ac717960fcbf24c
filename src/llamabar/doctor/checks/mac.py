"""This computer: its memory, its disk, its sleep, its architecture."""

from typing import Optional

from llamabar.core.units import size
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Found, Layer, Level
from llamabar.doctor.checks.llama_swap import loaded_words

LOW_SPACE_BYTES = 1_000_000_000
OLDEST_MACOS = 12
PRESSED = 2


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    mac = facts.mac
    memory = f"{size(mac.memory_available_bytes)} of {size(mac.memory_total_bytes)} memory free"
    return f"macOS {mac.macos}, {memory}" if mac.macos else memory


MAC = Layer("this computer", ("computer",), summary)


@MAC.check(Level.WARNING, "Memory is not short", remedy="{llamabar} unload --all")
def memory_short(facts: Facts) -> Optional[Found]:
    """macOS reports memory pressure: models become slow, or macOS ends them."""
    mac = facts.mac
    if mac.pressure is None or mac.pressure < PRESSED:
        return None
    return Found("Memory is short", f"{loaded_words(facts)} To make room:".strip())


@MAC.check(Level.WARNING, "There is room for the log", remedy="df -h {log}", needs=("service",))
def log_disk_full(facts: Facts) -> Optional[Found]:
    """The disk of llama-swap's log is nearly full."""
    free = facts.service.log_free_bytes
    if free is None or free >= LOW_SPACE_BYTES:
        return None
    said = f"Only {size(free)} are free on the disk of the log"
    return Found(said, "This shows the disk:", {"log": facts.service.log})


@MAC.check(Level.NOTE, "The Mac does not fall asleep while others use it", needs=("mac", "computer", "service"),
           remedy="sudo pmset -c sleep 0")  # fmt: skip
def sleeps_while_serving(facts: Facts) -> Optional[Found]:
    """llama-swap listens to the network and this Mac falls asleep: requests of others then fail."""
    minutes = facts.mac.sleep_minutes
    if not minutes or not facts.service.listens_everywhere:
        return None
    return Found(f"This Mac sleeps after {minutes} minutes and serves others", "On mains power this keeps it awake:")


@MAC.check(Level.WARNING, "Python is built for this Mac", needs=("mac", "computer", "program"),
           remedy="brew install python3")  # fmt: skip
def python_translated(facts: Facts) -> Optional[Found]:
    """Python is an Intel program on Apple silicon: llamabar runs under Rosetta and costs more than it should."""
    if not facts.mac.translated:
        return None
    return Found("Python runs under Rosetta", f"{facts.program.python} is an Intel program.")


@MAC.check(Level.NOTE, "macOS is not too old", needs=("mac", "computer"),
           remedy="open 'x-apple.systempreferences:com.apple.preferences.softwareupdate'")  # fmt: skip
def macos_old(facts: Facts) -> Optional[Found]:
    """macOS is older than 12, on which llamabar was never tried."""
    major = facts.mac.macos.split(".")[0]
    if not major.isdigit() or int(major) >= OLDEST_MACOS:
        return None
    return Found(f"macOS {facts.mac.macos} is older than what llamabar was tried on")
