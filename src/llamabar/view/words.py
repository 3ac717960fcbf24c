"""Every word in the menu: actions in Title Case, facts in sentence case.

The words here are English, and are the keys of each language's table (`languages/`). `languages.speak` translates the
constants once, before the first menu; the functions translate their words when called.
"""

from typing import Callable, Dict, Optional

from llamabar.core import units
from llamabar.core.events import Fault, FaultKind, ServiceFound
from llamabar.core.history import Range
from llamabar.core.phases import Phase
from llamabar.core.pressure import Pressure
from llamabar.core.speed import Reading, Source
from llamabar.core.state import Snapshot
from llamabar.core.status import Status, is_sure
from llamabar.view import languages
from llamabar.view.languages import said as _

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
    FaultKind.NO_ROUTE: "Host unreachable",
    FaultKind.TLS: "Couldn't establish a secure connection",
    FaultKind.UNTRUSTED: "The certificate isn't trusted",
    FaultKind.UNAUTHORIZED: "API key missing or incorrect",
    FaultKind.NOT_LLAMA_SWAP: "Another program is using this address",
    FaultKind.TOO_OLD: "llamabar needs llama-swap v140 or newer",
    FaultKind.BASIC_AUTH: "User name and password required in front of llama-swap",
    FaultKind.SIGN_IN: "A sign-in page stands in front of llama-swap",
    FaultKind.FORBIDDEN: "Access denied in front of llama-swap",
    FaultKind.HTTPS_ONLY: "This address redirects to https://",
    FaultKind.MOVED: "This address redirects elsewhere",
    FaultKind.NO_EVENTS: "The gateway doesn't pass on /api/events",
    FaultKind.RATE_LIMITED: "Too many requests",
    FaultKind.SERVER_ERROR: "Internal server error",
    FaultKind.GATEWAY: "The gateway can't reach llama-swap",
    FaultKind.CLOSED: "Connection closed",
    FaultKind.NO_ADDRESS: "This address can't be used",
    FaultKind.LAGGING: "Reconnecting…",
    FaultKind.ASLEEP: "Asleep. The next request will wake it",
}

# What a status is called if the fault says more than the status does.
REFUSED_STATUS: Dict[FaultKind, str] = {
    FaultKind.TOO_OLD: "too old", FaultKind.FORBIDDEN: "access denied",
    FaultKind.BASIC_AUTH: "sign-in required", FaultKind.SIGN_IN: "sign-in required",
}  # fmt: skip

