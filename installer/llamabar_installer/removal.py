"""The steps that remove something: only what the manifest lists and is still ours."""

import os
import re
import shutil
from pathlib import Path
from typing import List

from llamabar.core.mac import Link
from llamabar.damage import CACHE_NAME, TEMPORARY
from llamabar.macos import files, swiftbar
from llamabar.macos.paths import HISTORY, STATE_FILES, USUAL_CACHE
from llamabar_installer.manifest import Thing
from llamabar_installer.notes import Why, note
from llamabar_installer.steps import Step
from llamabar_installer.work import StepContext, Undo, expect, put


def stop(context: StepContext, step: Step) -> Undo:
    """Stop our service and wait until its process has exited."""
    control = context.control(step.target, step.url)
    expect(control.stop())
    return lambda: expect(control.start())


def remove_agent(context: StepContext, step: Step) -> Undo:
    """Remove our plist. One that was edited by hand is backed up first."""
    item, content = context.manifest.item(step.path), files.read(step.path)
    edited = content is not None and (item is None or item.digest != files.digest(content))
    if edited or os.path.islink(step.path):
        context.backup(step.path)
    context.forget(step.path)  # first: if the manifest can't be written, nothing is removed
    files.discard(step.path)
    files.sweep(step.path)
    return lambda: put(step.path, content)


def remove_link(context: StepContext, step: Step) -> None:
    """Remove a symlink of ours if it still leads to its program."""
    if swiftbar.link_state(step.path, Path(step.source or context.places.program)) is Link.OURS:
        files.discard(step.path)
    elif os.path.lexists(step.path):
        context.remarks.append(note(Why.NOT_OURS, path=step.path))
    files.sweep(step.path)
    context.forget(step.path)


def remove_file(context: StepContext, step: Step) -> None:
    """Remove an installed file."""
    files.sweep(step.path)
    files.discard(step.path)
    context.forget(step.path)


def put_back(context: StepContext, step: Step) -> None:
    """Restore what was set aside: move a plugin back, or enable a service again."""
    item = context.manifest.item(step.path)
    if item is not None and item.kind == Thing.OLD_SERVICE:
        outcome = context.control(item.digest, step.url, plist=step.path).start() if os.path.isfile(step.path) else None
        if outcome is not None and not outcome.ok:
            context.remarks.append(note(Why.ON_BUT, label=item.digest, detail=outcome.said))
    elif item is not None and os.path.lexists(item.backup):
        detail = "it exists again" if os.path.lexists(step.path) else _moved(item.backup, step.path)
        if detail:
            context.remarks.append(note(Why.NOT_PUT_BACK, path=step.path, detail=detail, kept=item.backup))
    context.forget(step.path)


def _moved(kept: str, path: Path) -> str:
    """Move a file; return "" or why that failed: SwiftBar's folder, or the disk it is on, may be gone."""
    try:
        shutil.move(kept, path)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def remove_cache(context: StepContext, step: Step) -> None:
    """Remove the unpacked program, and the bytecode that Apple's Python keeps of it elsewhere."""
    bytecode = context.places.bytecode / str(step.path).lstrip("/")
    for path in [*_unpacked(step.path), *_unpacked(bytecode)]:
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else files.discard(path)
    folder = bytecode
    while files.remove_empty(folder) and folder != context.places.bytecode:
        folder = folder.parent
    if step.path == context.places.home / USUAL_CACHE:
        files.remove_empty(step.path)


def _unpacked(cache: Path) -> List[Path]:
    try:
        return [cache / name for name in os.listdir(cache) if name.startswith(TEMPORARY) or re.match(CACHE_NAME, name)]
    except OSError:
        return []


def remove_folders(context: StepContext, step: Step) -> None:
    """Remove the data folder, and name what else is in it."""
    _remove_own(context)
    data = context.places.data
    kept = [name for name in sorted(os.listdir(data)) if not name.startswith(HISTORY)] if os.path.isdir(data) else []
    if kept:
        context.remarks.append(note(Why.FOLDER_KEPT, path=data, names=", ".join(kept)))


def forget_if_empty(context: StepContext) -> None:
    """Leave nothing behind after an undo: if the manifest lists only folders, remove it and them."""
    if context.manifest.items and all(item.kind == Thing.FOLDER for item in context.manifest.items):
        _remove_own(context)


def _remove_own(context: StepContext) -> None:
    """Remove the plugin's state files, the manifest and the folders created for us, innermost first, if empty."""
    data = context.places.data
    for path in (*(data / name for name in STATE_FILES), context.places.manifest, *files.leftovers(data)):
        files.discard(path)
    folders = {Path(item.path) for item in context.manifest.of_kind(Thing.FOLDER)}
    for folder in sorted({*folders, context.places.backups, data}, key=lambda path: -len(path.parts)):
        files.remove_empty(folder)
