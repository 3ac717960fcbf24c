"""What is on the disk: this program, what it unpacked, its data folder, its settings, the running plugin's state."""

import json
import os
import stat
import sys
import zipfile
from pathlib import Path
from typing import Iterator, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from llamabar import __version__
from llamabar.core.address import is_local, is_loopback
from llamabar.doctor.checks import facts
from llamabar.doctor.collect.gathering import Unknown
from llamabar.macos import files, swiftbar, tools
from llamabar.macos.paths import Places
from llamabar.settings import load
from llamabar.settings.mistakes import OF_SECRETS, Kind, words
from llamabar.sources import clock
from llamabar.store import history_file, plugin_state
from llamabar_installer import manifest

SITE = "site-packages/"
UNPACKED_MARK = "site-packages/llamabar/__init__.py"  # in the caches of every version


def program(environment: Mapping[str, str], found: Places) -> facts.Program:
    """Return how this program runs, and the copy that SwiftBar runs."""
    file = environment.get("LLAMABAR_FILE", "")
    installed = found.program
    there = installed.is_file()
    same = files.digest(files.read(Path(file)) or b"") == files.digest(files.read(installed) or b"") if file else None
    quarantine = tools.run("xattr", "-p", swiftbar.QUARANTINE, str(installed)).code if there else None
    return facts.Program(
        __version__,
        os.path.abspath(file) if file else "",
        sys.executable,
        sys.version_info[:3],
        str(found.home),
        bool(environment.get("HOME")),
        str(installed),
        there,
        same if there else None,
        not there or os.access(installed, os.X_OK),
        None if quarantine is None else quarantine == 0,
    )


def cache(environment: Mapping[str, str], found: Places) -> facts.Cache:
    """Return what the one file has unpacked, compared with what is in it by name and size."""
    file = environment.get("LLAMABAR_FILE", "")
    if not file:
        raise Unknown("it runs from its source, so nothing is unpacked")
    with zipfile.ZipFile(file) as archive:
        build = json.loads(archive.read("environment.json"))["build_id"]
        wanted = {info.filename: info.file_size for info in archive.infolist() if info.filename.startswith(SITE)}
    folder = next(iter(sorted(found.cache.glob(f"*_{build}"))), None)
    if folder is None:
        raise Unknown("it has not unpacked itself yet")
    missing = [name[len(SITE) :] for name, size in sorted(wanted.items()) if _size(folder / name) != size]
    old = [path for path in sorted(found.cache.glob("*/" + UNPACKED_MARK)) if path.parents[2] != folder]
    folders = tuple(str(path.parents[2]) for path in old)
    return facts.Cache(str(folder), tuple(missing), folders, sum(map(_bytes_in, folders)))


def data(found: Places) -> facts.Data:
    """Return how the data folder is."""
    folder = found.data
    there, is_folder = folder.exists(), folder.is_dir()
    names = sorted(path for path in folder.iterdir() if path.is_file()) if is_folder and os.access(folder, 5) else []
    above = next(one for one in (folder, *folder.parents) if one.exists())  # what it is in, or will be made in
    return facts.Data(
        str(folder),
        there,
        is_folder or not there,
        os.access(above, os.W_OK | os.X_OK),
        there and folder.stat().st_uid != os.getuid(),
        tuple(str(path) for path in names if not os.access(path, os.R_OK)),
        str(found.manifest),
        manifest.load(found.manifest).readable,
        _damaged_history(folder / history_file.NAME),
        free_bytes(folder),
    )


def _damaged_history(path: Path) -> Tuple[str, bool]:
    """Return the history's file if it is not understood, and whether a newer version wrote it."""
    content = files.read(path)
    try:
        if content is not None or path.is_dir():
            history_file.parse(content or b"")
    except history_file.NewerVersion:
        return str(path), True
    except ValueError:
        return str(path), False
    return "", False


def free_bytes(path: Path) -> Optional[int]:
    """Return what is free on the disk of a path, or of what will hold it; None if that is not known."""
    there = next((one for one in (path, *path.parents) if one.exists()), None)
    try:
        found = os.statvfs(there) if there is not None else None
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found is not None and found.f_blocks else None


def settings(found: Places, in_force: load.Settings) -> facts.Settings:
    """Return the settings in force without their keys."""
    wrong = in_force.mistakes
    kinds = {one.kind for one in wrong}
    return facts.Settings(
        str(found.settings),
        Kind.UNREADABLE not in kinds,
        tuple(words(one) for one in wrong if one.kind not in (Kind.UNREADABLE, Kind.VARIABLE, *OF_SECRETS)),
        tuple(words(one) for one in wrong if one.kind is Kind.VARIABLE),
        tuple(words(one) for one in wrong if one.kind in OF_SECRETS),
        Kind.KEYCHAIN_SILENT in kinds,
        tuple(_configured(server) for server in in_force.servers),
    )


def watcher(found: Places) -> facts.Watcher:
    """Return how the running plugin fares, by its state file."""
    path = plugin_state.path_in(found.data)
    content = files.read(path)
    if content is None:
        return facts.Watcher(str(path), path.exists(), not path.exists())
    noted = plugin_state.parse(content)
    if noted is None:
        return facts.Watcher(str(path), True, False)
    return facts.Watcher(
        str(path), True, True, noted.pid, _lives(noted), noted.ended, noted.version,
        clock.unix_s() - noted.started_unix_s, noted.frames, noted.printed_bytes, noted.reconnects,
        noted.lagged, noted.last_error, noted.reachable,
    )  # fmt: skip


def _configured(server: load.ServerSettings) -> facts.Configured:
    url, ca_file = server.url, server.ca_file
    return facts.Configured(
        server.name, url, server.url_from, is_local(url), is_loopback(url) or is_local(url),
        _is_private(urlsplit(url).hostname or ""), bool(server.api_key or server.login),
        server.key_from or server.login_from, server.key_file, _is_open(server.key_file),
        ca_file, not ca_file or os.path.isfile(ca_file), server.service,
    )  # fmt: skip


def _is_private(host: str) -> bool:
    """Tell whether a host is in a home network: by its address, its .local, or by being a bare name."""
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
        return address.is_private and not address.is_loopback
    except ValueError:
        return host != "localhost" and (host.endswith((".local", ".lan", ".home")) or "." not in host)


def _is_open(path: str) -> bool:
    try:
        return bool(path) and bool(os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def _lives(noted: plugin_state.Noted) -> bool:
    """Tell whether the noted process lives; a number that was given to another process since does not count."""
    import psutil  # without it the plugin's fate is not known, and nothing else

    try:
        process = psutil.Process(noted.pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= noted.started_unix_s + 2.0
    except (psutil.Error, OSError, ValueError, OverflowError):
        return False


def _size(path: Path) -> Optional[int]:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _bytes_in(folder: str) -> int:
    return sum(_size(path) or 0 for path in _files(folder))


def _files(folder: str) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names)
