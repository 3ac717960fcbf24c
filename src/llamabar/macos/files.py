"""Files put in place whole or not at all, with what they replace kept; and files read without waiting for a writer.

Law: a temporary file is always a new one of ours (O_EXCL, O_NOFOLLOW): a link planted under its name is never followed.
"""

import contextlib
import errno
import hashlib
import os
import re
import stat
import time
from pathlib import Path
from typing import BinaryIO, Iterator, List, Optional, Tuple

FOLDER_MODE = 0o755
FILE_MODE = 0o644
PRIVATE_MODE = 0o600
PRIVATE_FOLDER_MODE = 0o700
READ_LIMIT_BYTES = 64_000_000
_LEFT = re.compile(r"\..+\.\d+\.tmp\Z")


def opened(path: Path) -> Tuple[BinaryIO, os.stat_result]:
    """Open a regular file, never waiting for the other end of a pipe; raise OSError for anything else."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it isn't a regular file", str(path))
    return file, found


def read(path: Path, *, limit_bytes: int = READ_LIMIT_BYTES) -> Optional[bytes]:
    """Return a regular file's bytes, or None for what can't be read: a pipe, a folder, a file above the limit."""
    try:
        file, found = opened(path)
        with file:
            return file.read() if found.st_size <= limit_bytes else None
    except OSError:
        return None


def digest(content: bytes) -> str:
    """Return the name of a content."""
    return hashlib.sha256(content).hexdigest()


def missing_folders(folder: Path) -> List[Path]:
    """Return the folders that must be made for this one to be there, outermost first."""
    missing = []
    while not folder.exists() and not folder.is_symlink() and folder.parent != folder:
        missing.append(folder)
        folder = folder.parent
    return missing[::-1]


def private_folder(folder: Path) -> None:
    """Make a folder that only this user can look into, and close one that others could; raise OSError.

    Another user's folder is refused, since its owner can put a link in the place of any file in it. The home folder,
    and what it is in, stay as they are.
    """
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    found, home = folder.stat(), Path(os.path.expanduser("~"))
    if found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "the folder is another user's", str(folder))
    if found.st_mode & 0o077 and folder not in (home, *home.parents):
        folder.chmod(stat.S_IMODE(found.st_mode) & ~0o077)


def write(path: Path, content: bytes, *, mode: Optional[int] = None) -> None:
    """Put a file in place by a rename, its folder made if need be; raise OSError and leave what was there.

    Without a mode it has that of the file it replaces, or FILE_MODE; a umask takes more away.
    """
    if mode is None:
        mode = stat.S_IMODE(path.stat().st_mode) if path.is_file() else FILE_MODE
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE if mode & 0o077 else PRIVATE_FOLDER_MODE)
    with replacing(path) as temporary:
        write_new(temporary, content, mode=mode)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a file to make, which takes the place of this one at the end; after a fault nothing is left."""
    temporary = beside(path)
    discard(temporary)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        discard(temporary)


def create(path: Path, *, mode: int) -> BinaryIO:
    """Open a new file, never one that a link leads to; anything else with its name is removed first."""
    discard(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb")


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Write a new file and flush it to the disk."""
    with create(path, mode=mode) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def beside(path: Path) -> Path:
    """Return a name next to a file that neither launchd nor SwiftBar takes for one of theirs."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def sweep(path: Path) -> None:
    """Remove what a process that was killed left `beside` a file."""
    for one in leftovers(path.parent):
        if one.name.startswith(f".{path.name}.") and one.name[len(path.name) + 2 : -len(".tmp")].isdigit():
            discard(one)


def leftovers(folder: Path) -> List[Path]:
    """Return the temporary files in a folder that were made by `beside`."""
    try:
        return [folder / name for name in os.listdir(folder) if _LEFT.match(name)]
    except OSError:
        return []


def backup(path: Path, folder: Path) -> Path:
    """Copy a file, or a link as a link, into a folder under a name that was never used; return where it is now."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER_MODE)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (folder / f"{path.name}.{stamp}{f'-{count}' if count else ''}" for count in range(1000))
    kept = next(name for name in names if not os.path.lexists(name))
    if path.is_symlink():
        os.symlink(os.readlink(path), kept)
    else:
        content, mode = read(path), stat.S_IMODE(path.stat().st_mode)
        if content is None:
            raise OSError(errno.EINVAL, "it isn't a regular file that can be read", str(path))
        write_new(kept, content, mode=mode)
        kept.chmod(mode)
    return kept


def discard(path: Path) -> None:
    """Remove a file or link if it is there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()


def remove_empty(folder: Path) -> bool:
    """Remove a folder if nothing is in it; return whether it is gone. Finder's .DS_Store counts as nothing."""
    try:
        if [name for name in os.listdir(folder) if name != ".DS_Store"]:
            return False
        discard(folder / ".DS_Store")
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
