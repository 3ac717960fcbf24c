"""The plugin that runs, by the state file that it keeps."""

from typing import Optional

from llamabar.core.units import duration, size
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Found, Layer, Level

RECONNECTS_AN_HOUR = 20.0
PRINTED_AN_HOUR_BYTES = 10_000_000.0  # a busy menu of 3 kB a second
SHORTEST_AGE_S = 600.0
RELOAD = "open -g 'swiftbar://refreshplugin?name=llamabar'"


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    watcher = facts.watcher
    if not watcher.alive:
        return "the plugin is not running"
    return (f"the plugin has run for {duration(watcher.age_s)} (pid {watcher.pid}): {watcher.frames} frames, "
            f"{size(watcher.printed_bytes)} printed, {watcher.reconnects} reconnects")  # fmt: skip


WATCHER = Layer("watcher", ("watcher",), summary)
_RUNNING = ("watcher-state-damaged", "watcher-not-running", "watcher-died")


@WATCHER.check(Level.WARNING, "The plugin's state file is understood", remedy="rm {file}")
def watcher_state_damaged(facts: Facts) -> Optional[Found]:
    """The file in which the running plugin notes how it fares is damaged; it is written anew."""
    watcher = facts.watcher
    if not watcher.there or watcher.readable:
        return None
    return Found("The plugin's state file is not understood", watcher.file, {"file": watcher.file})


@WATCHER.check(Level.ERROR, "The plugin is still running", after=("watcher-state-damaged",), remedy=RELOAD)
def watcher_died(facts: Facts) -> Optional[Found]:
    """The plugin ended without a word: SwiftBar does not start a streaming plugin again by itself."""
    watcher = facts.watcher
    if not watcher.there or watcher.alive or watcher.ended:
        return None
    return Found("The plugin has ended without a word", "SwiftBar does not start it again by itself:")


@WATCHER.check(Level.WARNING, "The plugin is running", needs=("watcher", "mac", "swiftbar"),
               after=("swiftbar-missing", "swiftbar-without-folder", "swiftbar-folder-gone", "plugin-place-taken",
                      "plugin-not-linked", "plugin-program-missing", "plugin-not-executable", "plugin-quarantined",
                      "plugin-attribute-missing", "plugin-attribute-wrong", "plugin-disabled", "plugin-ignored",
                      "swiftbar-not-running", "watcher-state-damaged", "watcher-died"), remedy=RELOAD)  # fmt: skip
def watcher_not_running(facts: Facts) -> Optional[Found]:
    """SwiftBar runs and has the plugin, and the plugin is not running."""
    return None if facts.watcher.alive else Found("The plugin is not running", "SwiftBar has it and does not run it:")


@WATCHER.check(Level.NOTE, "The running plugin is this version", needs=("watcher", "program"), after=_RUNNING,
               remedy=RELOAD)  # fmt: skip
def watcher_of_another_version(facts: Facts) -> Optional[Found]:
    """The plugin that runs is of another version than this program: a reload takes the new one."""
    watcher = facts.watcher
    if not watcher.alive or watcher.version == facts.program.version:
        return None
    said = f"The running plugin is llamabar {watcher.version or 'of unknown version'}"
    return Found(said, "A reload takes this one:")


@WATCHER.check(Level.WARNING, "The plugin's connection holds", after=_RUNNING, remedy="{llamabar} logs")
def watcher_reconnects_often(facts: Facts) -> Optional[Found]:
    """The plugin's connection to llama-swap breaks often: a proxy in between, or llama-swap restarts."""
    watcher = facts.watcher
    if not watcher.alive or _an_hour(facts, watcher.reconnects) <= RECONNECTS_AN_HOUR:
        return None
    return Found(f"The connection broke {watcher.reconnects} times in {duration(watcher.age_s)}",
                 f"The last time: {watcher.last_error.replace('_', ' ') or 'not known'}.")  # fmt: skip


@WATCHER.check(Level.WARNING, "The plugin keeps up with llama-swap", after=_RUNNING, remedy=RELOAD)
def watcher_lags(facts: Facts) -> Optional[Found]:
    """The plugin could not keep up with llama-swap's events and had to connect anew."""
    watcher = facts.watcher
    if not watcher.alive or not watcher.lagged:
        return None
    return Found("The plugin could not keep up with llama-swap", f"It had to connect anew {watcher.lagged} times.")


@WATCHER.check(Level.WARNING, "The plugin prints little", after=_RUNNING, remedy=RELOAD)
def watcher_prints_much(facts: Facts) -> Optional[Found]:
    """The plugin prints much, and SwiftBar keeps every byte in memory until the plugin is loaded anew."""
    watcher = facts.watcher
    if not watcher.alive or _an_hour(facts, watcher.printed_bytes) <= PRINTED_AN_HOUR_BYTES:
        return None
    return Found(f"The plugin has printed {size(watcher.printed_bytes)} in {duration(watcher.age_s)}",
                 "SwiftBar keeps all of it in memory. A reload frees it:")  # fmt: skip


@WATCHER.check(Level.NOTE, "The plugin sees what is seen here", needs=("watcher", "servers"), after=_RUNNING,
               remedy=RELOAD)  # fmt: skip
def watcher_sees_nothing(facts: Facts) -> Optional[Found]:
    """The plugin does not reach llama-swap and this command does: it runs with other settings or permissions."""
    watcher = facts.watcher
    well = bool(facts.servers) and not any(server.fault for server in facts.servers)
    if not watcher.alive or watcher.reachable is not False or not well:
        return None
    return Found("The plugin does not reach llama-swap, and this command does",
                 f"It noted: {watcher.last_error.replace('_', ' ') or 'not reachable'}.")  # fmt: skip


def _an_hour(facts: Facts, count: Optional[int]) -> float:
    age_s = facts.watcher.age_s
    return 0.0 if count is None or age_s is None else count / max(age_s, SHORTEST_AGE_S) * 3600
