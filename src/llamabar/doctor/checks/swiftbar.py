"""SwiftBar, its plugin folder, and our plugin there."""

from typing import Optional

from llamabar.doctor.checks.facts import Facts
from llamabar.doctor.checks.finding import Found, Layer, Level

CROWDED = 50  # SwiftBar asks before it loads so many files


def summary(facts: Facts) -> str:
    """Return the layer in one line."""
    bar = facts.swiftbar
    return f"SwiftBar {bar.version or 'of unknown version'}, plugin folder {bar.folder or 'not chosen'}"


SWIFTBAR = Layer("SwiftBar", ("mac", "swiftbar"), summary)
_FOLDER = ("swiftbar-missing", "swiftbar-without-folder", "swiftbar-folder-gone")
_PLUGIN = (*_FOLDER, "plugin-not-linked", "plugin-place-taken", "plugin-program-missing")


@SWIFTBAR.check(Level.ERROR, "SwiftBar is installed", remedy="brew install --cask swiftbar")
def swiftbar_missing(facts: Facts) -> Optional[Found]:
    """SwiftBar, which shows the menu, is not on this Mac."""
    return None if facts.swiftbar.installed else Found("SwiftBar is not installed", "It is what shows the menu.")


@SWIFTBAR.check(Level.ERROR, "SwiftBar can show whole frames", remedy="brew upgrade --cask swiftbar",
                after=("swiftbar-missing",))  # fmt: skip
def swiftbar_too_old(facts: Facts) -> Optional[Found]:
    """SwiftBar is older than 1.4.3 and shows half-written menus of a streaming plugin."""
    bar = facts.swiftbar
    return Found(f"SwiftBar {bar.version} is too old", "It needs to be 1.4.3 or newer.") if bar.too_old else None


@SWIFTBAR.check(Level.NOTE, "SwiftBar hands clicks to the running plugin", remedy="brew upgrade --cask swiftbar",
                after=("swiftbar-missing", "swiftbar-too-old"))  # fmt: skip
def swiftbar_before_2_1(facts: Facts) -> Optional[Found]:
    """SwiftBar is older than 2.1.0: each click starts a process, and the menu closes for each change."""
    bar = facts.swiftbar
    if bar.has_stdin:
        return None
    return Found(f"SwiftBar {bar.version} starts a process for each click", "2.1.0 and newer do without.")


@SWIFTBAR.check(Level.ERROR, "SwiftBar is running", remedy="open -a SwiftBar", after=("swiftbar-missing",))
def swiftbar_not_running(facts: Facts) -> Optional[Found]:
    """SwiftBar is installed and does not run, so there is no menu."""
    return Found("SwiftBar is not running", "So there is no menu.") if facts.swiftbar.running is False else None


@SWIFTBAR.check(Level.ERROR, "SwiftBar has a plugin folder", remedy="open -a SwiftBar", after=("swiftbar-missing",))
def swiftbar_without_folder(facts: Facts) -> Optional[Found]:
    """SwiftBar was never told where its plugins are: it asks when it is opened."""
    if facts.swiftbar.folder:
        return None
    return Found("SwiftBar has no plugin folder yet", "Open it, choose a folder, then: llamabar.pyz install")


@SWIFTBAR.check(Level.ERROR, "SwiftBar's plugin folder can be used", remedy="open -a SwiftBar",
                after=("swiftbar-missing", "swiftbar-without-folder"))  # fmt: skip
def swiftbar_folder_gone(facts: Facts) -> Optional[Found]:
    """SwiftBar's plugin folder is not there or cannot be written: choose another one in its settings."""
    trouble = facts.swiftbar.folder_trouble
    return Found("SwiftBar's plugin folder cannot be used", f"{trouble}.") if trouble else None


@SWIFTBAR.check(Level.ERROR, "No other file stands in the plugin's place", after=_FOLDER,
                remedy="mv {plugin} ~/ && {llamabar} install")  # fmt: skip
def plugin_place_taken(facts: Facts) -> Optional[Found]:
    """A file of the plugin's name is in SwiftBar's folder and is not the link that install makes."""
    bar = facts.swiftbar
    if bar.link != "other":
        return None
    return Found("Something else stands in the plugin's place", bar.plugin, {"plugin": bar.plugin})


@SWIFTBAR.check(Level.ERROR, "The plugin is in SwiftBar's folder", after=(*_FOLDER, "plugin-place-taken"), fix=True,
                remedy="{llamabar} install")  # fmt: skip
def plugin_not_linked(facts: Facts) -> Optional[Found]:
    """The plugin is not in SwiftBar's folder, so SwiftBar does not show it."""
    if facts.swiftbar.link != "none":
        return None
    return Found("The plugin is not in SwiftBar's folder", facts.swiftbar.folder)


@SWIFTBAR.check(Level.ERROR, "The installed program is there", after=(*_FOLDER, "plugin-not-linked"),
                needs=("mac", "swiftbar", "program"), remedy="{llamabar} install")  # fmt: skip
def plugin_program_missing(facts: Facts) -> Optional[Found]:
    """The link in SwiftBar's folder leads nowhere: the program is gone from the data folder."""
    if facts.program.installed_there:
        return None
    return Found("The plugin's link leads nowhere", f"{facts.program.installed} is not there.")


@SWIFTBAR.check(Level.ERROR, "The plugin can be executed", after=_PLUGIN, needs=("mac", "swiftbar", "program"),
                remedy="chmod u+x {program}")  # fmt: skip
