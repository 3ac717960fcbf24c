"""The service as launchd runs it: enabled, loaded, running, and how it last ended."""

from typing import Optional

from llamabar.doctor.checks import plist  # its checks come before these
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Found, Level
from llamabar.doctor.checks.service import CONFIG, PLIST, PROGRAM, SERVICE, crashes, server_of

__all__ = ["SERVICE", "plist"]

CRASHES_THAT_LOOP = 3
SLACK_S = 1.0  # a start is known to the second
_NEEDS = ("mac", "launchd", "service", "job")
_CAUSES = ("launchd-silent", "no-login-at-the-screen", *PLIST, "runs-outside-its-service")
_LOADED = (*_CAUSES, "service-disabled", "service-not-allowed", "service-not-loaded")
_STARTS = (*_LOADED, *PROGRAM, *CONFIG, "port-held-by-another", "service-log-unwritable")


@SERVICE.check(Level.ERROR, "No other program holds the service's port", remedy="kill {pid}",
               needs=("mac", "service", "job", "processes"))  # fmt: skip
def port_held_by_another(facts: Facts) -> Optional[Found]:
    """Another program holds the port that the service wants, so llama-swap ends at once."""
    holder = facts.processes.holder
    if holder is None or facts.service.pid is not None or _is_llama_swap(facts):
        return None
    return Found(f"{holder.name} (pid {holder.pid}) holds the service's port",
                 "End it, or give the service another port (--listen). To end it:",
                 {"pid": str(holder.pid)})  # fmt: skip


@SERVICE.check(Level.WARNING, "llama-swap runs in its service", needs=("mac", "service", "job", "processes"),
               remedy="kill {pid} && {llamabar} start")  # fmt: skip
def runs_outside_its_service(facts: Facts) -> Optional[Found]:
    """llama-swap was started by hand and holds the port of its service, which cannot run beside it."""
    holder = facts.processes.holder
    if holder is None or facts.service.pid is not None or not _is_llama_swap(facts):
        return None
    return Found(f"llama-swap (pid {holder.pid}) runs outside its service",
                 "It was started by hand, and the service cannot run beside it.", {"pid": str(holder.pid)})  # fmt: skip


@SERVICE.check(Level.ERROR, "The service is switched on", needs=_NEEDS, after=_CAUSES, fix=True,
               remedy="launchctl enable gui/{uid}/{label} && {llamabar} start")  # fmt: skip
def service_disabled(facts: Facts) -> Optional[Found]:
    """The service is switched off in launchd, so it does not start at login and cannot be loaded."""
    service = facts.service
    if not service.disabled:
        return None
    return Found(f"{service.label} is switched off", "With launchctl disable, or in Login Items & Extensions.",
                 {"label": service.label, "uid": str(facts.uid)})  # fmt: skip


@SERVICE.check(Level.ERROR, "macOS allows the service in the background", needs=(*_NEEDS, "background"),
               remedy="open 'x-apple.systempreferences:com.apple.LoginItems-Settings.extension'",
               after=(*_CAUSES, "service-disabled"))  # fmt: skip
def service_not_allowed(facts: Facts) -> Optional[Found]:
    """The service is switched off in Login Items & Extensions, by you or by your company: macOS unloads it again."""
    service, background = facts.service, facts.background
    if service.loaded or not background.off:
        return None
    grey = " Where the switch is grey, only your company can do that." if background.managed else ""
    return Found(f"{service.label} is switched off in Login Items & Extensions", f"Switch it on there.{grey}")


@SERVICE.check(Level.ERROR, "The service is loaded", needs=_NEEDS, remedy="{llamabar} start",
               after=(*_CAUSES, "service-disabled", "service-not-allowed", "port-held-by-another"))  # fmt: skip
def service_not_loaded(facts: Facts) -> Optional[Found]:
    """The service is not loaded: it was stopped, or it is switched off in Login Items, which not every macOS tells."""
    service = facts.service
    if service.loaded:
        return None
    or_off = ", or it is switched off in System Settings > Login Items & Extensions"
    return Found(f"{service.label} is not loaded", f"It was stopped{or_off if facts.trouble('background') else ''}.")


@SERVICE.check(Level.ERROR, "macOS accepts the program's signature", needs=_NEEDS, after=_LOADED,
               remedy="{llamabar} restart")  # fmt: skip
def service_signature_refused(facts: Facts) -> Optional[Found]:
    """macOS refuses the program because its file was replaced (brew upgrade): it must be loaded anew."""
    if "CODESIGNING" not in facts.service.last_exit:
        return None
    return Found("macOS refuses llama-swap: its code signature has changed", "It was replaced since it was loaded.")


@SERVICE.check(Level.ERROR, "launchd can start the program", needs=_NEEDS, remedy="launchctl print gui/{uid}/{label}",
               after=(*_STARTS, "service-signature-refused"))  # fmt: skip
def service_cannot_be_started(facts: Facts) -> Optional[Found]:
    """launchd itself cannot start the program: its file, working folder or log is missing or denied."""
    service = facts.service
    if not service.refused or service.pid is not None:
        return None
    return Found(f"launchd cannot start {service.label}", f"It says: {service.last_exit}.",
                 {"label": service.label, "uid": str(facts.uid)})  # fmt: skip


