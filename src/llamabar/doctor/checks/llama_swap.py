"""llama-swap itself: what it can, its models, its requests."""

from typing import Iterator, Optional, Tuple

from llamabar.core.units import duration, plural, size
from llamabar.doctor.checks.facts import Facts, Model, Server
from llamabar.doctor.checks.finding import Found, Layer, Level

LONG_REQUEST_S = 600.0
STALL_VERSIONS = (218, 250)  # facts on llama-swap, trap 1
UPGRADE = "brew upgrade mostlygeek/llama-swap/llama-swap"


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    return "; ".join(f"llama-swap {one.version or 'of unknown version'}, {plural(len(one.models), 'model')}"
                     for one in reachable(facts)) or "not reachable"  # fmt: skip


LLAMA_SWAP = Layer("llama-swap", ("servers", "reachable"), summary)


@LLAMA_SWAP.check(Level.NOTE, "It tells what its requests do", remedy=UPGRADE)
def llama_swap_old(facts: Facts) -> Optional[Found]:
    """This llama-swap is too old to list its requests in flight: phases and live speeds are not known."""
    server = next((one for one in reachable(facts) if "inflight_list" not in one.confirmed), None)
    if server is None:
        return None
    return Found(f"llama-swap {server.version or ''} does not list its requests".replace("  ", " "),
                 "A newer one does.")  # fmt: skip


@LLAMA_SWAP.check(Level.NOTE, "A stalled client cannot lock it up", remedy=UPGRADE)
def llama_swap_can_stall(facts: Facts) -> Optional[Found]:
    """In v218 to v250 any client that stops reading the event stream fills the log or locks llama-swap up; llamabar
    never stops reading."""
    server = next((one for one in reachable(facts) if _in(one.version, STALL_VERSIONS)), None)
    if server is None:
        return None
    return Found(f"llama-swap {server.version} can be stalled by a client",
                 "By one that stops reading its events (an open web page on a sleeping computer).")  # fmt: skip


@LLAMA_SWAP.check(Level.WARNING, "Models are configured", remedy="{llamabar} open config")
def models_missing(facts: Facts) -> Optional[Found]:
    """llama-swap's config has no model, so there is nothing to use."""
    server = next((one for one in reachable(facts) if not one.models), None)
    return Found(f"{server.name} has no model", "Its config names none.") if server else None


@LLAMA_SWAP.check(Level.WARNING, "No model server has failed", remedy="{llamabar} logs --upstream")
def model_failed(facts: Facts) -> Optional[Found]:
    """A model server failed to start or ended by itself, as the last requests show."""
    for server in reachable(facts):
        for model, reason in server.failures:
            return Found(f"{model} has failed", f"{reason}.")
    return None


@LLAMA_SWAP.check(Level.WARNING, "No request is in flight for long", remedy="{llamabar} cancel {request}")
def request_in_flight_for_long(facts: Facts) -> Optional[Found]:
    """A request has been in flight for more than ten minutes: its client may be gone, or it hangs."""
    server = next((one for one in reachable(facts) if (one.longest_request_s or 0) > LONG_REQUEST_S), None)
    if server is None:
        return None
    return Found(f"A request has been in flight for {duration(server.longest_request_s)}",
                 "Its client may be gone, or it hangs.", {"request": server.longest_request_id})  # fmt: skip


@LLAMA_SWAP.check(Level.NOTE, "Loaded models are unloaded some time", remedy="{llamabar} unload {model}")
def model_stays_loaded(facts: Facts) -> Optional[Found]:
    """A loaded model has no ttl: it keeps its memory until another takes its place."""
    model = next((model for model in ready(facts) if model.ttl_s == 0), None)
    if model is None:
        return None
    return Found(f"{model.id} is never unloaded", "Its ttl is 0. To unload it now:", {"model": model.id})


@LLAMA_SWAP.check(Level.NOTE, "One llama-swap is running", needs=("processes",), remedy="ps -p {pids}")
def llama_swap_twice(facts: Facts) -> Optional[Found]:
    """More than one llama-swap of yours is running; each has its own models in memory."""
    found = facts.processes.llama_swaps
    if len(found) < 2:
        return None
    return Found(f"{len(found)} llama-swaps are running", "", {"pids": ",".join(str(one.pid) for one in found)})


def reachable(facts: Facts) -> Tuple[Server, ...]:
    """Return the servers that let us look."""
    return tuple(server for server in facts.servers if not server.fault)


def ready(facts: Facts) -> Iterator[Model]:
    """Yield the models that are loaded."""
    return (model for server in reachable(facts) for model in server.models if model.state == "ready")


def loaded_bytes(facts: Facts) -> int:
    """Return the memory of all loaded models."""
    return sum(model.memory_bytes or 0 for model in ready(facts))


def loaded_words(facts: Facts) -> str:
    """Return how much the loaded models take, in words."""
    taken = loaded_bytes(facts)
    return f"Loaded models take {size(taken)}." if taken else ""


def _in(version: Optional[str], range_: Tuple[int, int]) -> bool:
    return version is not None and version.isdigit() and range_[0] <= int(version) <= range_[1]
