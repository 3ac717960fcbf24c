"""Where a server is, as the files in the data folder name it: without its address."""

import hashlib
from urllib.parse import urlsplit

from llamabar.core.address import is_local, port_of


def place_of(url: str) -> str:
    """Return a hash of a server's location; all names of this computer are one location."""
    parts = urlsplit(url)
    host = "here" if is_local(url) else (parts.hostname or "").lower()
    words = f"{host}:{port_of(url)}{parts.path.rstrip('/')}"
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:16]
