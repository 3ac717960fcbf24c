"""What answers at the address: nothing, something else, or a llama-swap that lets us look."""

from typing import Optional

from llamabar.doctor.checks.facts import Configured, Facts, Server
from llamabar.doctor.checks.finding import Found, Layer, Level
from llamabar.doctor.checks.running import SERVICE  # its checks come first: a stopped service explains a silent address

LOCAL_NETWORK_SINCE = 15


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    return "; ".join(f"{one.url}: {one.fault.replace('_', ' ') or 'answers'}" for one in facts.servers)


NETWORK = Layer("network", ("servers",), summary)
_OPEN_SETTINGS = "{llamabar} config"


def _service_causes() -> "tuple[str, ...]":
    beside = ("service-denied-files", "service-log-unwritable", "service-config-missing", "service-config-refused")
    return tuple(check.id for check in SERVICE.checks if check.level is Level.ERROR and check.id not in beside)


@NETWORK.check(Level.NOTE, "No proxy is set that others would use for this computer", needs=("surroundings",),
               remedy="export NO_PROXY=localhost,127.0.0.1")  # fmt: skip
def proxy_for_loopback(facts: Facts) -> Optional[Found]:
    """A proxy is set and NO_PROXY does not name this computer: llamabar ignores it, other clients go astray."""
    found = facts.surroundings
    if not found.proxies or found.spares_loopback:
        return None
    return Found("Other programs would reach llama-swap through a proxy", f"{', '.join(found.proxies)} is set.")


@NETWORK.check(Level.ERROR, "The host name is known", remedy=_OPEN_SETTINGS)
def host_unknown(facts: Facts) -> Optional[Found]:
    """The host in the server's address is not known to this network."""
    server = _with_fault(facts, "unknown_host")
    return Found(f"The host of {server.name} is not known", server.url) if server else None


@NETWORK.check(
    Level.WARNING, "macOS lets it reach the local network", needs=("mac", "servers", "settings", "computer"),
    after=("host-unknown",),
    remedy="open 'x-apple.systempreferences:com.apple.preference.security?Privacy_LocalNetwork'",
)  # fmt: skip
def local_network_denied(facts: Facts) -> Optional[Found]:
    """A server in the home network does not answer, and macOS 15 or newer may be keeping SwiftBar from it."""
    server = _with_fault(facts, "refused", "timeout")
    private = server is not None and any(one.private for one in facts.settings.servers if one.name == server.name)
    major = facts.mac.macos.split(".")[0]
    if server is None or not private or not major.isdigit() or int(major) < LOCAL_NETWORK_SINCE:
        return None
    return Found(f"macOS may keep SwiftBar from {server.name}", "Allow SwiftBar (and Terminal) in Local Network:")


@NETWORK.check(Level.ERROR, "A service or program runs llama-swap", remedy="{llamabar} install",
               needs=("mac", "servers", "agents", "processes", "settings"),
               after=("service-plist-broken", "agents-folder-refused"))  # fmt: skip
def nothing_runs_llama_swap(facts: Facts) -> Optional[Found]:
    """No service is known that runs llama-swap, and nothing answers at its address on this computer."""
    server = _with_fault(facts, "refused")
    local = server is not None and any(one.local for one in facts.settings.servers if one.name == server.name)
    if not local or facts.agents.labels or facts.processes.llama_swaps:
        return None
    return Found("Nothing runs llama-swap", "No service is known, and no such program is running.")


@NETWORK.check(Level.ERROR, "Something listens at the address", remedy="{llamabar} start",
               needs=("mac", "servers", "settings"),
               after=(*_service_causes(), "nothing-runs-llama-swap"))  # fmt: skip
def server_refuses(facts: Facts) -> Optional[Found]:
    """Nothing listens at the server's address on this Mac: it is stopped, or listens elsewhere."""
    server = _with_fault(facts, "refused")
    if server is None or not _settings(facts, server).local:
        return None
    return Found(f"Nothing listens at {server.url}", "llama-swap is stopped, or listens elsewhere.")


@NETWORK.check(Level.ERROR, "Something listens at the address on another computer", remedy="curl -m 5 {url}/health",
               needs=("servers", "settings"), after=("local-network-denied",))  # fmt: skip
def server_refuses_elsewhere(facts: Facts) -> Optional[Found]:
    """Nothing listens at the address of a server that this program cannot start: on another computer, or no Mac."""
    server = _with_fault(facts, "refused")
    if server is None or (_settings(facts, server).local and not facts.trouble("mac")):
        return None
    return Found(f"Nothing listens at {server.url}", "Start llama-swap there, or mend the address. To try again:",
                 {"url": server.url})  # fmt: skip


@NETWORK.check(Level.ERROR, "The server answers in time", after=("local-network-denied",),
               remedy="curl -m 5 {url}/health")  # fmt: skip
