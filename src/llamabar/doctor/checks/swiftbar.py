"""Checks of SwiftBar, its plugin folder, and our plugin in it."""

from typing import Any, Tuple

from llamabar.core.mac import Link
from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Check, Found, Layer, Level

DOWNLOAD = "open https://github.com/swiftbar/SwiftBar/releases/latest"


def _summary(facts: Facts) -> Tuple[bool, str]:
    bar = facts.swiftbar
    if not bar.installed:
        return False, "not installed"
    version = f"version {bar.version}" if bar.version else "version unknown"
    return bool(bar.folder), f"{version}, plugin folder {bar.folder or 'not chosen'}"


def _homebrew(facts: Facts, applies: Any) -> Any:
    """Return a finding whose remedy uses Homebrew, or a download if Homebrew isn't installed."""
    return applies and (True if facts.packages.homebrew else Found(remedy=DOWNLOAD))


_FOLDER = ("swiftbar-missing", "swiftbar-without-folder", "swiftbar-folder-gone")
_PLUGIN = (*_FOLDER, "plugin-not-linked", "plugin-place-taken", "plugin-program-missing")
_PROGRAM = ("mac", "swiftbar", "program")
SWIFTBAR = Layer("SwiftBar", ("mac", "swiftbar"), _summary, (
    Check("swiftbar-missing", Level.ERROR, lambda f: _homebrew(f, not f.swiftbar.installed),
          "SwiftBar isn't installed", "The menu needs it.", "brew install --cask swiftbar"),
    Check("swiftbar-too-old", Level.ERROR, lambda f: _homebrew(f, f.swiftbar.too_old),
          "SwiftBar {swiftbar.version} is too old", "It shows half-written menus. 1.4.3 or newer is required.",
          "brew upgrade --cask swiftbar", ("swiftbar-missing",)),
    Check("swiftbar-before-2-1", Level.NOTE, lambda f: _homebrew(f, not f.swiftbar.has_stdin),
          "SwiftBar {swiftbar.version} starts a process for each click", "2.1.0 and newer don't.",
          "brew upgrade --cask swiftbar", ("swiftbar-missing", "swiftbar-too-old")),
    Check("swiftbar-not-running", Level.ERROR, lambda f: f.swiftbar.running is False,
          "SwiftBar isn't running", "So there is no menu.", "open -a SwiftBar", ("swiftbar-missing",)),
    Check("swiftbar-without-folder", Level.ERROR, lambda f: not f.swiftbar.folder,
          "SwiftBar has no plugin folder yet", "Open it, choose a folder, then run: {llamabar} install",
          "open -a SwiftBar", ("swiftbar-missing",)),
    Check("swiftbar-folder-gone", Level.ERROR, lambda f: f.swiftbar.folder_trouble,
          "SwiftBar's plugin folder can't be used",
          "{swiftbar.folder_trouble}. Choose another one in SwiftBar's settings.",
          "open -a SwiftBar", ("swiftbar-missing", "swiftbar-without-folder")),
    Check("plugin-place-taken", Level.ERROR, lambda f: f.swiftbar.link is Link.OTHER,
          "Another file has the plugin's name", "{swiftbar.plugin}", "mv {swiftbar.plugin} ~/ && {llamabar} install",
          _FOLDER),
    Check("plugin-not-linked", Level.ERROR, lambda f: f.swiftbar.link is Link.NONE,
          "The plugin isn't in SwiftBar's folder", "{swiftbar.folder}", "{llamabar} install",
          (*_FOLDER, "plugin-place-taken"), fix=True),
    Check("plugin-program-missing", Level.ERROR, lambda f: not f.program.installed_there,
          "The plugin's program is missing", "The link in SwiftBar's folder leads to {program.installed}.",
          "{llamabar} install", (*_FOLDER, "plugin-not-linked"), _PROGRAM),
    Check("plugin-not-executable", Level.ERROR, lambda f: not f.program.installed_executable,
          "The plugin isn't executable", "{program.installed}", "chmod u+x {program.installed}", _PLUGIN, _PROGRAM),
    Check("plugin-quarantined", Level.ERROR, lambda f: f.program.installed_quarantined,
          "macOS has quarantined the plugin", "It was downloaded with a browser, so macOS won't let it start.",
          "xattr -d com.apple.quarantine {program.installed}", _PLUGIN, _PROGRAM),
    Check("plugin-attribute-missing", Level.ERROR, lambda f: f.swiftbar.marked is False,
          "The plugin has lost SwiftBar's attribute", "Without it, SwiftBar runs the plugin only once.", "", _PLUGIN,
          fix=True),
    Check("plugin-disabled", Level.ERROR, lambda f: f.swiftbar.disabled,
          "The plugin is turned off in SwiftBar", "Turn llamabar on in SwiftBar's Plugin Manager:", "open -a SwiftBar",
          _PLUGIN),
    Check("plugin-ignored", Level.ERROR,
          lambda f: f.swiftbar.ignored and {"file": f"{f.swiftbar.folder}/.swiftbarignore"},
          "SwiftBar is told to ignore the plugin", "Remove its line from this file:", "open -t {file}", _PLUGIN),
    Check("plugin-twice", Level.WARNING, lambda f: f.swiftbar.copies and {"copy": f.swiftbar.copies[0]},
          "There's a second copy of the plugin", "{copy}. The menu would show twice.", "mv {copy} ~/", _FOLDER),
    Check("older-plugin-beside", Level.WARNING, lambda f: f.swiftbar.rust_plugins,
          "Another llama-swap plugin is in SwiftBar's folder", "{swiftbar.rust_plugins:some}. Two menus show the same.",
          "{llamabar} install --take-over", _FOLDER),
    Check("plugin-of-another-version", Level.NOTE, lambda f: f.program.installed_same is False,
          "SwiftBar runs another version of llamabar", "{program.installed}", "{llamabar} install", _PLUGIN, _PROGRAM),
))  # fmt: skip
