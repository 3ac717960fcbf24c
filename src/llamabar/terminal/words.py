"""Every word of the dashboard that the menu does not say: titles, keys, questions, what came of them."""

from typing import Mapping, Optional, Tuple

from llamabar.core import units
from llamabar.view.menu import Do
from llamabar.view.text import reason
from llamabar.view.words import ago

PROGRAM = "llamabar"
SPEED, MEMORY, TOKENS_A_SECOND, AGO = "Speed", "Memory", "tok/s", "-5 min"
MODELS_OWN, OTHER, IN_USE, FREE, CPU, GPU = "models", "other", "in use", "free", "CPU", "GPU"
MODEL, STATE, TPS, TREND, MEMORY_HEAD, CONTEXT, UNLOADS, REQUESTS, TODAY = (
    "MODEL", "STATE", "TOK/S", "LAST 5 MIN", "MEMORY", "CONTEXT", "UNLOADS", "REQ", "TODAY",
)  # fmt: skip
REQUEST, PHASE, TOKENS, AGE, FROM = "REQUEST", "PHASE", "TOKENS", "AGE", "FROM"
NOT_LOADED, NEVER, UNLOADING, ELSEWHERE = "–", "never", "unloading", "on another host"
FAILED, QUIT, WAITING_FOR_LOAD = "failed", "quit", "waiting"
UNLOADED = "not loaded"  # in a sentence or a table without signs
NO_MODELS = ("llama-swap has no models yet.", "Add one to its config: llamabar open config")
NO_REQUESTS, NO_MATCH = "No requests in flight.", "No model or request matches."
CONNECTING, PROFILE, PROFILES, NO_PROFILE = "connecting…", "profile", "Profiles", "No Profile"
DIAGNOSE, PRESS_START = "Press D to find out why.", "Press r to start it."
TOO_SMALL = "Make the window larger to see more."
KEEP = "any other key: keep"
HELP_TITLE, ANY_KEY = "Keys", "Press any key to return."
LOG_RETURNS = "llama-swap's log. Press q to return to the dashboard."
PAUSED = "Paused. Press Space to go on."
DOCTOR_RETURNS = "Running doctor. Press q to return to the dashboard."
ENDED_RETURNS = "Press any key to return to the dashboard."

HELP: Tuple[Tuple[str, str], ...] = (
    ("↑ ↓  j k", "select a model or a request"),
    ("PgUp PgDn  g G", "scroll by a page, to the start, to the end"),
    ("Enter", "show details and charts; Esc goes back"),
    ("Tab", "next server"),
    ("/", "filter by name; Esc shows all again"),
    ("s", "sort by state, name, speed or memory"),
    ("l  u  U", "load, unload, unload all"),
    ("c", "cancel the selected request"),
    ("p", "choose a profile"),
    ("r", "restart llama-swap, or start it"),
    ("y", "copy the model's or request's id"),
    ("o", "open the web UI"),
    ("L  D", "show the log, run doctor"),
    ("q", "quit"),
)
SORTS: Mapping[str, str] = {"state": "state", "name": "name", "speed": "speed", "memory": "memory"}

_DOING: Mapping[Do, str] = {
    Do.LOAD: "Loading {}", Do.UNLOAD: "Unloading {}", Do.UNLOAD_ALL: "Unloading all models", Do.CANCEL: "Cancelling {}",
    Do.PROFILE: "Changing the profile", Do.START: "Starting llama-swap", Do.STOP: "Stopping llama-swap",
    Do.RESTART: "Restarting llama-swap", Do.OPEN: "Opening the web UI",
}  # fmt: skip
_DONE: Mapping[Do, str] = {
    Do.LOAD: "{} loaded in {}", Do.UNLOAD: "{} unloaded", Do.UNLOAD_ALL: "All models unloaded",
    Do.CANCEL: "{} cancelled",
    Do.START: "llama-swap started in {1}", Do.STOP: "llama-swap stopped", Do.RESTART: "llama-swap restarted in {1}",
    Do.OPEN: "Opened the web UI",
}  # fmt: skip
_FAILED: Mapping[Do, str] = {
    Do.UNLOAD_ALL: "unload all models", Do.PROFILE: "change the profile", Do.OPEN: "open the web UI",
}  # fmt: skip


