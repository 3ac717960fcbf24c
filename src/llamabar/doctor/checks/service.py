"""The service: the LaunchAgent that starts llama-swap, as it is on disk. What launchd says of it: running.py."""

from typing import Optional

from llamabar.core.units import plural, size
from llamabar.doctor.checks.facts import Facts, Server
from llamabar.doctor.checks.finding import Found, Layer, Level

LOG_LIMIT_BYTES = 100_000_000


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    service = facts.service
    how = "running" if service.pid is not None else service.state or "not loaded"
    return f"{service.label}, {how}" + (f" (pid {service.pid})" if service.pid is not None else "")


SERVICE = Layer("service", ("mac", "service"), summary)
PLIST = ("service-plist-broken", "agents-folder-refused", "service-plist-refused")
PROGRAM = ("service-program-missing", "service-program-quarantined", "service-program-fails")
CONFIG = ("service-without-config", "service-config-missing", "service-config-refused")


@SERVICE.check(Level.WARNING, "launchd answers", needs=("mac", "launchd"), remedy="launchctl managername")
def launchd_silent(facts: Facts) -> Optional[Found]:
    """launchctl did not answer in time, or not in words that are understood."""
    said = facts.launchd.said
    return Found("launchd could not be asked", f"{said}.") if said else None


@SERVICE.check(Level.ERROR, "You are logged in at the Mac's screen", needs=("mac", "launchd"),
               after=("launchd-silent",), remedy="open 'vnc://localhost'")  # fmt: skip
def no_login_at_the_screen(facts: Facts) -> Optional[Found]:
    """Nobody is logged in at the screen, so there is no place for the service (and no Metal for models)."""
    if facts.launchd.gui is not False:
        return None
    return Found("You are not logged in at the Mac's screen", "Log in there, or with Screen Sharing:")


@SERVICE.check(Level.ERROR, "The LaunchAgents folder is accepted by launchd", needs=("mac", "agents"),
               remedy="chmod go-w {folder}")  # fmt: skip
def agents_folder_refused(facts: Facts) -> Optional[Found]:
    """~/Library/LaunchAgents belongs to another user or can be written by others: launchd refuses what is in it."""
    agents = facts.agents
    if not agents.folder_trouble:
        return None
    instead = "" if agents.folder_mode else "sudo mv {folder} {folder}.aside"
    return Found("The LaunchAgents folder is not in order", f"{agents.folder_trouble}.", {"folder": agents.folder},
                 instead=instead)  # fmt: skip


@SERVICE.check(Level.ERROR, "Every llama-swap LaunchAgent is a property list", needs=("mac", "agents"),
               remedy="plutil -lint {plist}")  # fmt: skip
def service_plist_broken(facts: Facts) -> Optional[Found]:
    """A LaunchAgent that is named like llama-swap's is not a property list, so it is never loaded."""
    broken = facts.agents.broken
    if not broken:
        return None
    return Found("A LaunchAgent is not a property list", f"{broken[0]}. Ours is written anew by install --force.",
                 {"plist": broken[0]})  # fmt: skip


@SERVICE.check(Level.ERROR, "launchd accepts the LaunchAgent's file", remedy="chmod 644 {plist}")
def service_plist_refused(facts: Facts) -> Optional[Found]:
    """The LaunchAgent can be written by others or belongs to another user: launchd refuses it."""
    service = facts.service
    if not service.plist_refused:
        return None
    return Found("launchd refuses the LaunchAgent", "Others can write it, or it is not yours.",
                 {"plist": service.plist})  # fmt: skip


@SERVICE.check(Level.WARNING, "The LaunchAgent is a plain file",
               remedy="cp {plist} {plist}.new && mv {plist}.new {plist}")  # fmt: skip
def service_plist_linked(facts: Facts) -> Optional[Found]:
    """The LaunchAgent is a symbolic link: from macOS 14 on it is not loaded at login."""
    service = facts.service
    if not service.plist_linked:
        return None
    return Found("The LaunchAgent is a link", "macOS does not load it at login.", {"plist": service.plist})


