"""Every word that a user reads in the menu: items that do something in Title Case, facts in sentence case."""

from typing import Callable, Dict, Optional

from llamabar.core import units
from llamabar.core.events import Fault, FaultKind, ServiceFound
from llamabar.core.history import Spread
from llamabar.core.phases import Phase
from llamabar.core.speed import Reading, Source
from llamabar.core.state import Snapshot
from llamabar.core.status import Status, is_sure

SERVER = "llama-swap"

STATUS: Dict[Status, str] = {
    Status.NO_SERVICE: "not running",
    Status.STOPPED: "stopped",
    Status.STARTING: "starting",
    Status.CRASHING: "crashed",
    Status.UNREACHABLE: "not responding",
    Status.UNAUTHORIZED: "API key required",
    Status.INCOMPATIBLE: "not a llama-swap server",
    Status.EMPTY: "no model loaded",
    Status.READY: "ready",
    Status.LOADING: "loading",
    Status.QUEUED: "requests waiting",
    Status.PROMPT: "processing prompt",
    Status.GENERATING: "generating",
    Status.STOPPING: "unloading",
}

FAULTS: Dict[FaultKind, str] = {
    FaultKind.REFUSED: "Connection refused",
    FaultKind.TIMEOUT: "Timed out",
    FaultKind.UNKNOWN_HOST: "Host not found",
    FaultKind.TLS: "Couldn't establish a secure connection",
    FaultKind.UNAUTHORIZED: "API key missing or incorrect",
    FaultKind.NOT_LLAMA_SWAP: "Another program is using this address",
    FaultKind.BASIC_AUTH: "User name and password required in front of llama-swap",
    FaultKind.SIGN_IN: "A sign-in page stands in front of llama-swap",
    FaultKind.FORBIDDEN: "Access denied in front of llama-swap",
    FaultKind.HTTPS_ONLY: "This address redirects to https://",
    FaultKind.RATE_LIMITED: "Too many requests",
    FaultKind.SERVER_ERROR: "Internal server error",
    FaultKind.GATEWAY: "The gateway can't reach llama-swap",
    FaultKind.CLOSED: "Connection closed",
    FaultKind.NO_ADDRESS: "This address can't be used",
    FaultKind.LAGGING: "Reconnecting…",
    FaultKind.ASLEEP: "Asleep. The next request will wake it",
}

# What a status is called where the fault says more than the status does.
REFUSED_STATUS: Dict[FaultKind, str] = {
    FaultKind.BASIC_AUTH: "sign-in required",
    FaultKind.SIGN_IN: "sign-in required",
    FaultKind.FORBIDDEN: "access denied",
}

REMEDIES: Dict[FaultKind, str] = {
    FaultKind.UNAUTHORIZED: "API key: set api_key_keychain or api_key_file in the settings",
    FaultKind.NOT_LLAMA_SWAP: "Address: check url in the settings",
    FaultKind.BASIC_AUTH: "Sign-in: set basic_auth_keychain or basic_auth_file in the settings",
    FaultKind.SIGN_IN: "Address: set url to one that needs no sign-in, such as llama-swap's own port",
    FaultKind.FORBIDDEN: "Access: allow this computer in the gateway's rules",
    FaultKind.HTTPS_ONLY: "Address: write https:// in the settings",
    FaultKind.RATE_LIMITED: "Limit: exempt /api/ from the gateway's rate limit",
    FaultKind.SERVER_ERROR: "Log: check the log of the server at this address",
    FaultKind.GATEWAY: "Gateway: is llama-swap running, and does the gateway point at its port?",
}

PHASES: Dict[Phase, str] = {
    Phase.QUEUED: "waiting",
    Phase.LOADING: "waiting for the model",
    Phase.PROMPT: "processing prompt",
    Phase.WORKING: "in progress",
    Phase.GENERATING: "generating",
}

SOURCE_MARKS: Dict[Source, str] = {Source.LIVE: "", Source.ESTIMATE: "~", Source.LAST: "last "}

# Labels. SwiftBar finds a row in an open menu by its label up to the first colon, else by its first word.
SPEED, LAST_SPEED, TYPICAL = "Speed", "Last speed", "Typical"
PROMPT, MEMORY, REQUESTS, CONTEXT, LOAD_TIME = "Prompt", "Memory", "Requests", "Context", "Load time"
CPU, GPU, TODAY, FINISHED, PRESSURE = "CPU", "GPU", "Today", "Finished", "Pressure"
MODELS, OTHER_PROGRAMS, IN_USE, FREE = "Models", "Other programs", "In use", "Free"
REQUEST, LOAD, PEERS, LAST_UPDATE, LAST_REQUEST = "Request", "Load Model", "Peers", "Last update", "Last request"
MORE_LOADED, MORE_MODELS, SETTINGS, UPDATE = "More Loaded Models", "More Models", "Settings", "Update"
LEFT_OUT, ID, ALIASES, REASON, WHY = "Left out", "ID", "Aliases", "Reason", "Why"
FIRST_TOKEN, CACHED, DRAFTS, CHANGE = "First token", "Cached prompts", "Accepted drafts", "Change"
ADDRESS, VERSION, SERVICE, CONNECTED, ITSELF = "Address", "Version", "Service", "Connected", "llama-swap's memory"
FROM, PATH = "From", "Path"

