"""All words of the dashboard that the menu doesn't have: titles, keys, questions, results.

They are in English, like `view/words.py`, and in the same language tables. Column headers are words of their own, since
a language may need a shorter word there than in a sentence.
"""

from typing import Dict, Mapping, Optional

from llamabar.core import units
from llamabar.view import languages
from llamabar.view.languages import said as _
from llamabar.view.menu import Do
from llamabar.view.words import NOT_LISTED, counted, sentence, totals

PROGRAM, TOKENS_A_SECOND, SINCE = "llamabar", "tok/s", "-5 min"
HEADS: Dict[str, str] = {
    "model": "MODEL", "state": "STATE", "speed": "TOK/S", "memory": "MEMORY", "context": "CONTEXT",
    "unloads": "UNLOADS", "in flight": "REQ", "today": "TODAY", "trend": "LAST 5 MIN",
    "request": "REQUEST", "phase": "PHASE", "tokens": "TOKENS", "age": "AGE", "from": "FROM",
}  # fmt: skip
MODELS, OTHER, IN_USE, FREE = "models", "other", "in use", "free"
NOT_LOADED, NEVER, UNLOADING, ELSEWHERE, AWAY = "–", "never", "unloading", "on another host", "elsewhere"
CONNECTED_FOR, OF_TOP, LAST, TROUBLE_WITH = "connected {}", "of {}", "last {}", "{} {}"
REQUEST_NUMBER = "request #{}"
WAITING, READING, FAILED_TO_LOAD, FAILED = "waiting", "prompt", "failed to load", "failed"
NO_MODELS = ("llama-swap has no models yet.", "Add one to its config: llamabar open config")
NO_REQUESTS, NO_MATCH = "No requests in flight.", "No model or request matches."
CONNECTING, PROFILE, PROFILES, NO_PROFILE = "connecting…", "profile", "Profiles", "No Profile"
DIAGNOSE, PRESS_START = "Press D to find out why.", "Press r to start it."
HELP_TITLE, ANY_KEY = "Keys", "Press any key to return."
LOG_RETURNS = "llama-swap's log. Press q to return to the dashboard."
PAUSED = "Paused. Press Space to go on."
DOCTOR_RETURNS = "Running doctor. Press q to return to the dashboard."
ENDED_RETURNS = "Press any key to return to the dashboard."

HELP: Dict[str, str] = {
    "↑ ↓  j k": "select a model or a request",
    "PgUp PgDn  g G": "scroll by a page, to the start or end",
    "Enter": "show details and charts; Esc goes back",
    "Tab": "next server",
    "/": "filter by name; Esc shows all again",
    "s": "sort by state, name, speed or memory",
    "l  u  U": "load, unload, unload all",
    "c": "cancel the selected request",
    "p": "choose a profile",
    "r": "restart llama-swap, or start it",
    "y": "copy the model's or request's id",
    "o": "open the web UI",
    "L  D": "show the log, run doctor",
    "q": "quit",
}
SORTS: Dict[str, str] = {"state": "state", "name": "name", "speed": "speed", "memory": "memory"}

# A request's facts.
RUNNING_FOR, TOKENS, ANSWER = "Running for", "Tokens", "Answer"

# What keys do, for the bottom line.
BACK, DETAILS, COPY, FILTER, SERVER = "back", "details", "copy id", "filter", "server"
PAUSE, LOG, DOCTOR, HELPS, QUIT = "pause", "log", "doctor", "help", "quit"
KEEP, SHOW_ALL, SELECT, CHOOSE, SPACE = "keep", "show all", "select", "choose", "Space"
DOES: Dict[Do, str] = {
    Do.LOAD: "load", Do.UNLOAD: "unload", Do.UNLOAD_ALL: "unload all", Do.CANCEL: "cancel", Do.START: "start",
    Do.RESTART: "restart",
}  # fmt: skip

SELECT_MODEL, SELECT_REQUEST = "Select a model first (↑↓).", "Select a request first (↑↓)."
SELECT_ROW, NOTHING_DONE, NOTHING_LOADED = "Select a row first (↑↓).", "Nothing changed.", "No model is loaded."
NO_SERVICE = "Can't restart: no service found that runs llama-swap."
NOT_CONNECTED, NO_PROFILES = "Not connected to llama-swap.", "This llama-swap has no profiles."
PROFILE_KEPT, COPIED, FILTERED = "Profile unchanged.", "Copied {}", "Filter: {}  ({} of {})"
ISNT_LOADED, RUNS_ELSEWHERE = "{} isn't loaded.", "{} runs on another host."
MAY_INTERRUPT, INTERRUPTS_NOTHING = "This may interrupt requests.", "No active requests."

