"""The `llamabar` command: a link to the program in a folder of the PATH, put on and taken off."""

import os

from llamabar.macos import files
from llamabar_installer.manifest import Item, Thing
from llamabar_installer.notes import Why, note
from llamabar_installer.steps import Step
from llamabar_installer.work import StepFailed, Undo, Workshop, gone, nothing


def link(shop: Workshop, step: Step) -> Undo:
    """Link the program as `llamabar` by a rename, never over what is not ours."""
    known = shop.manifest.item(step.path)
    if os.path.lexists(step.path) and (known is None or not step.path.is_symlink()):
        raise StepFailed(note(Why.APPEARED, path=step.path))
    shop.note(Item(Thing.COMMAND, step.target, step.source))
    step.path.parent.mkdir(parents=True, exist_ok=True)
    temporary = files.beside(step.path)
    try:
        files.discard(temporary)
        os.symlink(step.source, temporary)
        os.replace(temporary, step.path)
    except BaseException:
        files.discard(temporary)
        raise
    return lambda: gone(shop, step.path)


def remove(shop: Workshop, step: Step) -> Undo:
    """Remove the command's link, if it still leads where it was put."""
    if step.path.is_symlink() and os.readlink(step.path) == step.source:
        files.discard(step.path)
    elif os.path.lexists(step.path):
        shop.remarks.append(note(Why.NOT_OURS, path=step.path))
    files.sweep(step.path)
    shop.forget(step.path)
    return nothing
