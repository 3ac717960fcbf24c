"""The steps that install something. Each returns its undo, if it needs one, or raises StepFailed."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator, List, Optional

from llamabar.core.address import port_of
from llamabar.core.mac import Link
from llamabar.macos import agent_plist, agents, files, launchctl, logs, probe, swiftbar, tools
from llamabar.macos.paths import Places
from llamabar.macos.service_control import Control
from llamabar_installer import manifest
from llamabar_installer.manifest import Item, Manifest, Thing
from llamabar_installer.notes import Note, Why, note
from llamabar_installer.steps import Step

Undo = Callable[[], object]
PROGRAM_MODE = 0o755


class StepFailed(Exception):
    """A step didn't do what it should. Its note says what happened."""

    def __init__(self, found: Note) -> None:
        super().__init__(found.said)
        self.note = found


@dataclass
class StepContext:
    """What every step needs: the places, the manifest, and a way to report progress."""

    places: Places
    manifest: Manifest
    say: Callable[[str], None]
    remarks: List[Note] = field(default_factory=list)

    def record(self, item: Item) -> None:
        """List an item before it is created, together with the folders it needs."""
        needed = files.missing_folders(Path(item.path).parent) + files.missing_folders(self.places.data)
        self._save(self.manifest.plus(*_folders(needed), item))

    def forget(self, path: Path) -> None:
        """Remove a path from the manifest."""
        self._save(self.manifest.without(path))

    def restore(self, before: Manifest) -> None:
        """Restore an earlier manifest. Folders listed since then stay listed, to be removed if empty."""
        self._save(before.plus(*self.manifest.of_kind(Thing.FOLDER)))

    def _save(self, changed: Manifest) -> None:
        if changed != self.manifest:
            self.manifest = changed
            manifest.save(self.places.manifest, changed)

    def backup(self, path: Path) -> str:
        """Back up whatever is at a path and return the copy's path; "" if nothing is."""
        if not os.path.lexists(path):
            return ""
        self._save(self.manifest.plus(*_folders(files.missing_folders(self.places.backups))))
        kept = files.backup(path, self.places.backups)
        self.remarks.append(note(Why.BACKED_UP, path=path, kept=kept))
        return str(kept)

    def control(self, label: str, url: str, *, plist: Optional[Path] = None) -> Control:
        """Return the control of a service; of one of ours if no plist is given."""
        plist = plist or self.places.agents / f"{label}.plist"
        written = agents.logs_of(agents.read_plist(plist) or {})
        return Control(label, plist, url, written, self.say)


def _folders(paths: List[Path]) -> Iterator[Item]:
    return (Item(Thing.FOLDER, str(path)) for path in paths)


def put(path: Path, content: Optional[bytes]) -> None:
    """Give a file this content; without any, remove it."""
    files.discard(path) if content is None else files.write(path, content)


def write_config(context: StepContext, step: Step) -> Undo:
    """Write a first llama-swap config. It never replaces one, and uninstall never removes it."""
    if os.path.lexists(step.path):
        raise StepFailed(note(Why.APPEARED, path=step.path))
    made = files.missing_folders(step.path.parent)
    files.write(step.path, step.content)

    def _undo() -> None:
        files.discard(step.path)
        for folder in reversed(made):
            files.remove_empty(folder)

    return _undo


def write_agent(context: StepContext, step: Step) -> Undo:
    """Write the plist and create its log folders, then read the plist back."""
    before = files.read(step.path)
    if os.path.islink(step.path) or (os.path.exists(step.path) and not os.path.isfile(step.path)):
        raise StepFailed(note(Why.PLIST_NOT_A_FILE, path=step.path))
    context.record(Item(Thing.AGENT, step.target, files.digest(step.content), context.backup(step.path)))
    for log in agents.logs_of(agents.parse_plist(step.content) or {}):
        for folder in files.missing_folders(log.parent):
            context.record(Item(Thing.FOLDER, str(folder)))
        log.parent.mkdir(parents=True, exist_ok=True, mode=files.FOLDER_MODE)
    files.write(step.path, step.content, mode=files.FILE_MODE)
    if files.read(step.path) != step.content or step.path.stat().st_mode & 0o022:
        put(step.path, before)
        raise StepFailed(note(Why.NOT_WRITTEN, path=step.path))
    return lambda: _restore_agent(context, step, before)


def _restore_agent(context: StepContext, step: Step, before: Optional[bytes]) -> None:
    """Restore the previous plist; if the job is loaded, reload it."""
    label = step.path.stem
    if before is None and launchctl.look(label).loaded:
        raise StepFailed(note(Why.STILL_LOADED, label=label))
    put(step.path, before)
    if before is not None and launchctl.look(label).loaded:
        service = agent_plist.service_of(agents.parse_plist(before))
        expect(context.control(label, service.url if service else "").restart())


def start(context: StepContext, step: Step) -> Undo:
    """Start our service and wait until it answers. Its port may have been taken since the plan was made."""
    control = context.control(step.target, step.url)
    port = port_of(step.url) or 0
    if not launchctl.look(step.target).running and not probe.is_free(port):
        raise StepFailed(note(Why.PORT_TAKEN, port=port))
    logs.rotate(context.places.log)
    try:
        expect(control.start())
    except BaseException:
        with tools.signals_held():
            control.stop()  # launchd would retry a loaded job that can't run forever
        raise
    return lambda: expect(control.stop())


