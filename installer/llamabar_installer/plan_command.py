"""Plans the `llamabar` command: a symlink in a PATH folder, which never replaces another program."""

import os
from typing import Tuple

from llamabar.macos.paths import COMMAND
from llamabar_installer.facts import Facts
from llamabar_installer.manifest import Thing
from llamabar_installer.notes import Why, note
from llamabar_installer.steps import Group, Kind, Plan, Reason, Step


def command_steps(facts: Facts, *, copied: bool) -> Plan:
    """Plan to link `llamabar` as a command. `copied`: the plan copies the program into the data folder."""
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


def removal_steps(facts: Facts) -> Tuple[Step, ...]:
    """Plan to remove the command."""
    items = facts.manifest.of_kind(Thing.COMMAND)
    return tuple(Step(Kind.REMOVE_COMMAND, item.path, group=Group.COMMAND, source=item.digest) for item in items)
