"""Report that a newer version is available; never download it.

Law: without `[update] check = true` and a `url` in the settings, no request is ever made. With them, at most one a day,
whatever its result and however often the program starts, on a thread that nothing waits for.
"""

import json
import re
import threading
import time
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from llamabar import __version__
from llamabar.macos.paths import UPDATE, data_folder
from llamabar.store import small_files

EVERY_S = 86400.0
LOOK_S = 3600.0
ANSWER_S = 10.0


class LastCheck(NamedTuple):
    """When the URL was last queried, by the system's clock, and the version it returned."""

    unix_s: float
    version: str


def start(url: str, environment: Mapping[str, str], *, tell: Callable[[str], None]) -> None:
    """Check for newer versions from now on, if there is a URL; `tell` gets a sentence, on another thread."""
    if url:
        stamp = data_folder(environment) / UPDATE
        threading.Thread(target=_watch, args=(url, stamp, tell), name="updates", daemon=True).start()


def newer(version: str, *, than: str = __version__) -> bool:
    """Return whether a version is newer; anything but plain numbers, such as a release candidate, isn't."""
    there, here = _numbers(version), _numbers(than)
    return there is not None and here is not None and there > here


def version_in(body: bytes) -> str:
    """Return the version in a response: JSON with `version` or `tag_name`, or a plain first line; else ""."""
    text = body[:65536].decode("utf-8", "replace").strip()
    try:
        found = json.loads(text)
        version = found.get("version") or found.get("tag_name") if isinstance(found, dict) else found
    except (ValueError, RecursionError):
        version = text.splitlines()[0] if text else ""
    return str(version).strip() if _numbers(str(version).strip()) is not None else ""


def is_due(last: Optional[LastCheck], *, unix_s: float) -> bool:
    """Return whether to check now; a time in the future comes from a wrong clock."""
    return last is None or not 0.0 <= unix_s - last.unix_s < EVERY_S


def _numbers(version: str) -> Optional[Tuple[int, ...]]:
    if not re.fullmatch(r"v?[0-9]{1,6}(\.[0-9]{1,6}){0,3}", version):
        return None
    parts = [int(part) for part in version.lstrip("v").split(".")]
    return tuple(parts + [0] * (4 - len(parts)))


def _watch(url: str, stamp: Path, tell: Callable[[str], None]) -> None:
    told = ""
    while True:
        last = _read(stamp)
        if is_due(last, unix_s=time.time()):
            known = last.version if last is not None else ""
            if not _write(stamp, LastCheck(time.time(), known)):
                return  # if it can't be stored, every start would send a request
            last = LastCheck(time.time(), _ask(url) or known)
            _write(stamp, last)
        if last is not None and last.version != told and newer(last.version):
            told = last.version
            tell(f"llamabar {told.lstrip('v')} is available. You have {__version__}.")
        time.sleep(LOOK_S)


def _ask(url: str) -> str:
    from llamabar.sources.client import Client, Unreachable

    try:
        answer = Client(url).call("GET", "" if urlsplit(url).path else "/", answer_s=ANSWER_S)
    except Unreachable:
        return ""
    return version_in(answer.body) if answer.status == 200 else ""


def _read(stamp: Path) -> Optional[LastCheck]:
    try:
        found = small_files.read(stamp)
        return LastCheck(float(found["asked_unix_s"]), str(found["version"]))
    except small_files.NOT_UNDERSTOOD:
        return None


def _write(stamp: Path, last: LastCheck) -> bool:
    return small_files.write(stamp, {"asked_unix_s": last.unix_s, "version": last.version})
