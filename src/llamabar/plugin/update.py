"""Tells that a newer version is out. It never downloads one.

Law: without `[update] check = true` and a `url` in the settings no request is ever made. With them: one a day at
most, whatever comes of it and however often the program starts, on a thread that nothing waits for.
"""

import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from llamabar import __version__
from llamabar.macos.paths import data_folder

EVERY_S = 86400.0
LOOK_S = 3600.0
ANSWER_S = 10.0
STAMP = "update.json"


class Asked(NamedTuple):
    """When the URL was last asked, by the wall clock, and the version it named then."""

    unix_s: float
    version: str


def start(url: str, environment: Mapping[str, str], *, tell: Callable[[str], None]) -> None:
    """Watch for newer versions from now on, if there is a URL; `tell` gets a sentence, on another thread."""
    if url:
        stamp = data_folder(environment) / STAMP
        threading.Thread(target=_watch, args=(url, stamp, tell), name="updates", daemon=True).start()


def newer(said: str, *, than: str = __version__) -> bool:
    """Tell whether a version is a later one; what is no plain version, such as a release candidate, is not."""
    there, here = _numbers(said), _numbers(than)
    return there is not None and here is not None and there > here


def version_in(body: bytes) -> str:
    """Return the version that an answer names: JSON with `version` or `tag_name`, or a plain first line; else ""."""
    text = body[:65536].decode("utf-8", "replace").strip()
    try:
        found = json.loads(body)
        said = found.get("version") or found.get("tag_name") if isinstance(found, dict) else found
    except ValueError:
        said = text.splitlines()[0] if text else ""
    return str(said).strip() if _numbers(str(said).strip()) is not None else ""


def is_due(asked: Optional[Asked], *, unix_s: float) -> bool:
    """Tell whether to ask now; a time in the future is of a clock that was wrong."""
    return asked is None or not 0.0 <= unix_s - asked.unix_s < EVERY_S


def _numbers(version: str) -> Optional[Tuple[int, ...]]:
    if not re.fullmatch(r"v?\d{1,6}(\.\d{1,6}){0,3}", version):
        return None
    parts = [int(part) for part in version.lstrip("v").split(".")]
    return tuple(parts + [0] * (4 - len(parts)))


def _watch(url: str, stamp: Path, tell: Callable[[str], None]) -> None:
    told = ""
    while True:
        asked = _read(stamp)
        if is_due(asked, unix_s=time.time()):
            kept = asked.version if asked is not None else ""
            if not _write(stamp, Asked(time.time(), kept)):
                return  # what cannot be remembered would be asked at every start
            asked = Asked(time.time(), _ask(url) or kept)
            _write(stamp, asked)
        if asked is not None and asked.version != told and newer(asked.version):
            told = asked.version
            tell(f"llamabar {told.lstrip('v')} is out, this is {__version__}")
        time.sleep(LOOK_S)


def _ask(url: str) -> str:
    from llamabar.sources.client import Client, Unreachable

    try:
        answer = Client(url).call("GET", "" if urlsplit(url).path else "/", answer_s=ANSWER_S)
    except Unreachable:
        return ""
    return version_in(answer.body) if answer.status == 200 else ""


def _read(stamp: Path) -> Optional[Asked]:
    try:
        found = json.loads(stamp.read_bytes())
        return Asked(float(found["asked_unix_s"]), str(found["version"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(stamp: Path, asked: Asked) -> bool:
    temporary = stamp.with_name(f".{stamp.name}.{os.getpid()}")
    try:
        stamp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"asked_unix_s": asked.unix_s, "version": asked.version}), "utf-8")
        temporary.replace(stamp)
    except OSError:
        return False
    return True
