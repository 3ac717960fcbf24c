"""What was installed on this Mac, written before each step, so that all of it can be removed to the byte.

Law: an item is written down before it is made. One that is listed and not there is no fault: a kill came between.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Optional, Tuple

from llamabar.macos import files

VERSION = 1


class Thing(str, Enum):
    """What an item is, by the words of the file."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    COMMAND = "command"  # a link of the command; `digest` is the program that it leads to
    AGENT = "agent"  # a plist and its job
    SETTINGS = "settings"
    OLD_SERVICE = "old service"  # a foreign service that was switched off; `digest` is its label
    SET_ASIDE = "set aside"  # a foreign file; `backup` is where it is


@dataclass(frozen=True)
class Item:
    """One thing. `digest` names a file's content; `backup` is where what stood there before is kept."""

    kind: str
    path: str
    digest: str = ""
    backup: str = ""


@dataclass(frozen=True)
class Manifest:
    """The items in the order of their installation. `readable` is False for a file that is not understood."""

    items: Tuple[Item, ...] = ()
    readable: bool = True

    def item(self, path: Path) -> Optional[Item]:
        """Return what is known of a path."""
        return next((item for item in self.items if item.path == str(path)), None)

    def of_kind(self, kind: str) -> Tuple[Item, ...]:
        """Return the items of one kind."""
        return tuple(item for item in self.items if item.kind == kind)

    def plus(self, item: Item) -> "Manifest":
        """Return the manifest with an item; the first backup of a path is the one that counts."""
        old = self.item(Path(item.path))
        if old is None:
            return replace(self, items=(*self.items, item))
        item = replace(item, backup=old.backup or item.backup)
        return replace(self, items=tuple(item if one is old else one for one in self.items))

    def without(self, path: Path) -> "Manifest":
        """Return the manifest without a path."""
        return replace(self, items=tuple(item for item in self.items if item.path != str(path)))


def load(path: Path) -> Manifest:
    """Return the manifest in a file: an empty one if there is none."""
    content = files.read(path)
    if content is None:
        return Manifest(readable=not path.exists())
    try:
        document = json.loads(content)
        names = [one.name for one in fields(Item)]
        items = tuple(Item(**{name: str(entry.get(name, "")) for name in names}) for entry in document["items"])
        return Manifest(items, readable=document["llamabar_manifest"] == VERSION)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Manifest(readable=False)


def save(path: Path, manifest: Manifest) -> None:
    """Put the manifest in place."""
    document = {"llamabar_manifest": VERSION, "items": [asdict(item) for item in manifest.items]}
    files.write(path, (json.dumps(document, indent=2) + "\n").encode("utf-8"), mode=files.PRIVATE_MODE)