# {0} is the model or request; {1} is how long it took, or why it failed.
DOING: Dict[Do, str] = {
    Do.LOAD: "Loading {0}…", Do.UNLOAD: "Unloading {0}…", Do.UNLOAD_ALL: "Unloading all models…",
    Do.CANCEL: "Canceling {0}…", Do.PROFILE: "Changing the profile…", Do.START: "Starting llama-swap…",
    Do.RESTART: "Restarting llama-swap…", Do.OPEN: "Opening the web UI…",
}  # fmt: skip
DONE: Dict[Do, str] = {
    Do.LOAD: "{0} loaded in {1}", Do.UNLOAD: "{0} unloaded", Do.UNLOAD_ALL: "All models unloaded",
    Do.CANCEL: "{0} canceled", Do.PROFILE: "Profile {0} is active", Do.START: "llama-swap started in {1}",
    Do.RESTART: "llama-swap restarted in {1}", Do.OPEN: "Opened the web UI",
}  # fmt: skip
REFUSED: Dict[Do, str] = {
    Do.LOAD: "Couldn't load {0}: {1}", Do.UNLOAD: "Couldn't unload {0}: {1}",
    Do.UNLOAD_ALL: "Couldn't unload all models: {1}", Do.CANCEL: "Couldn't cancel {0}: {1}",
    Do.PROFILE: "Couldn't change the profile: {1}", Do.START: "Couldn't start llama-swap: {1}",
    Do.RESTART: "Couldn't restart llama-swap: {1}", Do.OPEN: "Couldn't open the web UI: {1}",
}  # fmt: skip
NOT_NOW: Dict[Do, str] = {
    Do.LOAD: "Can't load {0} right now.", Do.UNLOAD: "Can't unload {0} right now.",
    Do.CANCEL: "Can't cancel {0} right now.",
}  # fmt: skip
QUESTIONS: Dict[Do, str] = {
    Do.UNLOAD: "Unload {0}?", Do.UNLOAD_ALL: "Unload all models?", Do.CANCEL: "Cancel {0}?",
    Do.RESTART: "Restart llama-swap?",
}  # fmt: skip


def _of(words: Mapping[Do, str], do: Do, *values: str) -> str:
    said = words[do].format(*values)
    return said[:1].upper() + said[1:] if do is Do.CANCEL else said  # a sentence that begins with "request #7"


def doing(do: Do, label: str) -> str:
    """Return what is being done: Loading qwen3-30b…"""
    return _of(DOING, do, label)


def done(do: Do, label: str, took_s: float) -> str:
    """Return what was done: qwen3-30b loaded in 6.2 s."""
    if do is Do.PROFILE and not label:
        return _("No profile is active")
    return _of(DONE, do, label, units.span(took_s))


def failed(do: Do, label: str, why: str) -> str:
    """Return what couldn't be done, and why."""
    return _of(REFUSED, do, label, sentence(why))


def not_now(do: Do, label: str) -> str:
    """Return that llama-swap can't do this now, or is too old for it."""
    return _of(NOT_NOW, do, label)


def question(do: Do, label: str, requests: Optional[int]) -> str:
    """Return the question to ask before interrupting requests."""
    said = _of(QUESTIONS, do, label)
    return said if do is Do.CANCEL else f"{said} {interrupts(requests)}"


def interrupts(requests: Optional[int]) -> str:
    """Return how many requests an action interrupts; None means that the number is unknown."""
    if requests is None:
        return MAY_INTERRUPT
    return _("This interrupts {}.", counted(requests, "request")) if requests else INTERRUPTS_NOTHING


def more(above: int, below: int) -> str:
    """Return how many rows a scrolled table leaves out."""
    return " ".join(f"{arrow}{count}" for arrow, count in (("↑", above), ("↓", below)) if count)


def speeds(now: str, typical: str, best: str) -> str:
    """Return the key figures of a speed chart, as far as they are known."""
    said = (_("now {}", now) if now else "", _("typical {}", typical) if typical else "")
    return " · ".join(filter(None, (*said, _("best {}", best) if best else "")))


def answer(size: Optional[int]) -> str:
    """Return the size of an answer so far; a dash if unknown."""
    return units.UNKNOWN if size is None else _("{} bytes", units.count(size))


def in_flight(requests: Optional[int]) -> str:
    """Return how many requests there are, if only that is known; None if not even that is."""
    if requests is None:
        return sentence(NOT_LISTED)
    return _("{} in flight.", counted(requests, "request")) if requests else NO_REQUESTS


def today(requests: int, tokens: int) -> str:
    """Return today's totals."""
    return _("Today: {}.", totals(requests, tokens))


def already(label: str, ready: bool) -> str:
    """Return that a model is already loaded or loading."""
    return _("{} is already loaded." if ready else "{} is already loading.", label)


def sort_key(what: str) -> str:
    """Return the label of the sort key: how models are sorted."""
    return _("sort: {}", SORTS[what])


def sorted_by(what: str) -> str:
    """Return how models are sorted."""
    return _("Sorted by {}.", SORTS[what])


def made_up(url: str, *, drawn: bool) -> str:
    """Return what the demo shows. `drawn`: as a dashboard."""
    if drawn:
        return _("Demo server at {}. Space pauses.", url)
    return _("Demo server at {}: a line for every change.", url)


ENGLISH = languages.constants(globals())
