"""Extended attributes: the file system's own if it supports them, else a store by device and inode.

Linux gives ordinary files only names that begin with `user.`; macOS has no os.setxattr. Few imports, since xattr is
called often.
"""

import errno
import os

PREFIX = "user."
NAME = "attributes.json"
_UNSUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM)


def get(path: str, name: str, *, state: str, follow: bool = True) -> "bytes | None":
    """Return a file's attribute, None if it has none; raise OSError if there is no file."""
    os.stat(path, follow_symlinks=follow)
    if hasattr(os, "getxattr"):
        try:
            return os.getxattr(path, PREFIX + name, follow_symlinks=follow)
        except OSError:
            pass
    value = _store(state).get(_key(path, follow), {}).get(name)
    return None if value is None else value.encode("latin-1")


def put(path: str, name: str, value: bytes, *, state: str, follow: bool = True) -> None:
    """Set a file's attribute; raise OSError if the file can't be written."""
    _check_writable(path)
    if hasattr(os, "setxattr"):
        try:
            os.setxattr(path, PREFIX + name, value, follow_symlinks=follow)
            return
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    store = _store(state)
    store.setdefault(_key(path, follow), {})[name] = value.decode("latin-1")
    _write(state, store)


def remove(path: str, name: str, *, state: str, follow: bool = True) -> bool:
    """Remove an attribute; return whether it existed."""
    if get(path, name, state=state, follow=follow) is None:
        return False
    _check_writable(path)
    if hasattr(os, "removexattr"):
        try:
            os.removexattr(path, PREFIX + name, follow_symlinks=follow)
            return True
        except OSError:
            pass
    store = _store(state)
    del store[_key(path, follow)][name]
    _write(state, store)
    return True


def names(path: str, *, state: str, follow: bool = True) -> "list[str]":
    """Return the names of a file's attributes; raise OSError if there is no file."""
    os.stat(path, follow_symlinks=follow)
    found = list(_store(state).get(_key(path, follow), {}))
    if hasattr(os, "listxattr"):
        try:
            listed = os.listxattr(path, follow_symlinks=follow)
            found += [name[len(PREFIX) :] for name in listed if name.startswith(PREFIX)]
        except OSError:
            pass
    return sorted(found)


def _check_writable(path: str) -> None:
    if not os.path.islink(path) and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def _key(path: str, follow: bool) -> str:
    found = os.stat(path, follow_symlinks=follow)
    return f"{found.st_dev}:{found.st_ino}"


def _store(state: str) -> "dict[str, dict[str, str]]":
    try:
        with open(os.path.join(state, NAME), encoding="utf-8") as file:
            import json

            return json.load(file)
    except (OSError, ValueError):
        return {}


def _write(state: str, store: "dict[str, dict[str, str]]") -> None:
    import json

    path = os.path.join(state, NAME)
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        json.dump(store, file)
    os.replace(file.name, path)
