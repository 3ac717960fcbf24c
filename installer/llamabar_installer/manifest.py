"""What was put on this Mac, written before each thing is done: so that it can be taken off to the byte.

Law: an item is written down before it is made. One that is listed and not there is no fault: a kill came between.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from llamabar.macos import files

VERSION = 1


@dataclass(frozen=True)
class Item:
    """One thing: a folder, file, link, agent (a plist and its job), or a foreign thing that was set aside.

    `digest` names a file's content; `backup` is where what stood there before is kept.
    """

    kind: str
    path: str
    digest: str = ""
    backup: str = ""


@dataclass(frozen=True)
class Manifest:
    """The items in the order in which they were put on. `readable` is False for a file that is not understood."""

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
        if old is not None and old.backup:
            item = replace(item, backup=old.backup)
        if old is not None:
            return replace(self, items=tuple(item if one is old else one for one in self.items))
        return replace(self, items=(*self.items, item))

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
        items = tuple(_item(entry) for entry in document["items"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return Manifest(readable=False)
    return Manifest(items, readable=document.get("llamabar_manifest") == VERSION)


def save(path: Path, manifest: Manifest) -> None:
    """Put the manifest in place."""
    document = {"llamabar_manifest": VERSION, "items": [asdict(item) for item in manifest.items]}
    files.write(path, (json.dumps(document, indent=2) + "\n").encode("utf-8"))


def _item(entry: Dict[str, Any]) -> Item:
    return Item(**{name: str(entry.get(name, "")) for name in ("kind", "path", "digest", "backup")})
