"""The steps that put something on: each returns what undoes it, or raises StepFailed with what was found."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, List, Tuple
from urllib.parse import urlsplit

from llamabar.macos import agent_plist, files, launchctl, logs, probe, swiftbar, tools
from llamabar.macos.paths import Places
from llamabar.macos.service_control import Control, Outcome
from llamabar_installer import manifest
from llamabar_installer.manifest import Item, Manifest
from llamabar_installer.steps import Step

Undo = Callable[[], None]
PROGRAM_MODE = 0o755


class StepFailed(Exception):
    """A step that did not do what it should: what was found, what to do, and lines that show it."""

    def __init__(self, said: str, hint: str = "", lines: Tuple[str, ...] = ()) -> None:
        super().__init__(said)
        self.said, self.hint, self.lines = said, hint, lines


@dataclass
class Workshop:
    """What every step needs: the places, the manifest, and a way to tell how it goes."""

    places: Places
    manifest: Manifest
    answers: Callable[[str], bool]
    say: Callable[[str], None]
    remarks: List[str] = field(default_factory=list)

    def note(self, item: Item) -> None:
        """Write an item down before it is made, with the folders that must be made for it."""
        for folder in files.missing_folders(Path(item.path).parent) + files.missing_folders(self.places.data):
            self.manifest = self.manifest.plus(Item("folder", str(folder)))
        self.manifest = self.manifest.plus(item)
        manifest.save(self.places.manifest, self.manifest)

    def forget(self, path: Path) -> None:
        """Take a path off the list."""
        if self.manifest.item(path) is not None:
            self.manifest = self.manifest.without(path)
            manifest.save(self.places.manifest, self.manifest)

    def restore(self, known: Manifest) -> None:
        """Return to the list before a step that failed; the folders it made stay on it, to be removed if empty."""
        for folder in self.manifest.of_kind("folder"):
            known = known.plus(folder)
        if self.manifest != known:
            self.manifest = known
            manifest.save(self.places.manifest, known)

    def backup(self, path: Path) -> str:
        """Keep what stands at a path, and say where; "" if nothing does."""
        if not path.exists() and not path.is_symlink():
            return ""
        for folder in files.missing_folders(self.places.backups):
            self.manifest = self.manifest.plus(Item("folder", str(folder)))
        kept = files.backup(path, self.places.backups)
        self.remarks.append(f"What {path} held before is kept in {kept}")
        return str(kept)

    def control(self, label: str, plist: Path, url: str) -> Control:
        """Return the control of a service."""
        outputs = agent_plist.parse(files.read(plist)) or {}
        named = outputs.get("StandardErrorPath")
        log = Path(named) if isinstance(named, str) else None
        return Control(label, plist, lambda: bool(url) and self.answers(url), log, self.say)


def write_config(shop: Workshop, step: Step) -> Undo:
    """Write a first config of llama-swap: never over one, and never taken off again."""
    if os.path.lexists(step.path):
        raise StepFailed(f"{step.path} has appeared meanwhile", "Run install again: it will be used.")
    made = files.missing_folders(step.path.parent)
    files.write(step.path, step.content)
    return lambda: _unwrite(step.path, made)


def _unwrite(path: Path, made: List[Path]) -> None:
    files.discard(path)
    for folder in reversed(made):
        files.remove_empty(folder)


def write_agent(shop: Workshop, step: Step) -> Undo:
    """Write the plist and the folder of its log, and read it back."""
    before = files.read(step.path)
    if step.path.is_symlink() or (step.path.exists() and not step.path.is_file()):
        raise StepFailed(f"{step.path} is not a plain file", "Take it away, then run install again.")
    log = Path(str((agent_plist.parse(step.content) or {}).get("StandardOutPath", "")))
    item = Item("agent", step.target, files.digest(step.content), shop.backup(step.path))
    known = shop.manifest.item(step.path)
    shop.note(item)
    for folder in files.missing_folders(log.parent):
        shop.note(Item("folder", str(folder)))
    log.parent.mkdir(parents=True, exist_ok=True, mode=files.FOLDER_MODE)
    files.write(step.path, step.content)
    if files.read(step.path) != step.content or step.path.stat().st_mode & 0o022:
        _restore(shop, step.path, before, known)
        raise StepFailed(f"{step.path} does not hold what was written")
    return lambda: _restore_agent(shop, step, before, known)


def _restore_agent(shop: Workshop, step: Step, before: "bytes | None", known: "Item | None") -> None:
    """Put the plist before back, and where it is loaded have launchd read it again."""
    if before is None and launchctl.look(step.path.stem).loaded:
        raise StepFailed(f"{step.path.stem} is still loaded, so its LaunchAgent stays; later: llamabar.pyz uninstall")
    _restore(shop, step.path, before, known)
    if before is not None and launchctl.look(step.path.stem).loaded:
        service = agent_plist.service_of(agent_plist.parse(before))
        control = shop.control(step.path.stem, step.path, service.url if service is not None else "")
        _expect(control.restart(replaced=True))


def _restore(shop: Workshop, path: Path, before: "bytes | None", known: "Item | None") -> None:
    if before is None:
        files.discard(path)
        shop.forget(path)
        return
    files.write(path, before)
    if known is None:
        shop.forget(path)
    else:
        shop.note(known)


def start(shop: Workshop, step: Step) -> Undo:
    """Start our service and see it answer. Its port may have been taken since the plan was made."""
    control = shop.control(step.target, shop.places.plist, step.url)
    port = urlsplit(step.url).port or 0
    if not launchctl.look(step.target).running and not probe.is_free(port):
        raise StepFailed(f"Port {port} is taken by something else", "Run install again with another one: --port N")
    logs.rotate(shop.places.log)
    try:
        _expect(control.start())
    except BaseException:
        with tools.signals_held():
            control.stop()  # a job that is loaded and does not run would be tried again for ever
        raise
    return lambda: _expect(control.stop())


def restart(shop: Workshop, step: Step) -> Undo:
    """Load our changed service anew and see it answer; the undo of its plist loads the one before again."""
    _expect(shop.control(step.target, shop.places.plist, step.url).restart(replaced=True))
    return lambda: None


def _expect(outcome: Outcome) -> None:
    if not outcome.ok:
        raise StepFailed(outcome.said, outcome.hint, outcome.log_lines)


def write_settings(shop: Workshop, step: Step) -> Undo:
    """Write the settings file, what it held before kept beside the program."""
    path = Path(os.path.realpath(step.path))  # a link to where somebody keeps such files stays one
    before = files.read(path)
    kept = shop.backup(path)
    known = shop.manifest.item(path)
    mode = path.stat().st_mode & 0o777 if before is not None else 0o600
    shop.note(Item("settings", str(path), files.digest(step.content), kept))
    files.write(path, step.content, mode=mode)
    return lambda: _restore(shop, path, before, known)


def switch_off(shop: Workshop, step: Step) -> Undo:
    """Switch a foreign service off for good, its plist untouched."""
    shop.note(Item("old service", step.source, step.target))
    launchctl.disable(step.target)
    try:
        _expect(shop.control(step.target, Path(step.source), step.url).stop())
    except BaseException:
        with tools.signals_held():
            launchctl.enable(step.target)
        raise
    return lambda: _switch_on(shop, step)


def _switch_on(shop: Workshop, step: Step) -> None:
    _expect(shop.control(step.target, Path(step.source), step.url).start())
    shop.forget(Path(step.source))


def set_aside(shop: Workshop, step: Step) -> Undo:
    """Move a foreign plugin out of SwiftBar's folder into ours."""
    kept = shop.places.backups / step.path.name
    if kept.exists() or kept.is_symlink():
        raise StepFailed(f"{kept} is already there", "Move it away, then run install again.")
    shop.note(Item("set aside", step.target, backup=str(kept)))
    shop.note(Item("folder", str(kept.parent)))
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(str(step.path), str(kept))  # the plugin folder may be on another disk
    return lambda: _back(shop, kept, step.path)


