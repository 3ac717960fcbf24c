"""Unpack the program once per build and start it from there. Runs inside the single file, with the Python it found.

Law: whatever state the cache is in, the program runs, or says why it can't. A cache is used only if it is ours, nobody
else can write to it or replace it, every file in it matches the archive, and SwiftBar won't run it as a plugin.
"""

import errno
import fcntl
import importlib
import os
import pwd
import re
import shutil
import stat
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import Iterator, Mapping, NoReturn, Optional

from llamabar.damage import CACHE_NAME, SITE, TEMPORARY, cache_name, is_whole, members

START = "site-packages/llamabar/boot/start.py"
OLD_S = 7 * 86400.0
ABANDONED_S = 86400.0
SHIV_SWITCHES = ("SHIV_INTERPRETER", "SHIV_ENTRY_POINT", "SHIV_MODULE", "SHIV_CONSOLE_SCRIPT")


def main(file: str) -> NoReturn:
    """Run the program from its cache; without a cache, straight from the file."""
    file = os.path.abspath(file)
    if any(os.environ.get(name) for name in SHIV_SWITCHES):
        sys.path[0] = file
        importlib.import_module("_bootstrap").bootstrap()
        sys.exit(0)
    try:
        with zipfile.ZipFile(file) as archive:
            folder = _cache(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError):
        sys.exit(f"llamabar: the file is incomplete.\nDownload it again: {file}")
    started_by_header = _is_same_file(os.environ.get("LLAMABAR_FILE", ""), file)
    os.environ["LLAMABAR_FILE"] = file
    os.environ.pop("SHIV_FORCE_EXTRACT", None)
    if folder is None:
        print("llamabar: no folder to unpack into, so starting is slow. Set SHIV_ROOT to one.", file=sys.stderr)
    elif sys.executable:
        if started_by_header:
            _remember_python(folder)
        os.execv(sys.executable, [sys.executable, "-I", "-S", str(folder / START), *sys.argv[1:]])
    else:
        sys.path[0] = str(folder / SITE)
    from llamabar.boot.entry import main as run

    run()


def roots(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders that may hold caches, links resolved, best first; none inside SwiftBar's plugin folder."""
    temporary = os.path.join(environment.get("TMPDIR") or "/tmp", f"llamabar-{os.getuid()}")
    plugins = environment.get("SWIFTBAR_PLUGINS_PATH", "")
    home = environment.get("HOME") or _home_folder()
    for name in filter(None, (environment.get("SHIV_ROOT", ""), "~/.shiv", temporary)):
        path = Path(os.path.realpath(f"{home}{name[1:]}" if name.startswith("~/") else name))
        if not plugins or Path(os.path.realpath(plugins)) not in (path, *path.parents):
            yield path


def _home_folder() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return os.devnull


def _remove_old(root: Path, *, now_s: float, kept: str) -> None:
    """Remove this user's caches of other builds that are a week old and not in use."""
    for path in root.iterdir():
        abandoned = path.name.startswith(TEMPORARY)
        if path.name == kept or not (abandoned or re.match(CACHE_NAME, path.name)):
            continue
        try:
            found = path.lstat()
            if found.st_uid != os.getuid() or now_s - found.st_mtime < (ABANDONED_S if abandoned else OLD_S):
                continue
            if not stat.S_ISDIR(found.st_mode):
                path.unlink()
            elif not _in_use(path):
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


def _cache(archive: zipfile.ZipFile) -> Optional[Path]:
    """Return the first cache that is complete or can be created; None if there is none."""
    name = cache_name(archive)
    force = bool(os.environ.get("SHIV_FORCE_EXTRACT"))
    for root in roots(os.environ):
        target = root / name
        try:
            if force or not (os.path.isdir(root) and _is_safe(root) and _is_usable(archive, target)):
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not _is_safe(root):
                    continue
                _unpack(archive, root, name, force=force)
                _remove_old(root, now_s=time.time(), kept=name)
            if _is_usable(archive, target):
                return target
        except OSError:
            continue
    return None


def _unpack(archive: zipfile.ZipFile, root: Path, name: str, *, force: bool) -> None:
    """Unpack beside the target, then rename; if two processes do so at once, the first one's cache stays."""
    fresh, target = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=root)), root / name
    try:
        for info in members(archive):
            path = fresh / info.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))
            path.chmod(0o700 if info.filename.endswith(".so") else 0o600)
        if os.path.lexists(target) and (force or not _is_usable(archive, target)):
            _put_away(target, root)
        try:
            fresh.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_away(target: Path, root: Path) -> None:
    """Move a damaged cache out of the way; another process may be doing the same."""
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=root))
    try:
        target.rename(folder / "old")
    except FileNotFoundError:
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_safe(root: Path) -> bool:
    """Return whether only we and the system can put another folder in a cache's place.

    Changing a link later doesn't help an attacker: the root itself isn't a link (`roots` has resolved it), and no
    folder above it lets others rename what is inside, unless it is sticky.
    """
    if not stat.S_ISDIR(root.lstat().st_mode) or not _is_closed(root.lstat(), 0o022):
        return False
    return all(_is_closed(parent.lstat(), 0o002) for parent in root.parents)


def _is_closed(found: os.stat_result, open_bits: int) -> bool:
    """Return whether a folder belongs to us or the system and others can't change it."""
    return found.st_uid in (os.getuid(), 0) and (not found.st_mode & open_bits or bool(found.st_mode & stat.S_ISVTX))


def _is_usable(archive: zipfile.ZipFile, target: Path) -> bool:
    """Return whether a cache is a folder of ours that nobody else can write to, and complete."""
    try:
        found = target.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return ours and is_whole(archive, str(target))


def _in_use(folder: Path) -> bool:
    """Return whether a process is using a cache: launch.py takes a shared lock on it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


def _remember_python(folder: Path) -> None:
    """Record for the header which Python to start next time: the value of LLAMABAR_PYTHON, and the Python it selected.
    """
    lines = [os.environ.get("LLAMABAR_PYTHON", ""), sys.executable]
    if any("\n" in line for line in lines):
        return
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    try:
        if os.path.exists(folder / "python") and (folder / "python").read_bytes() == content:
            return
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, folder / "python")
    except OSError:
        pass


def _is_same_file(one: str, other: str) -> bool:
    try:
        return bool(one) and os.path.samefile(one, other)
    except OSError:
        return False
