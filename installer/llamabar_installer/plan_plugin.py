"""Plans the plugin: the program in the data folder, its attribute, its symlink in SwiftBar's folder."""

import os
from typing import Optional, Tuple

from llamabar.core.mac import Link
from llamabar_installer.facts import Facts
from llamabar_installer.notes import Note, Why, note
from llamabar_installer.steps import Group, Kind, Options, Plan, Reason, Step


def plugin_steps(facts: Facts) -> Plan:
    """Plan what makes SwiftBar show the running program."""
    obstacle = _obstacle(facts)
    if obstacle is not None:
        return Plan(notes=(obstacle,))
    steps, bar = _program(facts), facts.swiftbar
    if bar.link is not Link.OURS:
        source = str(facts.places.program)
        steps += (Step(Kind.LINK, bar.plugin, Reason.NOT_LINKED, Group.PLUGIN, source=source),)
    if steps:
        steps += (Step(Kind.REFRESH, "SwiftBar", Reason.SHOW_MENU, Group.PLUGIN),)
    return Plan(steps, _notes(facts))


def old_plugins(facts: Facts, options: Options) -> Plan:
    """Plan to set the older plugin aside if that was requested; else return a note about it."""
    found = facts.swiftbar.rust_plugins
    if options.take_over:
        return Plan(tuple(Step(Kind.OLD_PLUGIN, path, Reason.TWO_MENUS, Group.PLUGIN) for path in found))
    return Plan(notes=tuple(note(Why.OLD_PLUGIN, name=os.path.basename(path)) for path in found))


def _obstacle(facts: Facts) -> Optional[Note]:
    bar = facts.swiftbar
    if facts.program is None:
        return note(Why.NOT_ONE_FILE)
    if not bar.installed:
        return note(Why.NO_SWIFTBAR)
    if not bar.folder:
        return note(Why.NO_PLUGIN_FOLDER)
    if bar.folder_trouble:
        return note(Why.PLUGIN_FOLDER_BAD, detail=bar.folder_trouble)
    return note(Why.LINK_TAKEN, path=bar.plugin) if bar.link is Link.OTHER else None


def _program(facts: Facts) -> Tuple[Step, ...]:
    target = str(facts.places.program)
    if facts.installed_digest != facts.program_digest:
        reason = Reason.NEW_VERSION if facts.installed_digest else Reason.NOT_COPIED
        return (Step(Kind.PROGRAM, target, reason, Group.PLUGIN, source=str(facts.program)),)
    if not facts.swiftbar.marked:
        return (Step(Kind.ATTRIBUTE, target, Reason.NOT_MARKED, Group.PLUGIN),)
    return ()


def _notes(facts: Facts) -> Tuple[Note, ...]:
    bar = facts.swiftbar
    found = [note(Why.PLUGIN_DISABLED)] if bar.disabled else []
    found += [note(Why.SWIFTBAR_OFF)] if bar.running is False else []
    found += [note(Why.SWIFTBAR_OLD, version=bar.version)] if bar.too_old else []
    found += [note(Why.COPY_BESIDE, name=os.path.basename(path), path=path) for path in bar.copies]
    found += [note(Why.VARIABLE_UNSEEN, name=name) for name in facts.places.named]
    return tuple(found)
