"""The steps that take something off: only what the manifest lists and what is still ours."""

import os
import re
import shutil
from pathlib import Path
from typing import List

from llamabar.macos import files, swiftbar
from llamabar.macos.paths import USUAL_CACHE
from llamabar_installer.manifest import Item
from llamabar_installer.steps import Step
from llamabar_installer.work import Undo, Workshop, _expect

UNPACKED = re.compile(r"\.?llamabar[^/]*_[0-9a-f]{64}(_lock)?$|\.llamabar-")  # as unpack.py names what it makes
STATE_FILES = ("watcher.json", "update.json")
APPLE_BYTECODE = "Library/Caches/com.apple.python"


def stop(shop: Workshop, step: Step) -> Undo:
    """Stop our service and see its process gone."""
    control = shop.control(step.target, shop.places.plist, step.url)
    _expect(control.stop())
    return lambda: _expect(control.start())


def remove_agent(shop: Workshop, step: Step) -> Undo:
    """Remove our plist; one that was edited by hand is kept among the backups."""
    item, content = shop.manifest.item(step.path), files.read(step.path)
    edited = content is not None and (item is None or item.digest != files.digest(content))
    if edited or step.path.is_symlink():
        shop.backup(step.path)
    shop.forget(step.path)  # first: without a list that can be written nothing is removed
    files.discard(step.path)
    files.sweep(step.path)
    return lambda: _write_again(shop, Item("agent", step.target, files.digest(content or b"")), content)


def _write_again(shop: Workshop, item: Item, content: "bytes | None") -> None:
    if content is not None:
        shop.note(item)
        files.write(Path(item.path), content)


def remove_link(shop: Workshop, step: Step) -> Undo:
    """Remove our link, if it still leads to our program."""
    if swiftbar.link_state(step.path, shop.places.program) == "ours":
        files.discard(step.path)
    elif step.path.exists():
        shop.remarks.append(f"{step.path} is not ours any more and stays")
    files.sweep(step.path)
    shop.forget(step.path)
    return _nothing


def remove_file(shop: Workshop, step: Step) -> Undo:
    """Remove a file of ours."""
    files.discard(step.path)
    files.sweep(step.path)
    shop.forget(step.path)
    return _nothing


def put_back(shop: Workshop, step: Step) -> Undo:
    """Put back what was set aside: a plugin to its place, or a service switched on again."""
    item = shop.manifest.item(step.path)
    if item is not None and item.kind == "old service":
        if step.path.is_file():
            outcome = shop.control(item.digest, step.path, step.url).start()
            if not outcome.ok:
                shop.remarks.append(f"{item.digest} is switched on again, but: {outcome.said}")
    elif item is not None and os.path.lexists(item.backup):
        if os.path.lexists(step.path):
            shop.remarks.append(f"{step.path} is there again; what was set aside stays in {item.backup}")
        else:
            shutil.move(item.backup, step.path)
    shop.forget(step.path)
    return _nothing


def remove_cache(shop: Workshop, step: Step) -> Undo:
    """Remove what the program unpacked, and the bytecode that Apple's Python keeps of it elsewhere."""
    bytecode = shop.places.home / APPLE_BYTECODE / str(step.path).lstrip("/")
    for folder in (step.path, bytecode):
        for path in _unpacked(folder):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else files.discard(path)
    _remove_empty_up_to(bytecode, shop.places.home / APPLE_BYTECODE)
    if step.path == shop.places.home / USUAL_CACHE:
        files.remove_empty(step.path)
    return _nothing


def _unpacked(cache: Path) -> List[Path]:
    try:
        return [cache / name for name in os.listdir(cache) if UNPACKED.match(name)]
    except OSError:
        return []


def _remove_empty_up_to(folder: Path, top: Path) -> None:
    while files.remove_empty(folder) and folder != top:
        folder = folder.parent


def remove_folders(shop: Workshop, step: Step) -> Undo:
    """Remove the plugin's notes, the list itself and the folders that were made for us, innermost first, if empty."""
    for name in STATE_FILES:
        files.discard(shop.places.data / name)
    for path in (shop.places.program, shop.places.manifest):
        files.sweep(path)
    folders = [Path(item.path) for item in shop.manifest.of_kind("folder")]
    files.discard(shop.places.manifest)
    for folder in sorted({*folders, shop.places.backups, shop.places.data}, key=lambda path: -len(path.parts)):
        files.remove_empty(folder)
    return _nothing


def forget_if_empty(shop: Workshop) -> None:
    """After an undo nothing may be left of the attempt: a manifest of folders alone goes, with those folders."""
    if shop.manifest.items and all(item.kind == "folder" for item in shop.manifest.items):
        remove_folders(shop, Step(kind=None, target="", why=""))  # type: ignore[arg-type]


def _nothing() -> None:
    """Nothing to undo: a removal that was half done is completed by running it again."""