@SERVICE.check(Level.ERROR, "llama-swap was not ended for want of memory", needs=_NEEDS, after=_LOADED,
               remedy="{llamabar} start")  # fmt: skip
def service_killed_for_memory(facts: Facts) -> Optional[Found]:
    """macOS ended llama-swap because memory ran out: load fewer or smaller models."""
    service = facts.service
    if not service.last_exit.startswith("JETSAM") or service.pid is not None:
        return None
    return Found("macOS ended llama-swap for want of memory", "Load fewer or smaller models at a time.")


@SERVICE.check(Level.ERROR, "The service does not crash again and again", needs=_NEEDS, remedy="{llamabar} logs",
               after=(*_STARTS, "service-signature-refused", "service-cannot-be-started",
                      "service-killed-for-memory"))  # fmt: skip
def service_crash_loop(facts: Facts) -> Optional[Found]:
    """llama-swap ends at once, again and again; its last log lines say why."""
    service = facts.service
    server = server_of(facts)
    up = service.pid is not None and (server is None or server.fault != "refused")
    if up or not service.failed or (service.runs or 0) < CRASHES_THAT_LOOP:  # between two crashes it lives for a moment
        return None
    said = f"It ended with {service.last_exit} after {crashes(facts)}."
    return Found(f"{service.label} crashes again and again", said, lines=service.log_lines[-5:])


@SERVICE.check(Level.ERROR, "The service has not failed", needs=_NEEDS, remedy="{llamabar} start",
               after=(*_STARTS, "service-signature-refused", "service-cannot-be-started", "service-killed-for-memory",
                      "service-crash-loop"))  # fmt: skip
def service_failed(facts: Facts) -> Optional[Found]:
    """llama-swap ended with an error and is not running."""
    service = facts.service
    if service.pid is not None or not service.failed:
        return None
    return Found(f"{service.label} has failed", f"It ended with {service.last_exit}.", lines=service.log_lines[-5:])


@SERVICE.check(Level.ERROR, "The service is running", needs=_NEEDS, remedy="{llamabar} start",
               after=(*_STARTS, "service-signature-refused", "service-cannot-be-started", "service-killed-for-memory",
                      "service-crash-loop", "service-failed"))  # fmt: skip
def service_not_running(facts: Facts) -> Optional[Found]:
    """The service is loaded and not running, and no failure is known."""
    service = facts.service
    if service.pid is not None:
        return None
    throttled = service.state == "spawn scheduled"
    why = "launchd waits before it starts it again." if throttled else f"launchd says: {service.state or 'nothing'}."
    return Found(f"{service.label} is not running", why)


@SERVICE.check(Level.NOTE, "The service runs its newest file", needs=_NEEDS, after=_LOADED,
               remedy="{llamabar} restart")  # fmt: skip
def service_program_replaced(facts: Facts) -> Optional[Found]:
    """llama-swap's file is newer than the process that runs (brew upgrade): a restart takes it."""
    return Found("A newer llama-swap waits for a restart", facts.service.program) if facts.service.replaced else None


@SERVICE.check(Level.NOTE, "launchd runs what the LaunchAgent says", needs=_NEEDS, after=_LOADED,
               remedy="{llamabar} restart")  # fmt: skip
def service_plist_changed(facts: Facts) -> Optional[Found]:
    """The LaunchAgent was changed since launchd loaded it: a restart takes it."""
    service = facts.service
    if service.same_command:
        return None
    return Found("The LaunchAgent was changed since it was loaded", service.plist)


@SERVICE.check(Level.WARNING, "launchd loaded this LaunchAgent", needs=_NEEDS, after=_LOADED,
               remedy="launchctl bootout gui/{uid}/{label} && {llamabar} start")  # fmt: skip
def service_loaded_from_elsewhere(facts: Facts) -> Optional[Found]:
    """launchd has the service from another file than the one in ~/Library/LaunchAgents."""
    service = facts.service
    if not service.loaded_path or service.loaded_path == service.plist:
        return None
    return Found("launchd loaded the service from another file", f"From {service.loaded_path}.",
                 {"label": service.label, "uid": str(facts.uid)})  # fmt: skip


@SERVICE.check(Level.NOTE, "llama-swap has read its newest config", needs=("mac", "service", "job"), after=_LOADED,
               remedy="{llamabar} restart")  # fmt: skip
def config_newer_than_process(facts: Facts) -> Optional[Found]:
    """The config was changed since llama-swap started, and it does not watch it (--watch-config)."""
    service = facts.service
    known = service.config_modified_s is not None and service.started_s is not None
    if not known or service.watches_config or (service.config_modified_s or 0) <= (service.started_s or 0) + SLACK_S:
        return None
    return Found("The config was changed since llama-swap started", service.config)


def _is_llama_swap(facts: Facts) -> bool:
    holder = facts.processes.holder
    return holder is not None and holder.pid in [process.pid for process in facts.processes.llama_swaps]