def plugin_not_executable(facts: Facts) -> Optional[Found]:
    """The installed program is not executable."""
    program = facts.program
    if program.installed_executable:
        return None
    return Found("The plugin is not executable", program.installed, {"program": program.installed})


@SWIFTBAR.check(Level.ERROR, "The plugin is not in quarantine", after=_PLUGIN, needs=("mac", "swiftbar", "program"),
                remedy="xattr -d com.apple.quarantine {program}")  # fmt: skip
def plugin_quarantined(facts: Facts) -> Optional[Found]:
    """The installed program carries the mark of a browser download: macOS kills it when SwiftBar starts it."""
    program = facts.program
    if not program.installed_quarantined:
        return None
    return Found("macOS holds the plugin in quarantine", "It was downloaded by a browser.",
                 {"program": program.installed})  # fmt: skip


@SWIFTBAR.check(Level.ERROR, "The plugin has SwiftBar's attribute", after=_PLUGIN, fix=True,
                remedy="{llamabar} doctor --fix plugin-attribute-missing --yes")  # fmt: skip
def plugin_attribute_missing(facts: Facts) -> Optional[Found]:
    """The attribute that makes it a streaming plugin is missing: SwiftBar runs it once and shows nothing more."""
    if facts.swiftbar.attribute != "":
        return None
    return Found("The plugin has lost SwiftBar's attribute", "Without it SwiftBar does not keep it running.")


@SWIFTBAR.check(Level.ERROR, "The plugin's attribute is that of this version", fix=True,
                after=(*_PLUGIN, "plugin-attribute-missing"),
                remedy="{llamabar} doctor --fix plugin-attribute-wrong --yes")  # fmt: skip
def plugin_attribute_wrong(facts: Facts) -> Optional[Found]:
    """The attribute that SwiftBar reads is another than this version needs."""
    if facts.swiftbar.attribute is None or facts.swiftbar.attribute_right:
        return None
    return Found("The plugin's attribute is not the right one", "SwiftBar may not keep it running.")


@SWIFTBAR.check(Level.ERROR, "The plugin is switched on in SwiftBar", after=_PLUGIN,
                remedy="SwiftBar > Plugin Manager: switch llamabar on")  # fmt: skip
def plugin_disabled(facts: Facts) -> Optional[Found]:
    """The plugin was switched off in SwiftBar."""
    return Found("The plugin is switched off in SwiftBar") if facts.swiftbar.disabled else None


@SWIFTBAR.check(Level.ERROR, "SwiftBar does not ignore the plugin", after=_PLUGIN, remedy="open -t {file}")
def plugin_ignored(facts: Facts) -> Optional[Found]:
    """.swiftbarignore in SwiftBar's folder names the plugin."""
    bar = facts.swiftbar
    if not bar.ignored:
        return None
    return Found("SwiftBar is told to ignore the plugin", "Take its line out of this file:",
                 {"file": f"{bar.folder}/.swiftbarignore"})  # fmt: skip


@SWIFTBAR.check(Level.WARNING, "There is one copy of the plugin", after=_FOLDER, remedy="mv {copy} ~/")
def plugin_twice(facts: Facts) -> Optional[Found]:
    """Another copy of the plugin is in SwiftBar's folder: the menu would be shown twice."""
    copies = facts.swiftbar.copies
    if not copies:
        return None
    return Found("Another copy of the plugin is in SwiftBar's folder", copies[0], {"copy": copies[0]})


@SWIFTBAR.check(Level.WARNING, "The older plugin is not beside it", after=_FOLDER,
                remedy="{llamabar} install --take-over")  # fmt: skip
def older_plugin_beside(facts: Facts) -> Optional[Found]:
    """Another llama-swap plugin (the older one, in Rust) is in SwiftBar's folder: two menus show the same."""
    found = facts.swiftbar.rust_plugins
    return Found("Another llama-swap plugin is in SwiftBar's folder", found[0]) if found else None


@SWIFTBAR.check(Level.NOTE, "SwiftBar's folder is not crowded", after=_FOLDER, remedy="open {folder}")
def swiftbar_folder_crowded(facts: Facts) -> Optional[Found]:
    """SwiftBar's folder has 50 files or more: it asks before it loads them, and each file counts as a plugin."""
    bar = facts.swiftbar
    if bar.files < CROWDED:
        return None
    return Found(f"SwiftBar's folder has {bar.files} files", "Each counts as a plugin.", {"folder": bar.folder})


@SWIFTBAR.check(Level.ERROR, "The program unpacks itself outside SwiftBar's folder", after=_FOLDER,
                remedy="unset SHIV_ROOT")  # fmt: skip
def cache_in_plugin_folder(facts: Facts) -> Optional[Found]:
    """The program unpacks itself into SwiftBar's folder (SHIV_ROOT): every file would become a plugin."""
    if not facts.swiftbar.cache_inside:
        return None
    return Found("The program unpacks itself into SwiftBar's folder", "Every file there would become a plugin.")


@SWIFTBAR.check(Level.NOTE, "SwiftBar runs this version", needs=("mac", "swiftbar", "program"), after=_PLUGIN,
                remedy="{llamabar} install")  # fmt: skip
def plugin_of_another_version(facts: Facts) -> Optional[Found]:
    """The program that SwiftBar runs is not the one that is asked here."""
    if facts.program.installed_same is not False:
        return None
    return Found("SwiftBar runs another version of the program", facts.program.installed)