# Actions
OPEN_UI, MODELS_PAGE, OPEN_MODEL_PAGE = "Open Web UI", "models#/models", "Open Model Page"
COPY_ENDPOINT, COPY_BASE_URL = "Copy Endpoint", "Copy Base URL"
COPY_CURL, COPY_ID, COPY_FIX = "Copy curl Command", "Copy Model ID", "Copy Fix"
UNLOAD, UNLOAD_NOW, UNLOAD_BUSY = "Unload", "Unload Now", "Interrupt and Unload"
UNLOAD_ALL, CANCEL_ALL, CANCEL = "Unload All Models", "Cancel All Requests", "Cancel Request"
CANCEL_NOW, RESTART_NOW, STOP_NOW = "Cancel Now", "Restart Now", "Stop Now"
LOAD_AGAIN, PROFILE, NO_PROFILE = "Try Again", "Profile", "No Profile"
START, STOP, RESTART = "Start llama-swap", "Stop llama-swap", "Restart llama-swap"
LOG_IN_TERMINAL, OPEN_LOG, OPEN_CONFIG = "Show Log in Terminal", "Open Log", "Open Config"
OPEN_PLIST, OPEN_SETTINGS = "Show LaunchAgent in Finder", "Open Settings"
INSTALL, UNINSTALL, ADD_MODEL = "Install the Service…", "Uninstall in Terminal", "Add Your First Model…"
DOCTOR, HISTORY, RELOAD, ABOUT = "Diagnose in Terminal", "Show Full History", "Reload Plugin", "llamabar"
ADD_MODEL_URL = "https://github.com/mostlygeek/llama-swap/blob/main/docs/configuration.md"

NO_SERVICE, NONE, CONNECTING = "No service installed", "none", "connecting…"
MODEL_STATES: Dict[str, str] = {"stopping": "unloading", "starting": "loading", "": "on another host"}
ASKED: Dict[str, str] = {"load": "loading…", "unload": "unloading…"}
BUSY, READY_WAITING, NEVER_UNLOADS, ON_ITS_WAY = "busy", "ready, requests waiting", "never unloads", "working…"
AT_LEAST, NONE_TODAY, NOT_LISTED = "at least", "no requests yet", "This llama-swap version doesn't list requests"
READY = STATUS[Status.READY]
AT, ON_OTHER_HOSTS = "{} at {}", "{} on other hosts"
REFUSED_FOR_S = 10.0
FAULT_TITLE = "llamabar ran into a problem"
FAULT_GOES_ON = "It will try again every few seconds. If this stays, please report the line above."
REFUSALS: Dict[str, str] = {
    "unload all": "unload all models", "cancel": "cancel the request", "cancel all": "cancel all requests",
    "profile": "choose the profile", "show": "open it", "copy": "copy it",
}  # fmt: skip


def internal_error(kind: str, where: str) -> str:
    """Return that this program failed, and where."""
    return f"llamabar: Internal error, {kind} at {where}"


def sentence(text: str) -> str:
    """Return a text that ends in one full stop."""
    return text if text.endswith(("…", "?", "!")) else text.rstrip(".") + "."


def status(snapshot: Snapshot, found: Status) -> str:
    """Return a status in words; "busy" where a version does not tell what it is busy with."""
    if found is Status.CRASHING:
        return crashed(snapshot.service)
    if found is Status.STOPPING and not snapshot.connected:
        return "stopping"
    if found is Status.STARTING and (snapshot.connected or snapshot.fault is None):
        return CONNECTING
    if not snapshot.connected and snapshot.fault is not None and snapshot.fault.kind in REFUSED_STATUS:
        return REFUSED_STATUS[snapshot.fault.kind]
    return BUSY if found is Status.GENERATING and not is_sure(snapshot) else STATUS[found]


def summary(found: Status, status: str, doing: str) -> str:
    """Return a server's state behind its name: "41.2 tok/s", "2 models ready", "not responding, 2 min"."""
    if found is Status.READY and doing:
        return f"{doing} {status}"
    return doing if found is Status.GENERATING and doing else ", ".join(part for part in (status, doing) if part)


def crashed(service: Optional[ServiceFound]) -> str:
    """Return that a service crashed, and how often."""
    times = service.crashes if service is not None else 0
    return f"{STATUS[Status.CRASHING]} {units.plural(times, 'time')}" if times > 1 else STATUS[Status.CRASHING]


def why(fault: Fault, found: Status, *, detail: str = "") -> str:
    """Return why a server can't be watched; `detail` is the fault's, made harmless."""
    if found is Status.NO_SERVICE:
        return NO_SERVICE
    return FAULTS[fault.kind] + (f" ({detail})" if detail else "")


