"""What is on disk: this program, its cache, its data folder, its settings, the running plugin's state."""

import ipaddress
import os
import shutil
import stat
import sys
import zipfile
from pathlib import Path
from typing import Mapping, Optional
from urllib.parse import urlsplit

from llamabar import __version__
from llamabar.core.address import is_local
from llamabar.core.events import FaultKind
from llamabar.damage import SITE, cache_name, members
from llamabar.doctor.checks import facts
from llamabar.doctor.collect.gathering import Unknown, same
from llamabar.doctor.collect.servers import fault_words
from llamabar.macos import files, tools
from llamabar.macos.paths import HISTORY_FILE, Places
from llamabar.settings import load
from llamabar.settings.mistakes import OF_SECRETS, Kind, words
from llamabar.sources import clock, processes
from llamabar.store import plugin_state, schema

STARTED_SLACK_S = 2.0


def program(environment: Mapping[str, str], found: Places) -> facts.Program:
    """Return how this program runs, and the copy that SwiftBar runs."""
    file, installed = environment.get("LLAMABAR_FILE", ""), found.program
    there = os.path.isfile(installed)
    digests = [files.digest(files.read(path) or b"") for path in (Path(file), installed)] if file and there else []
    return facts.Program(
        version=__version__,
        file=os.path.abspath(file) if file else "",
        python=sys.executable,
        python_version=sys.version_info[:3],
        installed=str(installed),
        installed_there=there,
        installed_same=digests[0] == digests[1] if digests else None,
        installed_executable=not there or os.access(installed, os.X_OK),
        installed_quarantined=tools.is_quarantined(installed) if there else None,
    )


def cache(environment: Mapping[str, str], found: Places) -> facts.Cache:
    """Return the unpacked cache, compared with the one file's contents by name and size."""
    file = environment.get("LLAMABAR_FILE", "")
    if not file:
        raise Unknown("it runs from its source, so nothing is unpacked")
    with zipfile.ZipFile(file) as archive:
        folder = found.cache / cache_name(archive)
        parts = {info.filename: info.file_size for info in members(archive)}
    if not os.path.isdir(folder):
        raise Unknown("it has not unpacked itself yet")
    missing = (name[len(SITE) :] for name, size in sorted(parts.items()) if size_of(folder / name) != size)
    return facts.Cache(str(folder), tuple(missing))


def data(found: Places) -> facts.Data:
    """Return the state of the data folder."""
    folder = found.data
    listed = os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)
    names = sorted(path for path in folder.iterdir() if os.path.isfile(path)) if listed else []
    above = next(one for one in (folder, *folder.parents) if os.path.exists(one))  # it is in this folder, or will be
    history, trouble = folder / HISTORY_FILE, schema.trouble(folder / HISTORY_FILE)
    return facts.Data(
        folder=str(folder),
        writable=os.access(above, os.W_OK | os.X_OK),
        foreign=any(os.stat(path).st_uid != os.getuid() for path in (folder, *names) if os.path.exists(path)),
        unreadable=tuple(str(path) for path in names if not os.access(path, os.R_OK)),
        damaged_history=str(history) if trouble is schema.Trouble.DAMAGED else "",
        newer_history=str(history) if trouble is schema.Trouble.NEWER else "",
        free_bytes=_free_bytes(above),
    )


def _free_bytes(path: Path) -> Optional[int]:
    """Return the free space on a path's disk; None if unknown."""
    try:
        found = shutil.disk_usage(path)
    except OSError:
        return None
    return found.free if found.total else None


def size_of(path: Path) -> Optional[int]:
    """Return the size of a file; None if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def settings(found: Places, in_force: load.Settings) -> facts.Settings:
    """Return the effective settings without their secrets."""
    wrong = in_force.mistakes
    kinds = {one.kind for one in wrong}
    return facts.Settings(
        file=str(found.settings),
        readable=Kind.UNREADABLE not in kinds,
        valid=Kind.SYNTAX not in kinds,
        mistakes=tuple(words(one) for one in wrong if one.kind not in (Kind.UNREADABLE, Kind.VARIABLE, *OF_SECRETS)),
        variable_mistakes=tuple(words(one) for one in wrong if one.kind is Kind.VARIABLE),
        secret_mistakes=tuple(words(one) for one in wrong if one.kind in OF_SECRETS),
        keychain_silent=Kind.KEYCHAIN_SILENT in kinds,
        servers=tuple(map(_configured, in_force.servers)),
    )


def watcher(found: Places) -> facts.Watcher:
    """Return the state of the running plugin, from its state file."""
    path = plugin_state.path_in(found.data)
    content = files.read(path)
    noted = plugin_state.parse(content) if content is not None else None
    if noted is None:
        return facts.Watcher(there=os.path.exists(path), alive=None if os.path.exists(path) else False)
    fault = next((known for known in FaultKind if known.value == noted.last_error), None)  # other versions have others
    return facts.Watcher(
        there=True,
        alive=processes.is_alive(noted.pid, started_before_s=noted.started_unix_s + STARTED_SLACK_S),
        age_s=clock.unix_s() - noted.started_unix_s,
        last_fault=fault,
        **{**same(noted, facts.Watcher), "last_error": fault_words(fault) if fault else "unknown"},
    )


def _configured(server: load.ServerSettings) -> facts.Configured:
    return facts.Configured(
        local=is_local(server.url),
        private=_is_private(urlsplit(server.url).hostname or ""),
        has_key=bool(server.api_key or server.login),
        key_file_open=_is_open(server.key_file),
        ca_file_there=not server.ca_file or os.path.isfile(server.ca_file),
        **{**same(server, facts.Configured), "key_from": server.key_from or server.login_from},
    )


def _is_private(host: str) -> bool:
    """Tell whether a host is on a home network: a private address, a name such as .local, or a bare name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost" and (host.endswith((".local", ".lan", ".home")) or "." not in host)
    return address.is_private and not address.is_loopback


def _is_open(path: str) -> bool:
    try:
        return bool(path) and bool(os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False
