"""Checks of llama-swap, its models and their servers; of this computer; and of the running plugin."""

from typing import Any, Callable, Iterator, Tuple

from llamabar.core.address import is_local
from llamabar.core.mac import RELOAD_URL
from llamabar.core.units import count, duration, of_total, plural, size
from llamabar.doctor.checks import packages
from llamabar.doctor.checks.facts import Facts, Model, Server
from llamabar.doctor.checks.finding import Check, Found, Layer, Level
from llamabar.doctor.checks.network import BLOCKED, BLOCKS, LOCAL_NETWORK, may_be_blocked

PRESSED = 2
RELOAD = f"open -g '{RELOAD_URL}'"


def reachable(facts: Facts) -> Tuple[Server, ...]:
    """Return the servers that could be read."""
    return tuple(server for server in facts.servers if not server.fault)


def _ready(facts: Facts) -> Iterator[Tuple[Server, Model]]:
    return ((one, model) for one in reachable(facts) for model in one.models if model.state == "ready")


def _first_ready(is_meant: Callable[[Model], bool]) -> Callable[[Facts], Any]:
    """Return a condition that yields the first loaded model for which `is_meant` is true, and its server."""
    return lambda facts: next(({"it": it, "server": one.name} for one, it in _ready(facts) if is_meant(it)), None)


def _llama_swap(facts: Facts) -> Tuple[bool, str]:
    listed = ((one, sum(not model.unlisted for model in one.models)) for one in reachable(facts))
    said = "; ".join(f"version {one.version or 'unknown'}, {plural(number, 'model')}" for one, number in listed)
    return bool(said), said or "not reachable"


def _model_servers(facts: Facts) -> Tuple[bool, str]:
    return True, f"{sum(bool(model.server_answers) for _, model in _ready(facts))} responding"


def _old(facts: Facts) -> Any:
    server = next((one for one in reachable(facts) if not one.lists_requests), None)
    if server is None:
        return None
    local = any(one.local for one in facts.settings.servers if one.name == server.name)
    return Found({"version": server.version or "(version unknown)"}, remedy=packages.upgrade(facts, local=local))


def _empty(facts: Facts) -> Any:
    server = next((one for one in reachable(facts) if not one.models), None)
    there = Found(server, remedy="{llamabar} models{on}")  # the config is on another computer
    return server and (server if is_local(server.url) else there)


def _failure(facts: Facts) -> Any:
    failures = ((one.name, *failure) for one in reachable(facts) for failure in one.failures)
    return next(({"server": server, "model": model, "reason": reason} for server, model, reason in failures), None)


def _orphans(facts: Facts) -> Any:
    pids = facts.processes.orphans
    return pids and Found({"pids": pids}, remedy=f"kill {' '.join(map(str, pids))}")


_LIVE = ("servers", "reachable")
LLAMA_SWAP = Layer("llama-swap", _LIVE, _llama_swap, (
    Check("llama-swap-old", Level.NOTE, _old,
          "llama-swap {version} doesn't list its active requests", "A newer one does.", packages.RELEASES),
    Check("models-missing", Level.WARNING, _empty,
          "{it.name} has no models", "Its config names none.", "{llamabar} open config{on}"),
    Check("model-failed", Level.WARNING, _failure,
          "{model} failed", "{reason}", "{llamabar} logs --upstream{on}"),
))  # fmt: skip
MODEL_SERVERS = Layer("model servers", _LIVE, _model_servers, (
    Check("model-server-silent", Level.WARNING, _first_ready(lambda model: model.server_answers is False),
          "The server of {it.id} isn't responding", "At {it.server_url}. To unload the model:",
          "{llamabar} unload {it.id}{on}"),
    Check("slots-closed", Level.NOTE, _first_ready(lambda model: model.slots_open is False),
          "The speed of {it.id} is only an estimate", "Add --slots to its cmd in the config:",
          "{llamabar} open config{on}"),
    Check("model-server-left-behind", Level.WARNING, _orphans,
          "{pids:model server} left behind", "Without a llama-swap, but still in memory: pid {pids:some}.",
          "kill {pids}", needs=("processes",)),
))  # fmt: skip