def restart(context: StepContext, step: Step) -> None:
    """Reload our changed service and wait until it answers. Undoing its plist loads the previous one again."""
    expect(context.control(step.target, step.url).restart())


def expect(outcome: Note) -> None:
    """Raise StepFailed if a result isn't ok."""
    if not outcome.ok:
        raise StepFailed(outcome)


def write_settings(context: StepContext, step: Step) -> Undo:
    """Write the settings file and keep a backup of the previous one."""
    path = Path(os.path.realpath(step.path))  # a symlink, as in a dotfiles folder, stays one
    before = files.read(path)
    context.record(Item(Thing.SETTINGS, str(path), files.digest(step.content), context.backup(path)))
    files.write(path, step.content, mode=None if before is not None else files.PRIVATE_MODE)
    return lambda: put(path, before)


def switch_off(context: StepContext, step: Step) -> Undo:
    """Disable another maker's service permanently. Its plist stays untouched."""
    context.record(Item(Thing.OLD_SERVICE, step.source, step.target))
    control = context.control(step.target, step.url, plist=Path(step.source))
    launchctl.tell("disable", step.target)
    try:
        expect(control.stop())
    except BaseException:
        with tools.signals_held():
            launchctl.tell("enable", step.target)
        raise
    return lambda: expect(control.start())


def set_aside(context: StepContext, step: Step) -> Undo:
    """Move another maker's plugin out of SwiftBar's folder into our backups."""
    kept = context.places.backups / step.path.name
    if os.path.lexists(kept):
        raise StepFailed(note(Why.APPEARED, path=kept))
    context.record(Item(Thing.SET_ASIDE, step.target, backup=str(kept)))
    context.record(Item(Thing.FOLDER, str(kept.parent)))
    kept.parent.mkdir(parents=True, exist_ok=True, mode=files.PRIVATE_FOLDER_MODE)
    shutil.move(step.target, str(kept))  # the plugin folder may be on another disk
    return lambda: shutil.move(str(kept), step.target)


def copy_program(context: StepContext, step: Step) -> Undo:
    """Copy the program into the data folder. Its attribute is set and verified before it gets its final name."""
    before = files.read(step.path)
    content = Path(step.source).read_bytes()
    context.record(Item(Thing.FILE, step.target, files.digest(content)))
    if context.manifest.item(context.places.data) is not None:
        context.places.data.chmod(files.PRIVATE_FOLDER_MODE)  # earlier versions let other users look into it
    _place(step.path, content)
    return lambda: files.discard(step.path) if before is None else _place(step.path, before)


def _place(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=files.PRIVATE_FOLDER_MODE)
    files.sweep(path)
    with files.replacing(path) as temporary:
        files.write_new(temporary, content, mode=PROGRAM_MODE)
        if tools.is_quarantined(temporary):
            tools.run("xattr", "-d", tools.QUARANTINE, str(temporary))
        _set_attribute(temporary)
    if swiftbar.attribute_of(path) != swiftbar.ATTRIBUTE_VALUE:
        raise StepFailed(note(Why.NOT_WRITTEN, path=path))


def mark(context: StepContext, step: Step) -> None:
    """Set the attribute on the installed program, and touch it so that SwiftBar reads it again."""
    _set_attribute(step.path)
    os.utime(step.path)


def _set_attribute(path: Path) -> None:
    trouble = swiftbar.set_attribute(path)
    if trouble:
        raise StepFailed(note(Why.NOT_MARKED, detail=trouble))


def link(context: StepContext, step: Step) -> Undo:
    """Link the program into SwiftBar's folder; never replace what isn't ours."""
    program = Path(step.source)
    if swiftbar.link_state(step.path, program) is Link.OTHER:
        raise StepFailed(note(Why.APPEARED, path=step.path))
    context.record(Item(Thing.LINK, step.target, step.source))
    with files.replacing(step.path) as temporary:
        os.symlink(program, temporary)
    if swiftbar.link_state(step.path, program) is not Link.OURS:
        raise StepFailed(note(Why.NOT_WRITTEN, path=step.path))
    return lambda: files.discard(step.path)


def link_command(context: StepContext, step: Step) -> Undo:
    """Link the program as `llamabar`; never replace what isn't ours."""
    if os.path.lexists(step.path) and (context.manifest.item(step.path) is None or not os.path.islink(step.path)):
        raise StepFailed(note(Why.APPEARED, path=step.path))
    context.record(Item(Thing.COMMAND, step.target, step.source))
    step.path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(step.path) as temporary:
        os.symlink(step.source, temporary)
    return lambda: files.discard(step.path)


def refresh(context: StepContext, step: Step) -> None:
    """Touch SwiftBar's folder so that it notices the change, and ask it to restart the plugin."""
    for item in context.manifest.of_kind(Thing.LINK):
        os.utime(Path(item.path).parent)
    trouble = swiftbar.reload()
    if trouble:
        context.remarks.append(note(Why.NOT_RELOADED, detail=trouble))
