"""The notes of an installation: everything that can be found, each kind with its words. They are only here."""

import os
from enum import unique

from llamabar.macos import notes
from llamabar.macos.notes import Note, note

__all__ = ["Note", "Why", "note", "short"]


@unique
class Why(notes.Why):
    """The kinds of note: False if something wanted can't be done, then what is so, then what to do."""

    # fmt: off
    ROOT = (
        False, "This is root. The service and the plugin belong to a user", "Run it again without sudo, as that user.")
    MANIFEST_DAMAGED = (
        False, "{path}, the list of what was installed, is damaged", "Restore it, or move it away to start over.")
    REMOTE = True, "llama-swap runs on another computer ({url}, set by {named_by}): no service is created here", ""
    NO_LAUNCHD = (
        False, "No launchd here (launchctl was not found)", "Services need a Mac. For the plugin alone: --no-service")
    LAUNCHD_SILENT = False, "Can't reach launchd: {detail}", "Try again in a minute."
    NOT_LOGGED_IN = (
        False, "No one is logged in at this Mac's screen",
        "Log in at the Mac's screen first: launchd can't start a user service over ssh.")
    PLIST_NOT_A_FILE = False, "{path} isn't a regular file", "Move it away, then run install again."
    PLIST_UNREADABLE = False, "{path} can't be read", "chmod 644 {path}"
    AGENTS_READ_ONLY = False, "{path} can't be written", "chmod u+rwx {path}"
    AGENTS_OF_ANOTHER = False, "{path} belongs to another user", 'sudo chown -R "$(id -un)" {path}'
    AGENTS_OPEN = False, "Others can write to {path}, so launchd refuses what is in it", "chmod go-w {path}"
    AGENTS_NOT_A_FOLDER = False, "{path} isn't a folder", "Move it away, then run install again."
    ADOPTED = True, "{label} ({path}) already runs llama-swap. llamabar will monitor it and won't change it", ""
    ADOPTED_SYSTEM = (
        True, "{label} ({path}) runs llama-swap for the whole Mac. llamabar will monitor it and can't start or stop it",
        "")
    ADOPTED_OLD = True, "It belongs to the older plugin", "To take it over: {command} install --take-over"
    ADOPTED_STOPPED = True, "It isn't running", "{command} start"
    ADDRESS_UNKNOWN = (
        False, "Can't tell where {label} listens: its --listen is {listen}",
        "Set its url in the settings, then run install again.")
    ADOPTED_PROCESS = (
        True, "llama-swap already runs at {url} (pid {pid}), but not as a service. llamabar can only monitor it",
        "For a service, quit it and run install again.")
    SERVICE_OFF = True, "A llama-swap service is installed, but off: {label} ({path})", ""
    SERVICE_BESIDE = True, "Another llama-swap service stays as it is: {label} ({path})", ""
    PORT_UNUSED = True, "--port is ignored: the llama-swap that is there keeps its own port", ""
    MENU_ELSEWHERE = (
        True, "The menu keeps showing {watched}, because {named_by} says so", "Change it there to see {url}.")
    CONFIG_REFUSED = False, "llama-swap refuses {path}: {detail}", "Fix the config, then run install again."
    CONFIG_UNCHECKED = True, "The config couldn't be checked: {detail}", ""
    CONFIG_OF_SHELL = (
        False, "Only the old service's shell understands its config's name, {path}", "Use its full path there.")
    CONFIG_NOT_A_FILE = (
        False, "{path} isn't a file, so llama-swap has no config", "Move it away, then run install again.")
    CONFIG_DANGLING = (
        False, "The config {path} links to {target}, which is missing",
        "Is a disk missing? Fix the link, then run install again.")
    PARTLY_TAKEN_OVER = (
        True, "Only program, config and port are taken from: {words}", "Add other options to the new plist.")
    PROGRAM_FAILS = False, "{path} doesn't start: {detail}", "Try: {path} --version"
    PROGRAM_QUARANTINED = False, "{path} doesn't start: {detail}", "Try: xattr -d com.apple.quarantine {path}"
    NO_PROGRAM = (
        False, "llama-swap wasn't found on this Mac", "brew tap mostlygeek/llama-swap && brew install llama-swap")
    PORT_TAKEN = False, "Port {port} is in use", "Choose another one with --port, or leave it out."
    NO_PORT = False, "No free port from {port} on", "Choose one with --port."
    AGENT_EDITED = (
        True, "{path} was edited by hand and is left as it is", "To write it again: {command} install --force")
    OLD_PLUGIN = True, "SwiftBar has another llama-swap plugin: {name}", "To replace it: {command} install --take-over"
    NOT_ONE_FILE = (
        False, "This isn't the one-file build, which SwiftBar runs",
        "python3 build.py pyz && dist/llamabar.pyz install")
    NO_SWIFTBAR = (
        False, "SwiftBar wasn't found. It shows the menu", "Install it and open it once: brew install --cask swiftbar")
    NO_PLUGIN_FOLDER = (
        False, "SwiftBar has no plugin folder yet", "Choose one, then run install again: open -a SwiftBar")
    PLUGIN_FOLDER_BAD = (
        False, "SwiftBar's plugin folder: {detail}", "Choose one, then run install again: open -a SwiftBar")
    COMMAND_TAKEN = (
        True, "Another program is called llamabar and is left alone: {path}", "")
    COMMAND_OFF_PATH = (
        True, "{path} isn't on your PATH, so llamabar can't be typed yet",
        """Add it, then open a new window: echo 'export PATH="$HOME/.local/bin:$PATH"' >> ~/.zprofile""")
    LINK_TAKEN = False, "Another file has the plugin's name and is left alone: {path}", "Move it away: mv {path} ~/"
    PLUGIN_DISABLED = True, "The plugin is disabled in SwiftBar", "SwiftBar > Plugin Manager: turn llamabar on"
    SWIFTBAR_OFF = True, "SwiftBar isn't running", "open -a SwiftBar"
    SWIFTBAR_OLD = True, "SwiftBar {version} is too old for streaming plugins", "brew upgrade --cask swiftbar"
    COPY_BESIDE = True, "An older copy in SwiftBar's folder, {name}, shows a second menu", "Move it away: mv {path} ~/"
    VARIABLE_UNSEEN = (
        True, "The plugin doesn't see this terminal's {name}",
        'launchctl setenv {name} "${name}", then restart SwiftBar.')
    SERVICE_STAYS = False, "Can't reach launchd, so the service stays: {detail}", "Run uninstall again in a minute."
    KEPT = True, "Kept: {paths}", ""
    KEPT_UNLESS_PURGED = True, "Kept: {paths} (--purge removes settings and history too)", ""
    APPEARED = False, "{path} appeared in the meantime", "Move it away, then run install again."
    NOT_WRITTEN = False, "{path} doesn't hold what was written", "Try again."
    STILL_LOADED = False, "{label} is still loaded, so its LaunchAgent stays", "Later: {command} uninstall"
    NOT_MARKED = False, "{detail}", "SwiftBar keeps only a plugin running that has it. xattr is part of macOS."
    OS_ERROR = False, "{path}: {detail}", "Fix that, then run it again."
    OUT_OF_TIME = False, "This took too long: something on this Mac answers slowly", "Try again in a minute."
    INTERRUPTED = False, "Interrupted", "Run it again to continue."
    BACKED_UP = True, "The previous {path} is kept in {kept}", ""
    NOT_OURS = True, "{path} isn't llamabar's any more and stays", ""
    NOT_PUT_BACK = True, "{path} couldn't be put back ({detail}): it stays in {kept}", ""
    ON_BUT = True, "{label} is switched on again, but: {detail}", ""
    NOT_RELOADED = True, "Couldn't reload SwiftBar ({detail})", "open -a SwiftBar"
    NOT_LISTED = True, "{path} couldn't be written", ""
    NOT_UNDONE = True, "Couldn't undo “{step}” ({target}): {detail}", ""
    FOLDER_KEPT = True, "{path} stays: it holds {names}", ""
    # fmt: on


def short(text: str) -> str:
    """Return a text with the home folder as ~."""
    return text.replace(f"{os.path.expanduser('~')}/", "~/")