def server_silent(facts: Facts) -> Optional[Found]:
    """The server takes the connection and does not answer in time: it hangs, or a firewall swallows it."""
    server = _with_fault(facts, "timeout", "closed", "lagging")
    if server is None:
        return None
    return Found(f"{server.name} does not answer in time", f"At {server.url}.", {"url": server.url})


@NETWORK.check(Level.NOTE, "The server is awake", remedy="curl {url}/v1/models")
def server_asleep(facts: Facts) -> Optional[Found]:
    """A wake-on-LAN proxy answers for a server that is asleep; any real request wakes it."""
    server = _with_fault(facts, "asleep")
    if server is None:
        return None
    return Found(f"{server.name} is asleep", "A wake-on-LAN proxy answers for it. This wakes it:", {"url": server.url})


@NETWORK.check(Level.ERROR, "The address names http or https rightly", remedy=_OPEN_SETTINGS)
def server_wants_tls(facts: Facts) -> Optional[Found]:
    """The server speaks TLS and the address in the settings says http."""
    server = _with_fault(facts, "not_llama_swap")
    if server is None or not server.url.startswith("http://") or "answers 400" not in server.fault_detail:
        return None
    said = f"Change the address to https://{server.url[7:]}; where it is set:"
    return Found(f"{server.name} wants a secure connection", said)


@NETWORK.check(Level.ERROR, "llama-swap answers, not another program", remedy=_OPEN_SETTINGS,
               after=("server-wants-tls",))  # fmt: skip
def server_is_another_program(facts: Facts) -> Optional[Found]:
    """Another program answers at the server's address."""
    server = _with_fault(facts, "not_llama_swap")
    if server is None:
        return None
    holder = facts.processes.holder if facts.processes.url == server.url else None
    who = f"{holder.name} (pid {holder.pid})" if holder is not None else "another program"
    return Found(f"At {server.url} {who} answers", f"{server.fault_detail}. Where the address is set:")


@NETWORK.check(Level.ERROR, "The secure connection is trusted", remedy="{llamabar} config")
def tls_refused(facts: Facts) -> Optional[Found]:
    """The server's certificate is not trusted: name its authority with ca_file in the settings."""
    server = _with_fault(facts, "tls")
    if server is None:
        return None
    detail = f"{server.fault_detail}. " if server.fault_detail else ""
    return Found(f"There is no secure connection to {server.name}", f"{detail}Where the address is set, and ca_file:")


@NETWORK.check(Level.ERROR, "The server needs no key, or has one", needs=("servers", "settings"),
               after=("keychain-silent", "key-not-found"), remedy="export LLAMABAR_API_KEY=KEY")  # fmt: skip
def key_needed(facts: Facts) -> Optional[Found]:
    """The server wants a key and the settings have none."""
    server = _with_fault(facts, "unauthorized")
    if server is None or _settings(facts, server).has_key:
        return None
    return Found(f"{server.name} wants a key", "Set api_key_keychain or api_key_file in the settings, or:")


@NETWORK.check(Level.ERROR, "The server accepts the key", needs=("servers", "settings"), remedy=_OPEN_SETTINGS)
def key_wrong(facts: Facts) -> Optional[Found]:
    """The server refuses the key that the settings have."""
    server = _with_fault(facts, "unauthorized")
    if server is None or not _settings(facts, server).has_key:
        return None
    return Found(f"{server.name} refuses the key", f"It comes from {_settings(facts, server).key_from}.")


@NETWORK.check(Level.NOTE, "A key that is set is needed", needs=("servers", "settings"), remedy=_OPEN_SETTINGS)
def key_not_needed(facts: Facts) -> Optional[Found]:
    """A key is set and the server does not ask for one, so it is not sent."""
    server = next((one for one in facts.servers if not one.fault and one.key_wanted is False), None)
    if server is None or not _settings(facts, server).has_key:
        return None
    return Found(f"{server.name} does not ask for the key", "So it is never sent.")


@NETWORK.check(Level.WARNING, "A key is sent over a secure connection", needs=("settings",), remedy=_OPEN_SETTINGS)
def key_over_plain_http(facts: Facts) -> Optional[Found]:
    """A key would be sent to another computer without TLS: anyone in between can read it."""
    bare = (one for one in facts.settings.servers if one.url.startswith("http://") and not one.loopback)
    server = next((one for one in bare if one.has_key), None)
    if server is None:
        return None
    return Found(f"The key of {server.name} travels unprotected", f"{server.url} is not https.")


def _with_fault(facts: Facts, *kinds: str) -> Optional[Server]:
    return next((server for server in facts.servers if server.fault in kinds), None)


def _settings(facts: Facts, server: Server) -> Configured:
    return next((one for one in facts.settings.servers if one.name == server.name), Configured())
