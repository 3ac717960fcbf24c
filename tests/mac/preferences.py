"""The user's defaults: a store, and its copy in ~/Library/Preferences, which may lag behind on a real Mac."""

import os
import plistlib
from typing import Any, Dict, Optional

FOLDER = "defaults"
GLOBAL = "NSGlobalDomain"


def read(state: str, domain: str) -> Optional[Dict[str, Any]]:
    """Return a domain, or the property list at a path with or without its suffix; None if there is none."""
    domain = GLOBAL if domain == "-g" else domain
    inside = os.path.join(state, FOLDER, f"{domain}.plist")
    for path in (domain, f"{domain}.plist") if domain.startswith("/") else (inside,):
        try:
            with open(path, "rb") as file:
                return plistlib.load(file)
        except (OSError, plistlib.InvalidFileException):
            continue
    return None


def write(state: str, home: str, domain: str, content: Dict[str, Any]) -> None:
    """Replace a domain."""
    domain = GLOBAL if domain == "-g" else domain
    for folder in (os.path.join(state, FOLDER), os.path.join(home, "Library", "Preferences")):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{domain}.plist")
        with open(f"{path}.new", "wb") as file:
            plistlib.dump(content, file, fmt=plistlib.FMT_BINARY)
        os.replace(f"{path}.new", path)
