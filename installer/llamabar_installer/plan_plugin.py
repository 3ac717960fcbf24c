"""The plugin's part of a plan: the program in the data folder, its attribute, its link in SwiftBar's folder."""

from typing import List, Optional, Tuple

from llamabar.macos import swiftbar
from llamabar.macos.paths import PLUGIN
from llamabar_installer.facts import Facts
from llamabar_installer.steps import Group, Kind, Note, Options, Plan, Step

NO_FOLDER_HINT = "Open SwiftBar once and choose a plugin folder, then run install again: open -a SwiftBar"


def plugin_steps(facts: Facts) -> Plan:
    """Return what makes SwiftBar show the program that is being run."""
    obstacle = _obstacle(facts)
    if obstacle is not None:
        return Plan(notes=(obstacle,))
    steps = _program(facts) + _link(facts)
    if steps:
        steps += (Step(Kind.REFRESH, "SwiftBar", "it shows the new menu at once", Group.PLUGIN),)
    return Plan(steps, _notes(facts))


def old_plugins(facts: Facts, options: Options) -> Plan:
    """Return the steps that set the older plugin aside, if that was asked for; else a note that it is there."""
    found = facts.swiftbar.rust_plugins
    if options.take_over:
        why = "two menus would show the same; uninstall puts it back"
        return Plan(tuple(Step(Kind.OLD_PLUGIN, str(path), why, Group.PLUGIN) for path in found))
    return Plan(notes=tuple(
        Note(f"Another llama-swap plugin is in SwiftBar's folder: {path.name}.",
             "To move over from it: llamabar.pyz install --take-over") for path in found
    ))  # fmt: skip


def _obstacle(facts: Facts) -> Optional[Note]:
    bar = facts.swiftbar
    if facts.program is None:
        return Note("This is not the one file, llamabar.pyz, so there is nothing that SwiftBar could run.",
                    "Build it (python3 build.py pyz), then: dist/llamabar.pyz install", missing=True)  # fmt: skip
    if not bar.installed:
        return Note("SwiftBar was not found, so there is nothing that could show the menu.",
                    f"Install it, open it once, then this again: {swiftbar.INSTALL_HINT}", missing=True)  # fmt: skip
    if bar.folder is None:
        return Note("SwiftBar has never been told where its plugins are.", NO_FOLDER_HINT, missing=True)
    if bar.folder_trouble:
        return Note(f"SwiftBar's plugin folder: {bar.folder_trouble}.", NO_FOLDER_HINT, missing=True)
    if bar.link == "other":
        return Note(f"{bar.folder / PLUGIN} is there and was not put there by this program: it is left alone.",
                    f"Take it away, then run install again: mv '{bar.folder / PLUGIN}' ~/", missing=True)  # fmt: skip
    return _cache_inside(facts)


def _cache_inside(facts: Facts) -> Optional[Note]:
    bar, cache = facts.swiftbar, facts.places.cache
    return None if bar.folder is None or not swiftbar.holds(bar.folder, cache) else Note(
        f"The program unpacks itself into {cache}, inside SwiftBar's folder: every file would become a plugin.",
        "Leave SHIV_ROOT unset, or choose another plugin folder in SwiftBar.", missing=True)  # fmt: skip


def _program(facts: Facts) -> Tuple[Step, ...]:
    target = str(facts.places.program)
    if facts.installed_digest != facts.program_digest:
        why = "a new version" if facts.installed_digest else "SwiftBar runs it from there, wherever this file goes"
        return (Step(Kind.PROGRAM, target, why, Group.PLUGIN, source=str(facts.program)),)
    if not facts.attribute_right:
        return (Step(Kind.ATTRIBUTE, target, "without it SwiftBar would not keep it running", Group.PLUGIN),)
    return ()


def _link(facts: Facts) -> Tuple[Step, ...]:
    bar = facts.swiftbar
    if bar.link == "ours" or bar.folder is None:
        return ()
    return (Step(Kind.LINK, str(bar.folder / PLUGIN), "SwiftBar loads what is there", Group.PLUGIN,
                 source=str(facts.places.program)),)  # fmt: skip


def _notes(facts: Facts) -> Tuple[Note, ...]:
    bar = facts.swiftbar
    found: List[Note] = []
    if bar.disabled:
        found.append(Note("The plugin is disabled in SwiftBar.", "SwiftBar > Plugin Manager: switch llamabar on"))
    if bar.running is False:
        found.append(Note("SwiftBar is not running.", "open -a SwiftBar"))
    if swiftbar.is_too_old(bar.version):
        found.append(Note(f"SwiftBar {bar.version} is too old to show whole frames.", "brew upgrade --cask swiftbar"))
    found += [Note(f"An older copy is in SwiftBar's folder: {path.name}. Two menus would be shown.",
                   f"Take it away: mv '{path}' ~/") for path in bar.copies]  # fmt: skip
    found += [Note(f"{name} is set in this terminal, and the plugin does not see it: SwiftBar starts without it.",
                   f'Until the next login: launchctl setenv {name} "${name}", then start SwiftBar anew.')
              for name in facts.places.named]  # fmt: skip
    return tuple(found)