def _computer(facts: Facts) -> Tuple[bool, str]:
    computer = facts.computer
    if computer.memory_total_bytes is None:
        return True, f"macOS {computer.macos or 'version unknown'}, memory unknown"
    memory = f"{of_total(computer.memory_available_bytes, computer.memory_total_bytes)} memory available"
    return True, f"macOS {computer.macos}, {memory}" if computer.macos else memory


def _memory_short(facts: Facts) -> Any:
    if (facts.computer.pressure or 0) < PRESSED:
        return None
    here = [(model.memory_bytes, one.name) for one, model in _ready(facts) if model.memory_bytes]
    said = f"Loaded models use {size(sum(used for used, _ in here))}. To free it:"
    return Found({"server": max(here)[1]}, detail=said, remedy="{llamabar} unload --all{on}") if here else True


MAC = Layer("this computer", ("computer",), _computer, (
    Check("memory-short", Level.WARNING, _memory_short,
          "Memory is running low", "To see what uses it:", "open -a 'Activity Monitor'"),
    Check("process-figures-unreadable", Level.NOTE, lambda f: f.processes.unreadable,
          "Some process figures couldn't be read", "Not available: {processes.unreadable:some}. Everything else is.",
          "{llamabar} doctor --report", needs=("processes",)),
))  # fmt: skip


def _plugin(facts: Facts) -> Tuple[bool, str]:
    watcher = facts.watcher
    if watcher.alive is None:
        return False, "unknown whether it is running"
    if not watcher.alive:
        return False, "not running"
    printed, breaks = size(watcher.printed_bytes), plural(watcher.reconnects or 0, "reconnect")
    since = f"running for {duration(watcher.age_s)} (pid {watcher.pid})"
    if not watcher.frames:  # written once a minute, and first before the first frame
        return True, since
    return True, f"{since}: {count(watcher.frames)} frames, {printed} printed, {breaks}"


def _sees_nothing(facts: Facts) -> Any:
    sees = bool(facts.servers) and not any(server.fault for server in facts.servers)
    return facts.watcher.alive and facts.watcher.reachable is False and sees


def _blocked(facts: Facts) -> Any:
    is_meant = _sees_nothing(facts) and facts.watcher.last_fault in BLOCKED
    return is_meant and next((one for one in facts.servers if may_be_blocked(facts, one)), None)


_SETUP = (
    "swiftbar-missing", "swiftbar-without-folder", "swiftbar-folder-gone", "plugin-place-taken", "plugin-not-linked",
    "plugin-program-missing", "plugin-not-executable", "plugin-quarantined", "plugin-attribute-missing",
    "plugin-disabled", "plugin-ignored", "swiftbar-not-running",
)  # fmt: skip
_RUNNING = ("watcher-not-running", "watcher-died")
WATCHER = Layer("plugin", ("watcher",), _plugin, (
    Check("watcher-died", Level.ERROR, lambda f: f.watcher.there and f.watcher.alive is False and not f.watcher.ended,
          "The plugin quit unexpectedly", "SwiftBar doesn't start it again by itself:", RELOAD),
    Check("watcher-not-running", Level.WARNING, lambda f: f.watcher.alive is False,
          "The plugin isn't running", "SwiftBar has it but doesn't run it:", RELOAD,
          (*_SETUP, "watcher-died"), ("watcher", "mac", "swiftbar")),
    Check("watcher-of-another-version", Level.NOTE,
          lambda f: f.watcher.alive and f.watcher.version != f.program.version
          and {"version": f.watcher.version or "of an unknown version"},
          "The running plugin is llamabar {version}", "This one is {program.version}. To use it:", RELOAD, _RUNNING,
          ("watcher", "program")),
    Check("watcher-blocked", Level.ERROR, _blocked,
          BLOCKS, "This command can reach it. Allow SwiftBar in Local Network:", LOCAL_NETWORK,
          _RUNNING, ("watcher", "servers", "settings", "computer")),
    Check("watcher-sees-nothing", Level.NOTE, _sees_nothing,
          "The plugin can't reach llama-swap, but this command can", "Its last error: {watcher.last_error}.", RELOAD,
          (*_RUNNING, "watcher-blocked"), ("watcher", "servers")),
))  # fmt: skip
