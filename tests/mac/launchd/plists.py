"""What launchd asks of a plist before it loads it. Source: shared facts on launchd, sections 1.3, 4.2 and 5."""

import os
import plistlib
import re
import stat
from typing import Any, Dict, Optional, Tuple

from tests.mac import attributes

QUARANTINE = "com.apple.quarantine"
BAD_FILE = 122
INVALID = 109
NO_LABEL = 110
NO_PROGRAM = 111
WRONG_SESSION = 134
QUARANTINED = 155
MISSING = 2
_LONG_BOOLEAN = re.compile(rb"<(true|false)\s*>\s*</\1>")


def read(path: str, *, uid: int, macos: int, state: str) -> Tuple[Optional[Dict[str, Any]], int]:
    """Return the content and 0, or None and the error that launchd has for it."""
    try:
        found = os.stat(path)
    except OSError:
        return None, MISSING
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (uid, 0) or found.st_mode & 0o022:
        return None, BAD_FILE
    if macos >= 27 and attributes.get(path, QUARANTINE, state=state) is not None:
        return None, QUARANTINED
    content = parse(path)
    if content is None:
        return None, INVALID
    code = fault(content)
    return (None, code) if code else (content, 0)


def parse(path: str) -> Optional[Dict[str, Any]]:
    """Return a plist's dictionary, None for what launchd's reader refuses: it is stricter than plutil."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        content = plistlib.loads(data)
    except Exception:  # plistlib raises whatever its parsers do
        return None
    strict = data.startswith(b"bplist") or not _LONG_BOOLEAN.search(data)
    return content if strict and isinstance(content, dict) else None


def fault(content: Dict[str, Any]) -> int:
    """Return the error of a dictionary that describes no agent of a GUI session, else 0."""
    label, words = content.get("Label"), content.get("ProgramArguments")
    if not isinstance(label, str) or not label:
        return NO_LABEL
    if words is not None and not (isinstance(words, list) and words and all(isinstance(word, str) for word in words)):
        return NO_PROGRAM
    if words is None and not isinstance(content.get("Program"), str):
        return NO_PROGRAM
    sessions = content.get("LimitLoadToSessionType", "Aqua")
    return 0 if "Aqua" in ([sessions] if isinstance(sessions, str) else sessions) else WRONG_SESSION
