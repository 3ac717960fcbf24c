"""Small JSON files in the data folder. What can't be read or written is missing, and does no harm."""

import json
from pathlib import Path
from typing import Any, Mapping

from llamabar.macos import files

LARGEST_BYTES = 1_000_000
NOT_UNDERSTOOD = (ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RecursionError)


def read(path: Path) -> Any:
    """Return a file's content, {} if there is none; raise NOT_UNDERSTOOD if it isn't JSON."""
    return json.loads(files.read(path, limit_bytes=LARGEST_BYTES) or b"{}")


def write(path: Path, document: Mapping[str, Any]) -> bool:
    """Replace a file, which only its owner can read, and tell whether that was possible."""
    try:
        files.private_folder(path.parent)
        files.write(path, json.dumps(document).encode("ascii") + b"\n", mode=files.PRIVATE_MODE)
    except OSError:
        return False
    return True
