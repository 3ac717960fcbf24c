"""The list of what was installed on this Mac, so that all of it can be removed to the byte.

Law: an item is listed before it is created. A listed item that doesn't exist is no error: the installer was killed in
between.
"""

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Optional, Tuple

from llamabar.macos import files

VERSION = 1


class Thing(str, Enum):
    """The kind of an item, as written in the file."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    COMMAND = "command"  # a symlink to run llamabar as a command; `digest` is the program it links to
    AGENT = "agent"  # a plist and its job
    SETTINGS = "settings"
    OLD_SERVICE = "old service"  # another maker's service that was disabled; `digest` is its label
    SET_ASIDE = "set aside"  # another maker's file; `backup` is where it is now


@dataclass(frozen=True)
class Item:
    """One item. `digest` is the file's SHA-256; `backup` is the copy of what was there before."""

    kind: str
    path: str
    digest: str = ""
    backup: str = ""


@dataclass(frozen=True)
class Manifest:
    """The items in order of installation. `readable` is False if the file can't be understood."""

    items: Tuple[Item, ...] = ()
    readable: bool = True

    def item(self, path: Path) -> Optional[Item]:
        """Return the item for a path, if there is one."""
        return next((item for item in self.items if item.path == str(path)), None)

    def of_kind(self, kind: str) -> Tuple[Item, ...]:
        """Return the items of one kind."""
        return tuple(item for item in self.items if item.kind == kind)

    def plus(self, *items: Item) -> "Manifest":
        """Return the manifest with more items. The first backup of a path is kept."""
        found = {one.path: one for one in self.items}
        for item in items:
            old = found.get(item.path)
            found[item.path] = replace(item, backup=old.backup or item.backup) if old is not None else item
        return replace(self, items=tuple(found.values()))

    def without(self, path: Path) -> "Manifest":
        """Return the manifest without a path."""
        return replace(self, items=tuple(item for item in self.items if item.path != str(path)))


def load(path: Path) -> Manifest:
    """Return the manifest in a file; an empty one if there is no file."""
    content = files.read(path)
    if content is None:
        return Manifest(readable=not os.path.exists(path))
    try:
        document = json.loads(content)
        names = [one.name for one in fields(Item)]
        items = tuple(Item(**{name: str(entry.get(name, "")) for name in names}) for entry in document["items"])
        return Manifest(items, readable=document["llamabar_manifest"] == VERSION)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Manifest(readable=False)


def save(path: Path, manifest: Manifest) -> None:
    """Write the manifest."""
    document = {"llamabar_manifest": VERSION, "items": [asdict(item) for item in manifest.items]}
    files.write(path, (json.dumps(document, indent=2) + "\n").encode("utf-8"), mode=files.PRIVATE_MODE)
