"""Plans the program in the data folder, its symlink in SwiftBar's folder, and the `llamabar` command."""

import os
from typing import Optional, Tuple

from llamabar.core.mac import Link
from llamabar.macos.paths import COMMAND
from llamabar_installer.facts import Facts
from llamabar_installer.manifest import Thing
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


def command_steps(facts: Facts, *, copied: bool) -> Plan:
    """Plan a symlink in a PATH folder that replaces no other program. `copied`: the plan copies the program."""
    found, source = facts.command, facts.places.program if copied or facts.installed_digest else facts.program
    if source is None or found.folder is None:
        return Plan()
    known = {item.path for item in facts.manifest.of_kind(Thing.COMMAND)}
    if found.other is not None and str(found.other) not in known:
        return Plan(notes=(note(Why.COMMAND_TAKEN, path=found.other),))
    target = found.folder / COMMAND
    notes = () if found.reachable else (note(Why.COMMAND_OFF_PATH, path=found.folder),)
    if os.path.islink(target) and os.path.realpath(target) == os.path.realpath(source):
        return Plan()
    if os.path.lexists(target) and str(target) not in known:
        return Plan(notes=(note(Why.COMMAND_TAKEN, path=target),))
    return Plan((Step(Kind.COMMAND, str(target), Reason.NO_COMMAND, Group.COMMAND, source=str(source)),), notes)


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
