"""Finds what must never leave this computer; doctor/checks/redact.py takes it out."""

import getpass
import os
import socket
from typing import Mapping, Tuple
from urllib.parse import urlsplit

from llamabar.core.address import is_local
from llamabar.doctor.checks.redact import Private
from llamabar.doctor.collect.gathering import Gathering, Unknown
from llamabar.settings import discover
from llamabar.settings.load import Settings

SETTINGS_S = 2.0


def private_of(environment: Mapping[str, str], settings: Settings) -> Private:
    """Return the keys, user names and hosts of this user and computer."""
    secrets = [one for server in settings.servers for one in (server.login, *server.login.split(":", 1))]
    keys = secrets + [server.api_key for server in settings.servers] + [
        value for name, value in environment.items() if "KEY" in name and name.startswith(("LLAMA", "OPENAI", "HF_"))
    ]
    hosts = [urlsplit(server.url).hostname or "" for server in settings.servers if not is_local(server.url)]
    own = socket.gethostname()
    return Private(tuple(keys), environment.get("HOME", ""), _users(environment), (*hosts, own, own.split(".")[0]))


def private_now(environment: Mapping[str, str], *, option: str, server: str) -> Private:
    """Return what is private on this computer, as far as the settings can be read in time."""
    gathering = Gathering(SETTINGS_S)
    load = lambda: discover.settings(environment, option=option, server=server)  # noqa: E731
    gathering.begin("settings", load, source="the settings", limit_s=SETTINGS_S)
    try:
        return private_of(environment, gathering.get("settings"))
    except Unknown:
        return private_of(environment, Settings(()))


def _users(environment: Mapping[str, str]) -> Tuple[str, ...]:
    named = {environment.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    try:
        named.add(getpass.getuser())
    except (KeyError, OSError, ImportError):
        pass
    named.add(os.path.basename(environment.get("HOME", "").rstrip("/")))
    return tuple(sorted(named - {""}))