REMEDIES: Dict[FaultKind, str] = {
    FaultKind.UNAUTHORIZED: "API key: set api_key_keychain or api_key_file in the settings",
    FaultKind.NOT_LLAMA_SWAP: "Address: check url in the settings",
    FaultKind.BASIC_AUTH: "Sign-in: set basic_auth_keychain or basic_auth_file in the settings",
    FaultKind.SIGN_IN: "Address: set url to one that needs no sign-in, such as llama-swap's own port",
    FaultKind.FORBIDDEN: "Access: allow this computer in the gateway's rules",
    FaultKind.HTTPS_ONLY: "Address: write https:// in the settings",
    FaultKind.UNTRUSTED: "Certificate: set ca_file in the settings to its authority's certificate",
    FaultKind.MOVED: "Address: set url to where it redirects",
    FaultKind.NO_EVENTS: "Gateway: let /api/ through",
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

PRESSURES: Dict[Pressure, str] = {Pressure.WARNING: "high pressure", Pressure.CRITICAL: "critical pressure"}

SOURCE_MARKS: Dict[Source, str] = {Source.LIVE: "", Source.ESTIMATE: "~", Source.LAST: "last "}

# Labels. SwiftBar finds a row in an open menu by its label up to the first colon, else by its first word.
SPEED, LAST_SPEED = "Speed", "Last speed"
PROMPT, MEMORY, REQUESTS, CONTEXT, LOAD_TIME = "Prompt", "Memory", "Requests", "Context", "Load time"
CPU, GPU, TODAY, FINISHED = "CPU", "GPU", "Today", "Finished"
MODELS, OTHER_PROGRAMS, IN_USE, FREE = "Models", "Other programs", "In use", "Free"
REQUEST, LOAD, PEERS, LAST_UPDATE, LAST_REQUEST = "Request", "Load Model", "Peers", "Last update", "Last request"
MORE_LOADED, MORE_MODELS, SETTINGS, UPDATE = "More Loaded Models", "More Models", "Settings", "Update"
LEFT_OUT, ID, ALIASES, REASON, WHY = "Left out", "ID", "Aliases", "Reason", "Why"
DRAFTS, CHANGE, DESCRIPTION = "Accepted drafts", "Change", "Description"
ADDRESS, VERSION, AGENT, CONNECTED, ITSELF = "Address", "Version", "LaunchAgent", "Connected", "Own memory"
FROM, PATH, AWAKE, SERVICE, RANGE = "From", "Path", "Keeping this Mac awake", "Service", "Range"

# Actions
OPEN_UI, OPEN_MODEL_PAGE = "Open Web UI", "Open Model Page"
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
BUSY, NEVER_UNLOADS, ON_ITS_WAY = "busy", "never unloads", "working…"
READY_OR_BUSY = "ready or busy"  # some model is busy, and nothing tells which
AT_LEAST, NONE_TODAY, NOT_LISTED = "at least", "no requests yet", "This llama-swap version doesn't list requests"
READY = STATUS[Status.READY]
AT, ON_OTHER_HOSTS, COMMA = "{} at {}", "{} on other hosts", ", "
REFUSED_FOR_S = 10.0
FAULT_TITLE = "llamabar ran into a problem"
FAULT_GOES_ON = "It will try again every few seconds. If this stays, please report the line above."
REFUSALS: Dict[str, str] = {
    "load": "couldn't load", "unload": "couldn't unload", "unload all": "couldn't unload all models",
    "cancel": "couldn't cancel the request", "cancel all": "couldn't cancel all requests",
    "profile": "couldn't choose the profile", "show": "couldn't open it", "copy": "couldn't copy it",
    "start": "couldn't start", "stop": "couldn't stop", "restart": "couldn't restart",
}  # fmt: skip


def joined(*parts: str) -> str:
    """Return the parts that say something, with commas between them."""
    return COMMA.join(filter(None, parts))


def counted(number: int, one: str) -> str:
    """Return a number with its noun: 1 request, 2 requests."""
    return _(f"{{}} {one}" if number == 1 else f"{{}} {one}s", units.count(number))


def internal_error(kind: str, where: str) -> str:
    """Return that llamabar failed, and where."""
    return _("llamabar: Internal error, {} at {}", kind, where)


def sentence(text: str) -> str:
    """Return a text with one period at its end."""
    return text if text.endswith(("…", "?", "!", "。")) else _("{}.", text.rstrip("."))


def status(snapshot: Snapshot, found: Status) -> str:
    """Return a status in words; "busy" if this version doesn't tell what it is busy with."""
    if found is Status.CRASHING:
        return crashed(snapshot.service)
    if found is Status.STOPPING and not snapshot.connected:
        return _("stopping")
    begins = snapshot.fault is None or snapshot.fault.kind is FaultKind.LAGGING
    if found is Status.STARTING and (snapshot.connected or begins):
        return CONNECTING
    if not snapshot.connected and snapshot.fault is not None and snapshot.fault.kind in REFUSED_STATUS:
        return REFUSED_STATUS[snapshot.fault.kind]
    return BUSY if found is Status.GENERATING and not is_sure(snapshot) else STATUS[found]


def summary(found: Status, status: str, doing: str) -> str:
    """Return a server's state as shown after its name: "41.2 tok/s", "2 models ready", "not responding, 2 min"."""
    if found is Status.READY and doing:
        return _("{} ready", doing)
    return doing if found is Status.GENERATING and doing else joined(status, doing)


def crashed(service: Optional[ServiceFound]) -> str:
    """Return that a service crashed, and how often."""
    times = service.crashes if service is not None else 0
    return _("crashed {} times", units.count(times)) if times > 1 else STATUS[Status.CRASHING]


def why(fault: Fault, found: Status, *, detail: str = "") -> str:
    """Return why a server can't be watched. `detail` is the fault's, made harmless."""
    if found is Status.NO_SERVICE:
        return NO_SERVICE
    return FAULTS[fault.kind] + (f" ({detail})" if detail else "")


def refused(what: str, why: str, *, in_row: bool = False) -> str:
    """Return that a click was refused, and why. `in_row`: for use after the colon of the row that was clicked."""
    said = REFUSALS.get(what, f"couldn't {what}")
    return f"{said} ({why})" if in_row else f"{said[:1].upper()}{said[1:]}: {why}"


def interrupts(requests: Optional[int]) -> str:
    """Return how many requests an action interrupts; "" if none."""
    return _("interrupts {}", counted(requests, "request")) if requests else ""


def speed(reading: Optional[Reading]) -> str:
    """Return a speed with its unit and source: 41.2 tok/s, ~41.2 tok/s, last 41.2 tok/s."""
    return units.UNKNOWN if reading is None else f"{SOURCE_MARKS[reading.source]}{units.rate(reading.tps)} tok/s"


def range_words(found: Optional[Range], say: Callable[[float], str]) -> str:
    """Return the lowest, highest and typical value of a chart; "" if nothing is known or all are the same."""
    lowest, typical, highest = map(say, found) if found is not None else ("", "", "")
    return "" if lowest == highest else with_typical(bounds(lowest, highest), _without_unit(typical, highest))


def with_typical(figure: str, typical: str) -> str:
    """Return a figure and the typical one, which has the same unit."""
    return _("{}, typical {}", figure, typical)


def bounds(lowest: str, highest: str) -> str:
    """Return the range of a figure."""
    return _("{} to {}", _without_unit(lowest, highest), highest)


def _without_unit(figure: str, like: str) -> str:
    """Return a figure without its unit, if another figure with the same unit follows."""
    return figure.removesuffix(like[like.find(" ") :]) if " " in like else figure


def tps(tps: float) -> str:
    """Return a speed with its unit."""
    return f"{units.rate(tps)} tok/s"


def tokens(count: int) -> str:
    """Return a number of tokens."""
    return counted(count, "token")


def peak(now: str, highest: str) -> str:
    """Return a size, and its peak if that differs."""
    return now if highest == now else _("{}, peak {}", now, highest)


def totals(requests: int, generated: Optional[int], *, missed: bool = False) -> str:
    """Return totals, with tokens if known. `missed`: there were more, which weren't seen."""
    tokens = _("{} token" if generated == 1 else "{} tokens", units.short_count(generated)) if generated else ""
    found = joined(counted(requests, "request"), tokens)
    return f"{AT_LEAST} {found}" if missed else found if requests else NONE_TODAY


def changed(ratio: float) -> str:
    """Return how a typical speed differs from the week before."""
    how_much = units.percent(abs(ratio))
    return _("{} faster than last week" if ratio > 0 else "{} slower than last week", how_much)


def ago(seconds: float) -> str:
    """Return an age that needn't count seconds: just now, 2 min ago."""
    return _("just now") if seconds < 60 else _("{} ago", units.duration(seconds))


def of(part: str, whole: str) -> str:
    """Return a part of a whole."""
    return _("{} of {}", part, whole)


def active(running: Optional[int], queued: int = 0) -> str:
    """Return how many requests are being processed, and how many are waiting."""
    if running is None:
        return units.UNKNOWN
    if not running:
        return NONE
    working = _("{} active", units.count(running - queued)) if running > queued else ""
    return joined(working, _("{} waiting", units.count(queued)) if queued else "")


ENGLISH = languages.constants(globals())