@SERVICE.check(Level.ERROR, "The LaunchAgent is not in quarantine", remedy="xattr -d com.apple.quarantine {plist}")
def service_plist_quarantined(facts: Facts) -> Optional[Found]:
    """The LaunchAgent carries the mark of a download: macOS 27 refuses it."""
    service = facts.service
    if not service.plist_quarantined:
        return None
    return Found("The LaunchAgent is in quarantine", service.plist, {"plist": service.plist})


@SERVICE.check(Level.ERROR, "The service's program is there", remedy="brew install mostlygeek/llama-swap/llama-swap")
def service_program_missing(facts: Facts) -> Optional[Found]:
    """The llama-swap that the service starts is not there or not executable."""
    service = facts.service
    if service.program_there:
        return None
    return Found("The service's llama-swap is not there", f"It should be {service.program}.")


@SERVICE.check(Level.ERROR, "llama-swap is not in quarantine", after=("service-program-missing",),
               remedy="xattr -d com.apple.quarantine {program}",
               needs=("mac", "service", "binary"))  # fmt: skip
def service_program_quarantined(facts: Facts) -> Optional[Found]:
    """The llama-swap program carries the mark of a browser download: macOS does not let it start."""
    service = facts.service
    if not service.program_quarantined:
        return None
    return Found("macOS holds llama-swap in quarantine", service.program, {"program": service.program})


@SERVICE.check(Level.ERROR, "llama-swap starts", remedy="{program} --version",
               after=("service-program-missing", "service-program-quarantined"),
               needs=("mac", "service", "binary"))  # fmt: skip
def service_program_fails(facts: Facts) -> Optional[Found]:
    """The llama-swap program does not start when asked for its version."""
    service = facts.service
    if not service.program_trouble:
        return None
    return Found("llama-swap does not start", f"{service.program_trouble}.", {"program": service.program})


@SERVICE.check(Level.WARNING, "llama-swap is built for this Mac", after=("service-program-missing",),
               needs=("mac", "service"), remedy="brew reinstall mostlygeek/llama-swap/llama-swap")  # fmt: skip
def service_program_translated(facts: Facts) -> Optional[Found]:
    """llama-swap is an Intel program on Apple silicon and runs under Rosetta."""
    service = facts.service
    if not service.program_translated:
        return None
    return Found("llama-swap is an Intel program on Apple silicon", service.program)


@SERVICE.check(Level.ERROR, "The service names a config", remedy="{llamabar} install --force")
def service_without_config(facts: Facts) -> Optional[Found]:
    """The LaunchAgent names no config: llama-swap from v218 on then ends at once."""
    if facts.service.config:
        return None
    said = "llama-swap ends at once without one."
    return rewritten(facts, "The service names no config", said=said, wanted="--config in ProgramArguments")


@SERVICE.check(Level.ERROR, "The service's config is there", after=("service-without-config",), remedy="ls -l {config}")
def service_config_missing(facts: Facts) -> Optional[Found]:
    """The config that the LaunchAgent names is not there or cannot be read."""
    service = facts.service
    if service.config_there:
        return None
    return Found("The service's config is not there", service.config, {"config": service.config})


@SERVICE.check(Level.ERROR, "llama-swap accepts its config", remedy="open -t {config}",
               after=("service-without-config", "service-config-missing", *PROGRAM),
               needs=("mac", "service", "binary"))  # fmt: skip
def service_config_refused(facts: Facts) -> Optional[Found]:
    """llama-swap itself refuses the config, and says why."""
    service = facts.service
    if service.config_good is not False:
        return None
    return Found("llama-swap refuses its config", service.config_words, {"config": service.config})


@SERVICE.check(Level.WARNING, "One service uses the address",
               remedy="mv {plist} {plist}.aside; launchctl bootout gui/{uid}/{label}")  # fmt: skip
