"""Notes: what an installation found, as kinds with fields. The words of each kind stand beside it, and nowhere else."""

import os
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Any, Dict, Optional, Tuple

from llamabar.macos import outcomes
from llamabar.macos.outcomes import Outcome
from llamabar.macos.paths import command_name


@unique
class Why(Enum):
    """What a note is about. True: something that was wanted can't be done. Then what is so, and what to do."""

    ROOT = (
        True,
        "This is root. The service and the plugin belong to a user",
        "Run it again without sudo, as that user.",
    )
    MANIFEST_DAMAGED = (
        True,
        "{path}, the list of what was installed, is damaged",
        "Restore it, or move it away to start over.",
    )
    REMOTE = (False, "llama-swap runs on another computer ({url}, set by {named_by}): no service is created here", "")
    NO_LAUNCHD = (
        True,
        "No launchd here (launchctl was not found)",
        "Services need a Mac. For the plugin alone: --no-service",
    )
    LAUNCHD_SILENT = (True, "Can't reach launchd: {detail}", "Try again in a minute.")
    NOT_LOGGED_IN = (
        True,
        "No one is logged in at this Mac's screen",
        "Log in at the Mac's screen first: launchd can't start a user service over ssh.",
    )
    PLIST_NOT_A_FILE = (True, "{path} isn't a regular file", "Move it away, then run install again.")
    PLIST_UNREADABLE = (True, "{path} can't be read", "chmod 644 '{path}'")
    AGENTS_READ_ONLY = (True, "{path} can't be written", "chmod u+rwx '{path}'")
    AGENTS_OF_ROOT = (True, "{path} can't be written: it belongs to root", "sudo chown -R \"$(id -un)\" '{path}'")
    AGENTS_OPEN = (True, "Others can write to {path}, so launchd refuses what is in it", "chmod go-w '{path}'")
    AGENTS_NOT_A_FOLDER = (True, "{path} isn't a folder", "Move it away, then run install again.")
    ADOPTED = (False, "{label} ({path}) already runs llama-swap. llamabar will monitor it and won't change it", "")
    ADOPTED_SYSTEM = (
        False,
        "{label} ({path}) runs llama-swap for the whole Mac. llamabar will monitor it and can't start or stop it",
        "",
    )
    ADOPTED_OLD = (False, "It belongs to the older plugin", "To take it over: {command} install --take-over")
    ADOPTED_STOPPED = (False, "It isn't running", "{command} start")
    ADDRESS_UNKNOWN = (
        True,
        "Can't tell where {label} listens: its --listen is {listen}",
        "Set its url in the settings, then run install again.",
    )
    ADOPTED_PROCESS = (
        False,
        "llama-swap already runs at {url} (pid {pid}), but not as a service. llamabar can only monitor it",
        "For a service, quit it and run install again.",
    )
    SERVICE_OFF = (False, "A llama-swap service is installed, but off: {label} ({path})", "")
    SERVICE_BESIDE = (False, "Another llama-swap service stays as it is: {label} ({path})", "")
    PORT_UNUSED = (False, "--port is ignored: the llama-swap that is there keeps its own port", "")
    MENU_ELSEWHERE = (
        False,
        "The menu keeps showing {watched}, because {named_by} says so",
        "Change it there to see {url}.",
    )
    CONFIG_REFUSED = (True, "llama-swap refuses {path}: {detail}", "Fix the config, then run install again.")
    CONFIG_UNCHECKED = (False, "The config couldn't be checked: {detail}", "")
    CONFIG_OF_SHELL = (
        True,
        "Only the old service's shell understands its config's name, {path}",
        "Use its full path there.",
    )
    CONFIG_NOT_A_FILE = (
        True,
        "{path} isn't a file, so llama-swap has no config",
        "Move it away, then run install again.",
    )
    CONFIG_DANGLING = (
        True,
        "The config {path} links to {target}, which is missing",
        "Is a disk missing? Fix the link, then run install again.",
    )
    PARTLY_TAKEN_OVER = (
        False,
        "Only program, config and port are taken from: {words}",
        "Add other options to the new plist.",
    )
    PROGRAM_FAILS = (True, "{path} doesn't start: {detail}", "Try: '{path}' --version")
    PROGRAM_QUARANTINED = (True, "{path} doesn't start: {detail}", "Try: xattr -d com.apple.quarantine '{path}'")
    NO_PROGRAM = (
        True,
        "llama-swap wasn't found on this Mac",
        "brew tap mostlygeek/llama-swap && brew install llama-swap",
    )
    PORT_TAKEN = (True, "Port {port} is taken", "Choose another one with --port, or leave it out.")
    NO_PORT = (True, "No free port from {port} on", "Choose one with --port.")
    AGENT_EDITED = (
        False,
        "{path} was edited by hand and is left as it is",
        "To write it again: {command} install --force",
    )
    OLD_PLUGIN = (
        False,
        "SwiftBar has another llama-swap plugin: {name}",
        "To replace it: {command} install --take-over",
    )
    NOT_ONE_FILE = (
        True,
        "This isn't the one-file build, which SwiftBar runs",
        "python3 build.py pyz && dist/llamabar.pyz install",
    )
    NO_SWIFTBAR = (
        True,
        "SwiftBar wasn't found. It shows the menu",
        "Install it and open it once: brew install --cask swiftbar",
    )
    NO_PLUGIN_FOLDER = (
        True,
        "SwiftBar has no plugin folder yet",
        "Choose one, then run install again: open -a SwiftBar",
    )
    PLUGIN_FOLDER_BAD = (
        True,
        "SwiftBar's plugin folder: {detail}",
        "Choose one, then run install again: open -a SwiftBar",
    )
    LINK_TAKEN = (True, "Another file has the plugin's name and is left alone: {path}", "Move it away: mv '{path}' ~/")
    CACHE_INSIDE = (
        True,
        "The cache {path} is in SwiftBar's folder: every file would become a plugin",
        "Unset SHIV_ROOT.",
    )
    PLUGIN_DISABLED = (False, "The plugin is disabled in SwiftBar", "SwiftBar > Plugin Manager: turn llamabar on")
    SWIFTBAR_OFF = (False, "SwiftBar isn't running", "open -a SwiftBar")
    SWIFTBAR_OLD = (False, "SwiftBar {version} is too old for streaming plugins", "brew upgrade --cask swiftbar")
    COPY_BESIDE = (
        False,
        "An older copy in SwiftBar's folder, {name}, shows a second menu",
        "Move it away: mv '{path}' ~/",
    )
    VARIABLE_UNSEEN = (
        False,
        "The plugin doesn't see this terminal's {name}",
        'launchctl setenv {name} "${name}", then restart SwiftBar.',
    )
    SERVICE_STAYS = (True, "Can't reach launchd, so the service stays: {detail}", "Run uninstall again in a minute.")
    KEPT = (False, "Kept: {paths}", "")
    KEPT_UNLESS_PURGED = (False, "Kept: {paths} (--purge removes settings and history too)", "")
    SERVICE = (True, "", "")
    APPEARED = (True, "{path} appeared in the meantime", "Move it away, then run install again.")
    NOT_WRITTEN = (True, "{path} doesn't hold what was written", "Try again.")
    STILL_LOADED = (True, "{label} is still loaded, so its LaunchAgent stays", "Later: {command} uninstall")
    NOT_MARKED = (True, "{detail}", "SwiftBar keeps only a plugin running that has it. xattr is part of macOS.")
    OS_ERROR = (True, "{path}: {detail}", "Fix that, then run it again.")
    INTERRUPTED = (True, "Interrupted", "Run it again to continue.")
    BACKED_UP = (False, "The previous {path} is kept in {kept}", "")
    NOT_OURS = (False, "{path} isn't llamabar's any more and stays", "")
    IN_THE_WAY = (False, "{path} exists again; what was set aside stays in {kept}", "")
    ON_BUT = (False, "{label} is switched on again, but: {detail}", "")
    NOT_RELOADED = (False, "Couldn't reload SwiftBar ({detail})", "open -a SwiftBar")
    NOT_LISTED = (False, "{path} couldn't be written", "")
    NOT_UNDONE = (False, "Couldn't undo “{step}” ({target}): {detail}", "")
    FOLDER_KEPT = (False, "{path} stays: it holds {names}", "")

    @property
    def code(self) -> str:
        """Return its name for programs."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Note:
    """Something to know: its kind, and the fields that its words need."""

    why: Why
    fields: Dict[str, str] = field(default_factory=dict)
    lines: Tuple[str, ...] = ()
    outcome: Optional[Outcome] = None

    @property
    def missing(self) -> bool:
        """Tell whether something that was wanted can't be done."""
        return bool(self.why.value[0])

    @property
    def said(self) -> str:
        """Return what is so, without the last full stop."""
        return outcomes.said(self.outcome) if self.outcome is not None else self._filled(1)

    @property
    def hint(self) -> str:
        """Return what to do, "" where there is nothing to do."""
        return outcomes.hint(self.outcome) if self.outcome is not None else self._filled(2)

    def _filled(self, part: int) -> str:
        words = str(self.why.value[part])
        return words.format(command=command_name(), **self.fields)


def note(why: Why, **fields: Any) -> Note:
    """Return a note of a kind with its fields."""
    return Note(why, {name: str(value).rstrip(".") for name, value in fields.items()})


def short(text: str) -> str:
    """Return a text with the home folder as ~."""
    return text.replace(f"{os.path.expanduser('~')}/", "~/")
