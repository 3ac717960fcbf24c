"""Every word that a user reads in the menu: items that do something in Title Case, facts in sentence case."""

from typing import Dict, Optional

from llamabar.core import units
from llamabar.core.events import Fault, FaultKind, ServiceFound
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

# Labels: the part of a row before its colon, or its first word, by which SwiftBar finds it in an open menu.
SPEED, MEMORY, CPU, GPU, REQUESTS, TODAY, FINISHED = "Speed", "Memory", "CPU", "GPU", "Requests", "Today", "Finished"
REQUEST, LOAD, PEERS, WHY, LAST_UPDATE = "Request", "Load", "Peers", "Why", "Last update"
SETTINGS, UPDATE, OTHERS, ID, ALIASES = "Settings", "Update", "Others", "ID", "Aliases"
GENERATION, PROMPT, CONTEXT, LOAD_TIME = "Generation", "Prompt", "Context", "Load time"
ADDRESS, VERSION, SERVICE = "Address", "Version", "Service"

# Actions
OPEN_UI, MODELS_PAGE, OPEN_MODEL_PAGE = "Open Web UI", "models#/models", "Open Model Page"
OPEN_PAGES = (("Open Activity Page", "activity#/activity"), ("Open Log Page", "#/logs"))
COPY_ENDPOINT, COPY_BASE_URL = "Copy Endpoint", "Copy Base URL"
COPY_CURL, COPY_ID, COPY_FIX = "Copy curl Command", "Copy Model ID", "Copy Fix"
UNLOAD, UNLOAD_ALL, CANCEL_ALL, CANCEL = "Unload", "Unload All Models", "Cancel All Requests", "Cancel Request"
LOAD_AGAIN, PROFILE, NO_PROFILE, NONE = "Try Again", "Profile", "No Profile", "none"
START, STOP, RESTART, MORE = "Start llama-swap", "Stop llama-swap", "Restart llama-swap", "More"
LOG_IN_TERMINAL, OPEN_LOG, OPEN_CONFIG = "Show Log in Terminal", "Open Log", "Open Config"
OPEN_PLIST, OPEN_SETTINGS = "Show LaunchAgent in Finder", "Open Settings"
DOCTOR, HISTORY, RELOAD, ABOUT = "Diagnose in Terminal", "Show Full History", "Reload Plugin", "llamabar"

NO_SERVICE, NOT_MEASURED = "No service installed", "not measured yet"
MODEL_STATES: Dict[str, str] = {"stopping": "unloading", "starting": "loading", "": "on another host"}
ASKED: Dict[str, str] = {"load": "loading…", "unload": "unloading…"}
BUSY, READY_WAITING, NEVER_UNLOADS, ON_ITS_WAY = "busy", "ready, requests waiting", "never unloads", "working…"
COMPUTER, ITSELF, AT_LEAST, NONE_TODAY = "computer", "llama-swap itself", "at least", "no requests yet"
AT, CONNECTED_FOR, OF_MODELS = "{} at {}", "Connected for {}", "models {}"
ON_OTHER_HOSTS, BEST = "{} on other hosts", "best {} tok/s {}"
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
    if not snapshot.connected and snapshot.fault is not None and snapshot.fault.kind in REFUSED_STATUS:
        return REFUSED_STATUS[snapshot.fault.kind]
    return BUSY if found is Status.GENERATING and not is_sure(snapshot) else STATUS[found]


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


def interrupting(text: str, requests: Optional[int]) -> str:
    """Return an item's text with what it does to somebody's work, if it does."""
    return f"{text} (interrupts {units.plural(requests, 'request')})" if requests else text


def speed(reading: Optional[Reading]) -> str:
    """Return a speed with its unit and how sure it is: 41.2 tok/s, ~41.2 tok/s, last 41.2 tok/s."""
    return units.UNKNOWN if reading is None else f"{SOURCE_MARKS[reading.source]}{units.rate(reading.tps)} tok/s"


def speeds(generation: Reading, prompt_tps: Optional[float]) -> str:
    """Return how fast a request was answered and, where it is known, how fast its prompt was processed."""
    return speed(generation) + (f", prompt {units.rate(prompt_tps)} tok/s" if prompt_tps else "")


def generating(reading: Optional[Reading]) -> str:
    """Return that a model generates, and how fast if that is known."""
    return "generating" + ("" if reading is None else f" {speed(reading)}")


def over(watched_s: float, span_s: float) -> str:
    """Return over what time figures were collected: the whole span only once it has passed."""
    return f"over {units.duration(span_s)}" if watched_s >= span_s else "so far"


def spread(now: Optional[Reading], *, middle: Optional[float], best: Optional[float], over: str) -> str:
    """Return a speed now, its median and its best over a time."""
    said = [] if now is None else [f"now {SOURCE_MARKS[now.source]}{units.rate(now.tps)}"]
    return f"{', '.join([*said, f'median {units.rate(middle)}', f'best {units.rate(best)}'])} tok/s {over}"