def refused(what: str, why: str, *, in_row: bool = False) -> str:
    """Return that a click was refused, and why; `in_row`: behind the colon of the row that was clicked."""
    return f"couldn't {what} ({why})" if in_row else f"Couldn't {REFUSALS.get(what, what)}: {why}"


def interrupts(requests: Optional[int]) -> str:
    """Return what an item does to somebody's work, "" if nothing."""
    return f"interrupts {units.plural(requests, 'request')}" if requests else ""


def speed(reading: Optional[Reading]) -> str:
    """Return a speed with its unit and how sure it is: 41.2 tok/s, ~41.2 tok/s, last 41.2 tok/s."""
    return units.UNKNOWN if reading is None else f"{SOURCE_MARKS[reading.source]}{units.rate(reading.tps)} tok/s"


def over(watched_s: float, span_s: float) -> str:
    """Return over what time figures were collected: the whole span only once it has passed."""
    return f"over {units.duration(span_s)}" if watched_s >= span_s else "so far"


def spread(spread: Optional[Spread], say: Callable[[float], str], over: str = "") -> str:
    """Return the lowest, typical and highest of a chart, "" where nothing is known."""
    if spread is None:
        return ""
    return f"lowest {say(spread.lowest)}, typical {say(spread.typical)}, highest {say(spread.highest)} {over}".rstrip()


def bounds(lowest: str, highest: str) -> str:
    """Return between what a figure moved."""
    return f"{lowest} to {highest}"


def tps(tps: float) -> str:
    """Return a speed with its unit."""
    return f"{units.rate(tps)} tok/s"


def tokens(count: int) -> str:
    """Return a number of tokens."""
    return f"{units.count(count)} tokens"


def tokens_of(used: int, count: int) -> str:
    """Return how much of a context is used."""
    return f"{units.count(used)} of {tokens(count)}"


def after(seconds: float) -> str:
    """Return how long something is waited for."""
    return f"after {units.span(seconds)}"


def usual(seconds: Optional[float], times: int) -> str:
    """Return how long something usually takes, and of how many times that is known."""
    return f"{units.span(seconds)} (median of {times})"


def peak(now: str, highest: str) -> str:
    """Return a size, with its peak if that is another."""
    return now if highest == now else f"{now}, peak {highest}"


def totals(requests: int, generated: Optional[int], *, missed: bool = False) -> str:
    """Return what was done, the tokens where they are known; `missed`: there was more, which nobody saw."""
    said = units.plural(requests, "request") + (f", {units.short_count(generated)} tokens" if generated else "")
    return f"{AT_LEAST} {said}" if missed else said if requests else NONE_TODAY


def typical(tps: Optional[float], first_token_s: Optional[float]) -> str:
    """Return what follows a model's totals: its typical speed and time to first token, where they are known."""
    said = "" if tps is None else f", {units.rate(tps)} tok/s"
    return said + ("" if first_token_s is None else f", first token after {units.span(first_token_s)}")


def changed(ratio: float) -> str:
    """Return how a typical speed differs from that of the week before."""
    return f"{units.percent(abs(ratio))} {'faster' if ratio > 0 else 'slower'} than the week before"


def ago(seconds: float) -> str:
    """Return an age that need not be counted up: just now, 2 min ago."""
    return "just now" if seconds < 60 else f"{units.duration(seconds)} ago"


def failed(age_s: float) -> str:
    """Return that a model could not be loaded, and when."""
    return f"failed to load, {ago(age_s)}"


def loading(loading_s: Optional[float], usual_s: Optional[float]) -> str:
    """Return how long a model has been loading, and how long it usually takes."""
    took = "loading" if loading_s is None else f"loading {units.duration(loading_s)}"
    return took + ("" if usual_s is None else f" of ~{units.span(usual_s)}")


def prompt(tokens: Optional[int]) -> str:
    """Return that a prompt is processed, with the position where it is known."""
    return PHASES[Phase.PROMPT] + ("" if tokens is None else f", {units.count(tokens)} tokens so far")


def unload(ttl_s: Optional[float], rest_s: Optional[float]) -> str:
    """Return when a ready model that is idle will be unloaded, as far as that is known; "" when it is not."""
    if ttl_s is None:
        return ""
    return f"unloads in {units.countdown(max(0.0, rest_s))}" if ttl_s and rest_s is not None else ttl(ttl_s)


def left(rest_s: float) -> str:
    """Return the time to an unload."""
    return f"{units.countdown(max(0.0, rest_s))} left"


def ttl(ttl_s: float) -> str:
    """Return the rule by which a model is unloaded."""
    return f"unloads after {units.duration(ttl_s)} idle" if ttl_s else NEVER_UNLOADS


def active(running: Optional[int], queued: int = 0) -> str:
    """Return how many requests are worked on, and how many wait."""
    if running is None:
        return units.UNKNOWN
    if not running:
        return NONE
    return f"{units.count(running - queued)} active" + (f", {units.count(queued)} waiting" if queued else "")
