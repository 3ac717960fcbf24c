"""Write files atomically, keep backups of what they replace, and read files without ever blocking on a pipe.

Law: a temporary file is always newly created (O_EXCL, O_NOFOLLOW), so a symlink planted under its name is never
followed.
"""

import contextlib
import errno
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
    """Open a regular file without waiting for the other end of a pipe; raise OSError for anything else."""
    held = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    found = os.fstat(held)
    if not stat.S_ISREG(found.st_mode):
        os.close(held)
        raise OSError(errno.EINVAL, "it isn't a regular file", str(path))
    return os.fdopen(held, "rb"), found


def read(path: Path, *, limit_bytes: int = READ_LIMIT_BYTES) -> Optional[bytes]:
    """Return a regular file's bytes; None if it can't be read: a pipe, a folder, a file above the limit."""
    try:
        file, found = opened(path)
        with file:
            return file.read() if found.st_size <= limit_bytes else None
    except OSError:
        return None


def digest(content: bytes) -> str:
    """Return the SHA-256 of the content in hex."""
    import hashlib  # late, for without_tls.py: the settings import this module earlier

    return hashlib.sha256(content).hexdigest()


def missing_folders(folder: Path) -> List[Path]:
    """Return the folders that must be created for this one to exist, outermost first."""
    missing = []
    while not os.path.exists(folder) and not os.path.islink(folder) and folder.parent != folder:
        missing.append(folder)
        folder = folder.parent
    return missing[::-1]


def private_folder(folder: Path) -> None:
    """Make a folder that only this user can access, and remove others' access from an existing one; raise OSError.

    Another user's folder is refused, since its owner could replace any file in it by a symlink. The home folder and its
    parents stay as they are.
    """
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    found, home = folder.stat(), Path(os.path.expanduser("~"))
    if found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "the folder is another user's", str(folder))
    if found.st_mode & 0o077 and folder not in (home, *home.parents):
        folder.chmod(stat.S_IMODE(found.st_mode) & ~0o077)


def write(path: Path, content: bytes, *, mode: Optional[int] = None) -> None:
    """Write a file atomically and create its folder if needed. On OSError the previous file is still there.

    Without a mode, the new file gets the mode of the file it replaces, or FILE_MODE; the umask is applied to it.
    """
    if mode is None:
        mode = stat.S_IMODE(path.stat().st_mode) if os.path.isfile(path) else FILE_MODE
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE if mode & 0o077 else PRIVATE_FOLDER_MODE)
    with replacing(path) as temporary:
        write_new(temporary, content, mode=mode)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name to write to. On success it replaces `path`; on an error nothing is left of it."""
    temporary = beside(path)
    discard(temporary)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        discard(temporary)


def create(path: Path, *, mode: int) -> BinaryIO:
    """Create and open a new file. Whatever has its name is removed first, and a symlink is never followed."""
    discard(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb")


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Write a new file and flush it to disk."""
    with create(path, mode=mode) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def beside(path: Path) -> Path:
    """Return a temporary name next to a file that neither launchd nor SwiftBar picks up."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def sweep(path: Path) -> None:
    """Remove what a killed process left `beside` a file."""
    for one in leftovers(path.parent):
        if one.name.startswith(f".{path.name}.") and one.name[len(path.name) + 2 : -len(".tmp")].isdigit():
            discard(one)


def leftovers(folder: Path) -> List[Path]:
    """Return the temporary files in a folder that `beside` named."""
    try:
        return [folder / name for name in os.listdir(folder) if _LEFT.match(name)]
    except OSError:
        return []


def backup(path: Path, folder: Path) -> Path:
    """Copy a file or a symlink into a folder, under a name that doesn't exist there yet, and return its new path."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER_MODE)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (folder / f"{path.name}.{stamp}{f'-{count}' if count else ''}" for count in range(1000))
    kept = next(name for name in names if not os.path.lexists(name))
    if os.path.islink(path):
        os.symlink(os.readlink(path), kept)
    else:
        content, mode = read(path), stat.S_IMODE(path.stat().st_mode)
        if content is None:
            raise OSError(errno.EINVAL, "it isn't a regular file that can be read", str(path))
        write_new(kept, content, mode=mode)
        kept.chmod(mode)
    return kept


def discard(path: Path) -> None:
    """Remove a file or symlink if it exists."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()


def remove_empty(folder: Path) -> bool:
    """Remove a folder if it is empty (.DS_Store doesn't count) and return whether it is gone."""
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
