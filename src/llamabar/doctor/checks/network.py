"""Checks of what answers at an address: nothing, another program, or a llama-swap that can be read."""

from typing import Any, Callable, Optional, Tuple

from llamabar.core.events import FaultKind
from llamabar.core.fields import whole
from llamabar.doctor.checks import packages
from llamabar.doctor.checks.facts import Configured, Facts, Server
from llamabar.doctor.checks.finding import Check, Found, Layer, Level, configured, first
from llamabar.doctor.checks.service import SERVICE  # its checks come first: a stopped service explains a silent server

LOCAL_NETWORK_SINCE = 15
BLOCKS = "macOS may block SwiftBar from reaching {it.name}"
LOCAL_NETWORK = "open 'x-apple.systempreferences:com.apple.preference.security?Privacy_LocalNetwork'"
REFUSED, NO_ROUTE, UNAUTHORIZED = FaultKind.REFUSED, FaultKind.NO_ROUTE, FaultKind.UNAUTHORIZED
BLOCKED = (NO_ROUTE, FaultKind.TIMEOUT)
SILENT = (FaultKind.TIMEOUT, FaultKind.CLOSED, FaultKind.LAGGING)
TLS_WANTED = (FaultKind.NOT_LLAMA_SWAP, FaultKind.HTTPS_ONLY)
REST = (FaultKind.RATE_LIMITED, FaultKind.SERVER_ERROR)


def _summary(facts: Facts) -> Tuple[bool, str]:
    said = "; ".join(f"{one.url or one.name}: {one.why}" for one in facts.servers)
    return not any(one.fault for one in facts.servers), said


def _fault(
    *kinds: FaultKind, also: Callable[[Facts, Server], Any] = lambda *_: True
) -> Callable[[Facts], Optional[Server]]:
    """Return a condition that yields the first server with one of these faults for which `also` is true."""
    return lambda facts: next((one for one in facts.servers if one.fault in kinds and also(facts, one)), None)


def _held(*kinds: FaultKind, title: str) -> Callable[[Facts], Any]:
    """Return such a condition whose title names the program that listens at the server's port, if known."""

    def condition(facts: Facts) -> Any:
        """Return the server and the process on its port."""
        server, holder = _fault(*kinds)(facts), facts.processes.holder
        is_named = server is not None and holder is not None and facts.processes.url == server.url
        return server and Found({"it": server, "holder": holder}, title=title if is_named else "")

    return condition


def _settings(facts: Facts, server: Server) -> Configured:
    return next((one for one in facts.settings.servers if one.name == server.name), Configured())


def _is_here(facts: Facts, server: Server) -> bool:
    return _settings(facts, server).local


def _is_elsewhere(facts: Facts, server: Server) -> bool:
    return bool(facts.trouble("mac")) or not _settings(facts, server).local


def _has_key(facts: Facts, server: Server) -> bool:
    return _settings(facts, server).has_key


def may_be_blocked(facts: Facts, server: Server) -> bool:
    """Tell whether macOS may keep programs, such as SwiftBar, from a server on the local network."""
    major = whole(facts.computer.macos.split(".")[0]) or 0
    return _settings(facts, server).private and major >= LOCAL_NETWORK_SINCE


def _is_kept_away(facts: Facts, server: Server) -> bool:
    return may_be_blocked(facts, server) and not facts.computer.exempt


def _is_unknown(facts: Facts, server: Server) -> bool:
    """Tell whether no known service or process could be this server."""
    return _is_here(facts, server) and not facts.agents.found and not facts.processes.llama_swaps


def _no_address(facts: Facts) -> Any:
    server, settings = _fault(FaultKind.NO_ADDRESS)(facts), facts.settings
    return server and Found(server, lines=(*settings.variable_mistakes, *settings.mistakes)[:1])


def _missing(facts: Facts) -> Any:
    server = _fault(REFUSED, also=_is_unknown)(facts)
    return server and not facts.packages.llama_swap and Found(remedy=packages.install(facts))


def _too_old(facts: Facts) -> Any:
    server = _fault(FaultKind.TOO_OLD)(facts)
    return server and Found({"it": server}, remedy=packages.upgrade(facts, local=_is_here(facts, server)))


