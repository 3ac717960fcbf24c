"""A folder to the byte, to compare before and after."""

import os
import stat
from pathlib import Path
from typing import Any, Dict

from tests.mac import attributes


def snapshot(folder: Path, state: str) -> Dict[str, Any]:
    """Return absolute path → what is there: kind, mode, content or link target, attributes. Times are omitted."""
    found: Dict[str, Any] = {}
    for where, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(where) / name
            found[str(path)] = describe(path, state)
    return found


def describe(path: Path, state: str) -> Dict[str, Any]:
    """Return what is at one path."""
    if path.is_symlink():
        return {"kind": "link", "to": os.readlink(path)}
    mode = path.stat().st_mode
    held = {name: attributes.get(str(path), name, state=state) for name in attributes.names(str(path), state=state)}
    about: Dict[str, Any] = {"mode": oct(stat.S_IMODE(mode)), "attributes": held}
    if stat.S_ISDIR(mode):
        return {"kind": "folder", **about}
    return {"kind": "file", **about, "content": path.read_bytes() if stat.S_ISREG(mode) else None}
