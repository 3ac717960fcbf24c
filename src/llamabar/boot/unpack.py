"""Unpacks the program, once for each build, and starts it there. Run out of the one file, by the Python it found.

Law: whatever state the cache is in, the program runs, or says in words why not. A cache is used only if it is ours,
nobody else can write to it, every file in it is as in the archive, and SwiftBar does not take it for plugins.
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
from typing import Iterator, List, Mapping, NoReturn, Optional

from llamabar.damage import SITE, cache_name, is_whole, members

START = "site-packages/llamabar/boot/start.py"
TEMPORARY = ".llamabar-"
OLD_S = 7 * 86400.0
LEFT_BEHIND_S = 86400.0
SHIVS_SWITCHES = ("SHIV_INTERPRETER", "SHIV_ENTRY_POINT", "SHIV_MODULE", "SHIV_CONSOLE_SCRIPT")
CACHE_NAME = re.compile(r"\.?llamabar[^/]*_[0-9a-f]{64}(_lock)?$")


def main(file: str) -> NoReturn:
    """Run the program from its cache; without one, straight out of the file."""
    file = os.path.abspath(file)
    if any(os.environ.get(name) for name in SHIVS_SWITCHES):
        _shiv(file)
    try:
        with zipfile.ZipFile(file) as archive:
            folder = _cache(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError):
        sys.exit(f"llamabar: the file is not whole.\nDownload it again: {file}")
    by_header = _same(os.environ.get("LLAMABAR_FILE", ""), file)
    os.environ["LLAMABAR_FILE"] = file
    os.environ.pop("SHIV_FORCE_EXTRACT", None)
    if folder is None:
        print("llamabar: no folder to unpack into, so this start is slow. Set SHIV_ROOT to one.", file=sys.stderr)
    elif sys.executable:
        if by_header:
            _remember(folder)
        os.execv(sys.executable, [sys.executable, "-I", "-S", str(folder / START), *sys.argv[1:]])
    else:
        sys.path[0] = str(folder / SITE)
    from llamabar.boot.entry import main as run

    run()


def roots(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders that may hold caches, the best first; none within SwiftBar's plugin folder."""
    asked = environment.get("SHIV_ROOT", "")
    temporary = os.path.join(environment.get("TMPDIR") or "/tmp", f"llamabar-{os.getuid()}")
    plugins = environment.get("SWIFTBAR_PLUGINS_PATH", "")
    home = environment.get("HOME") or _home_of_the_entry()
    for name in filter(None, (asked, "~/.shiv", temporary)):
        path = Path(f"{home}{name[1:]}" if name.startswith("~/") else name).absolute()
        if not (plugins and _within(path, Path(plugins))):
            yield path


def _home_of_the_entry() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return os.devnull


def remove_old(root: Path, *, now_s: float, kept: str = "") -> List[str]:
    """Remove this user's caches of other builds that are a week old and that no process uses; return their names."""
    removed = []
    for path in root.iterdir() if root.is_dir() else ():
        left = path.name.startswith(TEMPORARY)
        if path.name == kept or not (left or CACHE_NAME.match(path.name)):
            continue
        try:
            found = path.lstat()
            if found.st_uid != os.getuid() or now_s - found.st_mtime < (LEFT_BEHIND_S if left else OLD_S):
                continue
            if path.is_dir() and not path.is_symlink():
                if _in_use(path):
                    continue
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            removed.append(path.name)
        except OSError:
            continue
    return removed


def _cache(archive: zipfile.ZipFile) -> Optional[Path]:
    """Return the first cache that is whole or could be made so; None if there is none."""
    name = cache_name(archive)
    force = bool(os.environ.get("SHIV_FORCE_EXTRACT"))
    for root in roots(os.environ):
        target = root / name
        try:
            if force or not (_is_safe(root) and _is_ours(target) and is_whole(archive, str(target))):
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not _is_safe(root):
                    continue
                _unpack(archive, root, name, force=force)
                remove_old(root, now_s=time.time(), kept=name)
            if _is_ours(target) and is_whole(archive, str(target)):
                return target
        except OSError:
            continue
    return None


def _unpack(archive: zipfile.ZipFile, root: Path, name: str, *, force: bool) -> None:
    """Unpack beside the target, then take its place in one step; whoever comes second leaves the first in place."""
    fresh = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=root))
    try:
        for info in members(archive):
            path = fresh / info.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))
            path.chmod(0o700 if info.filename.endswith(".so") else 0o600)
        target = root / name
        if os.path.lexists(target) and (force or not (_is_ours(target) and is_whole(archive, str(target)))):
            _put_away(target, root)
        try:
            fresh.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_away(target: Path, root: Path) -> None:
    """Take a damaged cache out of the way; another process may do the same."""
    aside = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=root))
    try:
        target.rename(aside / "old")
    except FileNotFoundError:
        pass
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _is_safe(root: Path) -> bool:
    """Tell whether nobody but us and the system can put another folder in a cache's place."""
    found = root.stat() if root.is_dir() else None
    return (
        found is not None
        and found.st_uid in (os.getuid(), 0)
        and (not found.st_mode & 0o022 or bool(found.st_mode & stat.S_ISVTX))
    )


def _is_ours(target: Path) -> bool:
    try:
        found = target.lstat()
    except OSError:
        return False
    return target.is_dir() and not target.is_symlink() and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _within(path: Path, folder: Path) -> bool:
    inner, outer = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return inner == outer or outer in inner.parents


def _in_use(folder: Path) -> bool:
    """Tell whether a process holds a cache: launch.py locks its own, shared."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


def _remember(folder: Path) -> None:
    """Write down for the header which Python to start next time: what was asked for, and what that was."""
    lines = [os.environ.get("LLAMABAR_PYTHON", ""), sys.executable]
    if any("\n" in line for line in lines):
        return
    said = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    try:
        if (folder / "python").exists() and (folder / "python").read_bytes() == said:
            return
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(said)
        os.replace(name, folder / "python")
    except OSError:
        pass


def _same(one: str, other: str) -> bool:
    try:
        return bool(one) and os.path.samefile(one, other)
    except OSError:
        return False


def _shiv(file: str) -> NoReturn:
    """Do what shiv's own switches ask: an interpreter, or another entry point, in the unpacked environment."""
    sys.path[0] = file
    importlib.import_module("_bootstrap").bootstrap()
    sys.exit(0)