_BESIDE = ("service-denied-files", "service-log-unwritable", "service-config-missing", "service-config-refused")
_SERVICE = tuple(one.id for one in SERVICE.checks if one.level is Level.ERROR and one.id not in _BESIDE)
_CONFIG, _TRY = "{llamabar} config", "curl -m 5 {it.url}/health"
_SERVERS = ("servers", "settings")
_PROCESSES = ("mac", "servers", "agents", "processes", "settings")
NETWORK = Layer("network", ("servers",), _summary, (
    Check("address-unusable", Level.ERROR, _no_address,
          "The address of {it.name} can't be used", "So nothing is watched. To see what is wrong with it:",
          "{llamabar} config --check", needs=_SERVERS),
    Check("host-unknown", Level.ERROR, _fault(FaultKind.UNKNOWN_HOST),
          "Host not found: {it.name}", "{it.url}", _CONFIG),
    Check("local-network-denied", Level.ERROR, _fault(*BLOCKED, also=_is_kept_away),
          BLOCKS, "Allow SwiftBar and your terminal in Local Network:", LOCAL_NETWORK, ("host-unknown",),
          ("mac", "servers", "settings", "computer")),
    Check("host-unreachable", Level.ERROR, _fault(NO_ROUTE),
          "Host unreachable: {it.name}", "It is off or asleep, or this Mac's network is off. To try again:", _TRY,
          ("local-network-denied",), _SERVERS),
    Check("llama-swap-missing", Level.ERROR, _missing,
          "llama-swap isn't installed", "No llama-swap program was found on this Mac.", packages.INSTALL,
          ("service-plist-broken", "agents-folder-refused"), (*_PROCESSES, "packages")),
    Check("nothing-runs-llama-swap", Level.ERROR, _fault(REFUSED, also=_is_unknown),
          "llama-swap isn't running", "No service was found that starts it. To set one up:", "{llamabar} install",
          ("service-plist-broken", "agents-folder-refused", "llama-swap-missing"), _PROCESSES),
    Check("server-refuses", Level.ERROR, _fault(REFUSED, also=_is_here),
          "Connection refused at {it.url}", "llama-swap is stopped, or listens elsewhere.", "{llamabar} start{on}",
          (*_SERVICE, "nothing-runs-llama-swap"), ("mac", *_SERVERS)),
    Check("server-refuses-elsewhere", Level.ERROR, _fault(REFUSED, also=_is_elsewhere),
          "Connection refused at {it.url}", "Start llama-swap there, or fix the address. To try again:", _TRY,
          needs=_SERVERS),
    Check("server-silent", Level.ERROR,
          _held(*SILENT, title="{holder.name} (pid {holder.pid}) listens at {it.url} and isn't responding"),
          "{it.name} isn't responding", "At {it.url}. It may be busy, or a firewall is in the way. To try again:", _TRY,
          ("local-network-denied",)),
    Check("server-asleep", Level.NOTE, _fault(FaultKind.ASLEEP),
          "{it.name} is asleep", "The next request will wake it:", "curl {it.url}/v1/models"),
    Check("server-wants-tls", Level.ERROR, _fault(*TLS_WANTED, also=lambda _, server: server.wants_tls),
          "{it.name} expects https", "Change http to https in its address, {it.url}. Where it is set:", _CONFIG),
    Check("server-is-another-program", Level.ERROR,
          _held(FaultKind.NOT_LLAMA_SWAP, title="{holder.name} (pid {holder.pid}) is using {it.url}"),
          "Another program is using {it.url}",
          "It isn't a llama-swap server ({it.fault_detail}). Where the address is set:", _CONFIG,
          ("server-wants-tls",)),
    Check("server-too-old", Level.ERROR, _too_old,
          "The llama-swap at {it.url} is too old", "llamabar needs v140 or newer. To upgrade:", packages.RELEASES,
          needs=("servers", "settings", "packages")),
    Check("tls-refused", Level.ERROR, _fault(FaultKind.TLS),
          "Couldn't establish a secure connection to {it.name}",
          "At {it.url}: {it.fault_detail}. Where that is set:", _CONFIG),
    Check("certificate-untrusted", Level.ERROR, _fault(FaultKind.UNTRUSTED),
          "The certificate of {it.name} isn't trusted",
          "Its authority isn't known here ({it.fault_detail}). Set ca_file to the authority's certificate in:",
          "{llamabar} open settings"),
    Check("server-moved", Level.ERROR, _fault(FaultKind.MOVED),
          "{it.url} redirects elsewhere", "It answers {it.fault_detail}. Where the address is set:", _CONFIG),
    Check("events-blocked", Level.ERROR, _fault(FaultKind.NO_EVENTS),
          "The gateway in front of {it.name} doesn't pass on /api/events",
          "Other routes do come through. Let /api/ through as well, then try:", "curl -m 5 {it.url}/api/events"),
    Check("gateway-alone", Level.ERROR, _fault(FaultKind.GATEWAY),
          "The gateway at {it.url} can't reach llama-swap", "Start llama-swap behind it. To try again:", _TRY),
    Check("login-needed", Level.ERROR, _fault(FaultKind.BASIC_AUTH),
          "{it.name} requires a user name and password",
          "A proxy in front asks ({it.fault_detail}). Set basic_auth_keychain in:",
          "{llamabar} open settings"),
    Check("access-denied", Level.ERROR, _fault(FaultKind.SIGN_IN, FaultKind.FORBIDDEN),
          "A sign-in page or an access rule stands in front of {it.name}",
          "At {it.url}. Use an address that leads past it. Where it is set:", _CONFIG),
    Check("server-unusable", Level.ERROR, _fault(*REST),
          "{it.name} can't be watched: {it.why}", "At {it.url}. To try again:", _TRY),
    Check("key-needed", Level.ERROR, _fault(UNAUTHORIZED, also=lambda f, server: not _has_key(f, server)),
          "{it.name} requires an API key", "Set api_key_keychain or api_key_file in:",
          "{llamabar} open settings", ("keychain-silent", "key-not-found"), _SERVERS),
    Check("key-wrong", Level.ERROR, _fault(UNAUTHORIZED, also=_has_key),
          "{it.name} rejects the API key", "Where it is set:", _CONFIG, needs=_SERVERS),
    Check("key-over-plain-http", Level.WARNING,
          first(configured, lambda one: one.url.startswith("http://") and not one.local and one.has_key),
          "The API key for {it.name} is sent unencrypted", "{it.url} isn't https.", _CONFIG, needs=("settings",)),
))  # fmt: skip
NO_FIX = frozenset(one.id for one in NETWORK.checks if one.remedy.startswith((_CONFIG, "curl -m")))  # these only look