def doing(do: Do, label: str) -> str:
    """Return what is being done: Loading qwen3-30b…"""
    return _DOING[do].format(label) + "…"


def done(do: Do, label: str, took_s: float) -> str:
    """Return what was done: qwen3-30b loaded in 6.2 s."""
    if do is Do.PROFILE:
        return f"Profile {label} is active" if label else "No profile is active"
    return _DONE[do].format(label[:1].upper() + label[1:] if do is Do.CANCEL else label, units.span(took_s))


def failed(do: Do, label: str, why: str) -> str:
    """Return what could not be done, and why."""
    what = _FAILED.get(do, f"{do.value} {label or 'llama-swap'}")
    return f"Couldn't {what}: {why}"


def interrupts(requests: Optional[int]) -> str:
    """Return what an action does to somebody's work; None: nothing tells whether anybody works."""
    if requests is None:
        return "This may interrupt requests."
    return f"This interrupts {units.plural(requests, 'request')}." if requests else "No active requests."


def question(do: Do, label: str, requests: Optional[int]) -> str:
    """Return the question that is asked before somebody's work is interrupted."""
    what = {Do.UNLOAD: f"Unload {label}?", Do.UNLOAD_ALL: "Unload all models?", Do.CANCEL: f"Cancel {label}?"}
    said = what.get(do, f"{do.value.capitalize()} llama-swap?")
    return said if do is Do.CANCEL else f"{said} {interrupts(requests)}"


def failed_to_load(age_s: float, why: str) -> str:
    """Return what follows "failed": when, and why where that is known."""
    return f" to load {ago(age_s)}" + (f": {reason(why)}" if why else "")


def unexpectedly(age_s: float) -> str:
    """Return what follows "quit": when."""
    return f" unexpectedly {ago(age_s)}"


def connected(seconds: float) -> str:
    """Return for how long a server has been watched."""
    return f"connected {units.duration(seconds)}"


def more(above: int, below: int) -> str:
    """Return how many rows a scrolled table leaves out."""
    return " ".join(f"{arrow}{count}" for arrow, count in (("↑", above), ("↓", below)) if count)


def usually(seconds: Optional[float]) -> str:
    """Return how long a load usually takes, where that is known."""
    return "" if seconds is None else f" (usually {units.span(seconds)})"


def today(requests: int, tokens: int) -> str:
    """Return what was done today."""
    generated = f", {units.count(tokens)} tokens generated" if tokens else ""
    return f"Today: {units.plural(requests, 'request')}{generated}."


def request_label(request_id: str) -> str:
    """Return what a request is called."""
    return f"request #{request_id}"


def copied(text: str) -> str:
    """Return that something stands in the clipboard now."""
    return f"Copied {text}"


def filtered(text: str, shown: int, of: int) -> str:
    """Return the filter and what it leaves."""
    return f"Filter: {text}  ({shown} of {of})"


SELECT_MODEL, SELECT_REQUEST = "Select a model first (↑↓).", "Select a request first (↑↓)."
SELECT_ROW, NOTHING_DONE, NOTHING_LOADED = "Select a row first (↑↓).", "Nothing changed.", "No model is loaded."
NO_SERVICE = "Can't restart: no service found that runs llama-swap."
NO_UI = "No web UI to open: llama-swap isn't responding."
NO_PROFILES = "No profiles: llama-swap has none, or isn't responding."
PROFILE_KEPT = "Profile unchanged."


def already(label: str, ready: bool) -> str:
    """Return that a model needs no loading."""
    return f"{label} is already {'loaded' if ready else 'loading'}."


def not_loaded(label: str) -> str:
    """Return that there is nothing to unload."""
    return f"{label} isn't loaded."


def not_now(do: Do, label: str) -> str:
    """Return that llama-swap can't do this now, or is too old for it."""
    return f"Can't {do.value} {label} right now."


def elsewhere(label: str) -> str:
    """Return that a peer's model can't be loaded or unloaded from here."""
    return f"{label} runs on another host."


def sorted_by(what: str) -> str:
    """Return how the models are sorted."""
    return f"Sorted by {what}."