def service_twice(facts: Facts) -> Optional[Found]:
    """Two LaunchAgents start a llama-swap on the same port: only one of them can."""
    service = facts.service
    if not service.same_port:
        return None
    label, plist = service.same_port[0]
    return Found(f"{label} uses the same port as {service.label}", "Only one of them can. To set that one aside:",
                 {"label": label, "plist": plist, "uid": str(facts.uid)})  # fmt: skip


@SERVICE.check(Level.NOTE, "No llama-swap is started for all users", needs=("mac", "agents"), remedy="ls -l {plist}")
def service_for_all_users(facts: Facts) -> Optional[Found]:
    """A llama-swap is also started from /Library, for all users or by your company; only root can change it."""
    system = facts.agents.system
    return Found("A llama-swap is started for all users", system[0], {"plist": system[0]}) if system else None


@SERVICE.check(Level.WARNING, "llama-swap asks for a key where others can reach it", remedy="open -t {config}",
               needs=("mac", "service", "servers"))  # fmt: skip
def service_open_to_all(facts: Facts) -> Optional[Found]:
    """llama-swap listens on all interfaces and asks for no key: anyone in the network can use and stop it."""
    service = facts.service
    server = server_of(facts)
    if not service.listens_everywhere or server is None or server.fault or server.key_wanted:
        return None
    return Found("Anyone in your network can use and stop llama-swap",
                 "It listens on all interfaces without a key: add apiKeys, or --listen 127.0.0.1:PORT.",
                 {"config": service.config})  # fmt: skip


@SERVICE.check(Level.WARNING, "The log is not too large", fix=True,
               remedy="cp {log} {log}.1 && : > {log}")  # fmt: skip
def service_log_large(facts: Facts) -> Optional[Found]:
    """The log is above 100 MB: launchd never shortens it."""
    service = facts.service
    if service.log_bytes is None or service.log_bytes <= LOG_LIMIT_BYTES:
        return None
    return Found(f"The log has grown to {size(service.log_bytes)}", service.log, {"log": service.log})


@SERVICE.check(Level.ERROR, "The log can be written", remedy="mkdir -p {folder} && touch {log}")
def service_log_unwritable(facts: Facts) -> Optional[Found]:
    """The log's folder is missing or the log cannot be written: launchd then does not start the service."""
    service = facts.service
    if not service.log_trouble:
        return None
    return Found("The service's log cannot be written", f"{service.log_trouble}.",
                 {"log": service.log, "folder": service.log.rpartition("/")[0]})  # fmt: skip


@SERVICE.check(
    Level.ERROR, "macOS denies the service no file", after=("service-log-unwritable",),
    remedy="open 'x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles'",
)  # fmt: skip
def service_denied_files(facts: Facts) -> Optional[Found]:
    """The log's last lines say "operation not permitted": macOS keeps llama-swap or a model server from a file."""
    service = facts.service
    if not service.log_denied:
        return None
    denied = tuple(line for line in service.log_lines if "operation not permitted" in line.lower())
    return Found("macOS denies the service a file", "Give llama-swap and llama-server Full Disk Access:",
                 lines=denied[-1:])  # fmt: skip


def server_of(facts: Facts) -> Optional[Server]:
    """Return the server that the service runs, as it answers."""
    return next((server for server in facts.servers if server.name == facts.service.server), None)


def crashes(facts: Facts) -> str:
    """Return how often the service was started, in words."""
    return plural(facts.service.runs or 1, "start")


def rewritten(facts: Facts, title: str, *, said: str = "", wanted: str) -> Found:
    """Return what is mended by writing our LaunchAgent anew; another's is changed by hand."""
    if facts.service.ours:
        return Found(title, said)
    by_hand = f"{said} It is not ours: set {wanted}, then: llamabar.pyz restart. Its file:".strip()
    return Found(title, by_hand, {"plist": facts.service.plist}, instead="open -t {plist}")