def prompts(middle_tps: Optional[float], requests: int) -> str:
    """Return how fast prompts were processed."""
    return f"median {units.rate(middle_tps)} tok/s of {units.plural(requests, 'request')}"


def tokens(count: int) -> str:
    """Return a number of tokens."""
    return f"{units.count(count)} tokens"


def usual(seconds: Optional[float], times: int) -> str:
    """Return how long something usually takes, and of how many times that is known."""
    return f"{units.span(seconds)} (median of {times})"


def peak(now: str, highest: str) -> str:
    """Return a size, with its peak if that is another."""
    return now if highest == now else f"{now} (peak {highest})"


def models(count: int, *, more: bool = False) -> str:
    """Return how many models there are; `more`: beside those that have a row of their own."""
    return units.plural(count, "more model" if more else "model")


def left_out(things: int, kind: str = "") -> str:
    """Return how much there was no room for."""
    return f"{units.count(things)} more {kind}".rstrip()


def totals(requests: int, generated: Optional[int], *, missed: bool = False) -> str:
    """Return what was done, the tokens where they are known; `missed`: there was more, which nobody saw."""
    said = units.plural(requests, "request") + (f", {tokens(generated)} generated" if generated else "")
    return f"{AT_LEAST} {said}" if missed else said if requests else NONE_TODAY


def typical(tps: Optional[float], first_token_s: Optional[float]) -> str:
    """Return what follows a model's totals: its typical speed and time to first token, where they are known."""
    said = "" if tps is None else f", {units.rate(tps)} tok/s"
    return said + ("" if first_token_s is None else f", first token after {units.span(first_token_s)}")


def changed(ratio: float) -> str:
    """Return how a typical speed differs from that of the week before."""
    return f"{units.percent(abs(ratio))} {'faster' if ratio > 0 else 'slower'} than the week before"


def title_speed(reading: Optional[Reading]) -> str:
    """Return a speed of always eight characters: "  41 t/s", " ~41 t/s"."""
    if reading is None:
        return f"{units.UNKNOWN:>4} t/s"
    whole = round(reading.tps)
    if reading.source is not Source.ESTIMATE:
        return f"{units.short_count(whole):>4} t/s"
    return f"{f'~{whole}' if whole < 1000 else f'~{whole // 1000}k':>4} t/s"


def title_loading(loading_s: Optional[float]) -> str:
    """Return "load 12s" of always nine characters."""
    return f"load {'' if loading_s is None else f'{min(999, int(loading_s))}s':>4}"


def title_prompt(tokens: Optional[int]) -> str:
    """Return "prompt 5k" of always eleven characters."""
    return f"prompt {'' if tokens is None else units.short_count(tokens):>4}"


def title_queued(waiting: Optional[int]) -> str:
    """Return "2 queued" of always ten characters."""
    return f"{units.UNKNOWN if waiting is None else min(999, waiting):>3} queued"


def ago(seconds: float) -> str:
    """Return an age that need not be counted up: just now, 2 min ago."""
    return "just now" if seconds < 60 else f"{units.duration(seconds)} ago"


def failed(age_s: float, why: str) -> str:
    """Return that a model could not be loaded, when and why."""
    return f"failed to load {ago(age_s)}" + (f", {why}" if why else "")


def loading(loading_s: Optional[float], usual_s: Optional[float]) -> str:
    """Return how long a model has been loading, and how long it usually takes."""
    took = "loading" if loading_s is None else f"loading {units.duration(loading_s)}"
    return took + ("" if usual_s is None else f" (usually {units.span(usual_s)})")


def prompt(tokens: Optional[int]) -> str:
    """Return that a prompt is processed, with the position where it is known."""
    return PHASES[Phase.PROMPT] + ("" if tokens is None else f", {units.count(tokens)} tokens so far")


def unload(ttl_s: Optional[float], rest_s: Optional[float]) -> str:
    """Return when a ready model that is idle will be unloaded, as far as that is known; "" when it is not."""
    if ttl_s is None:
        return ""
    return f"unloads in {units.countdown(max(0.0, rest_s))}" if ttl_s and rest_s is not None else ttl(ttl_s)


def ttl(ttl_s: float) -> str:
    """Return the rule by which a model is unloaded."""
    return f"unloads after {units.duration(ttl_s)} idle" if ttl_s else NEVER_UNLOADS


def active(running: Optional[int], queued: int = 0) -> str:
    """Return how many requests are worked on, and how many wait."""
    if running is None:
        return units.UNKNOWN
    return f"{units.count(running - queued)} active" + (f", {units.count(queued)} waiting" if queued else "")