def _back(shop: Workshop, kept: Path, path: Path) -> None:
    shutil.move(str(kept), str(path))
    shop.forget(path)


def copy_program(shop: Workshop, step: Step) -> Undo:
    """Put the program into the data folder: its attribute is set and read back before it gets its name."""
    before = files.read(step.path)
    content = Path(step.source).read_bytes()
    shop.note(Item("file", step.target, files.digest(content)))
    _place(step.path, content)
    return lambda: _unplace(shop, step.path, before)


def _place(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=files.FOLDER_MODE)
    files.sweep(path)
    temporary = files.beside(path)
    try:
        files.write_new(temporary, content, mode=PROGRAM_MODE)
        swiftbar.remove_quarantine(temporary)
        trouble = swiftbar.set_attribute(temporary)
        if trouble:
            raise StepFailed(trouble, "SwiftBar keeps only a plugin running that has it. xattr is a part of macOS.")
        os.replace(temporary, path)
    except BaseException:
        files.discard(temporary)
        raise
    if swiftbar.attribute_of(path) != swiftbar.attribute_value():
        raise StepFailed(f"the attribute of {path} is not what was set")


def _unplace(shop: Workshop, path: Path, before: "bytes | None") -> None:
    if before is not None:
        _place(path, before)
        shop.note(Item("file", str(path), files.digest(before)))
        return
    _gone(shop, path)


def _gone(shop: Workshop, path: Path) -> None:
    files.discard(path)
    shop.forget(path)


def mark(shop: Workshop, step: Step) -> Undo:
    """Set the attribute on the program that is there, and touch it so that SwiftBar reads it anew."""
    trouble = swiftbar.set_attribute(step.path)
    if trouble:
        raise StepFailed(trouble)
    os.utime(step.path)
    return lambda: None


def link(shop: Workshop, step: Step) -> Undo:
    """Link the program into SwiftBar's folder by a rename, never over what is not ours."""
    program = Path(step.source)
    if swiftbar.link_state(step.path, program) == "other":
        raise StepFailed(f"{step.path} has appeared meanwhile and is not ours", "Take it away, then run install again.")
    shop.note(Item("link", step.target, step.source))
    temporary = files.beside(step.path)
    try:
        files.discard(temporary)
        os.symlink(program, temporary)
        os.replace(temporary, step.path)
    except BaseException:
        files.discard(temporary)
        raise
    if swiftbar.link_state(step.path, program) != "ours":
        raise StepFailed(f"{step.path} does not lead to {program}")
    return lambda: _gone(shop, step.path)


def refresh(shop: Workshop, step: Step) -> Undo:
    """Touch SwiftBar's folder, so that it looks at it, and ask it to start the plugin anew."""
    for item in shop.manifest.of_kind("link"):
        os.utime(Path(item.path).parent)
    trouble = swiftbar.reload()
    if trouble:
        shop.remarks.append(f"SwiftBar could not be asked to load it ({trouble}): open -a SwiftBar")
    return lambda: None
