"""What the LaunchAgent asks of launchd: speed, PATH, time to stop, files, a log, and what it should not hold."""

from typing import Optional

from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Found, Level
from llamabar.doctor.checks.service import SERVICE, rewritten

FILES_ENOUGH = 1024
STOP_S = 35.0  # llama-swap waits so long for its model servers


@SERVICE.check(Level.WARNING, "The service runs at full speed", remedy="{llamabar} install --force")
def service_throttled_by_type(facts: Facts) -> Optional[Found]:
    """ProcessType is not Interactive: macOS slows the service down, and models generate several times slower."""
    found = facts.service.process_type
    if found == "Interactive":
        return None
    return rewritten(facts, "macOS slows the service down", said=f"Its ProcessType is {found or 'not set'}.",
                      wanted="ProcessType to Interactive")  # fmt: skip


@SERVICE.check(Level.WARNING, "The service has a PATH", remedy="{llamabar} install --force")
def service_without_path(facts: Facts) -> Optional[Found]:
    """The LaunchAgent sets no PATH: a model server that the config names without its folder is not found."""
    if facts.service.has_path:
        return None
    return rewritten(facts, "The service has no PATH", said="Model servers of Homebrew are not found by name.",
                      wanted="PATH in EnvironmentVariables")  # fmt: skip


@SERVICE.check(Level.NOTE, "launchd gives llama-swap time to stop its models", remedy="{llamabar} install --force")
def service_stopped_too_soon(facts: Facts) -> Optional[Found]:
    """ExitTimeOut is short: llama-swap is killed while it stops its model servers, and they stay in memory."""
    service = facts.service
    if service.exit_timeout_s is not None and service.exit_timeout_s >= STOP_S:
        return None
    waits = "5 s" if service.exit_timeout_s is None else f"{service.exit_timeout_s:g} s"
    return rewritten(facts, f"launchd kills llama-swap {waits} after it is told to stop",
                      said=f"Stopping its models can take {STOP_S:g} s.", wanted="ExitTimeOut to 45")  # fmt: skip


@SERVICE.check(Level.NOTE, "The service may open enough files", remedy="{llamabar} install --force")
def service_few_files(facts: Facts) -> Optional[Found]:
    """The service may open only 256 files, launchd's default: many connections or split models need more."""
    limit = facts.service.files_limit
    if limit is not None and limit >= FILES_ENOUGH:
        return None
    return rewritten(facts, f"The service may open only {limit or 256} files",
                      wanted="NumberOfFiles in SoftResourceLimits to 8192")  # fmt: skip


@SERVICE.check(Level.NOTE, "The service starts at login", remedy="{llamabar} install --force")
def service_not_at_login(facts: Facts) -> Optional[Found]:
    """The LaunchAgent does not start llama-swap at login."""
    if facts.service.run_at_load:
        return None
    return rewritten(facts, "The service does not start at login", wanted="RunAtLoad to true")


@SERVICE.check(Level.NOTE, "The LaunchAgent holds no secret", remedy="open -t {plist}")
def service_holds_secret(facts: Facts) -> Optional[Found]:
    """The LaunchAgent holds a key in a variable or option: every process of yours can read it."""
    service = facts.service
    if not service.secrets:
        return None
    return Found("The LaunchAgent holds a secret", f"{', '.join(service.secrets)}: any program of yours can read it.",
                 {"plist": service.plist})  # fmt: skip


@SERVICE.check(
    Level.WARNING, "The service's files are in folders that macOS lets it read",
    remedy="open 'x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles'",
)  # fmt: skip
def service_in_private_folder(facts: Facts) -> Optional[Found]:
    """The config, log or working folder is in Documents, Desktop, Downloads, iCloud or on another disk: macOS may
    deny it to a service."""
    protected = facts.service.protected
    if not protected:
        return None
    return Found("macOS may keep the service from its files",
                 f"{protected[0]}: move it, or give llama-swap and llama-server Full Disk Access:")  # fmt: skip


@SERVICE.check(Level.NOTE, "The service keeps a log", remedy="{llamabar} install --force")
def service_without_log(facts: Facts) -> Optional[Found]:
    """The LaunchAgent keeps no log, so nothing tells why llama-swap fails."""
    return None if facts.service.log else rewritten(facts, "The service keeps no log", wanted="StandardErrorPath")
