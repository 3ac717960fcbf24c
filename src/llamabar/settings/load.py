"""The settings in force, and where each came from: option, environment, file, discovery, default, in this order.

A mistake in the file is named with its line and the rest still applies; never silently a default.
"""

import importlib
import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from llamabar.core.notify_options import Wishes
from llamabar.errors import LlamabarError
from llamabar.settings import rust_plugin
from llamabar.settings.keys import key_of, text_of
from llamabar.settings.tables import Sourced, at, menu_key, not_text, number, table_of, title_of, unknown, wishes

DEFAULT_URL = "http://127.0.0.1:8080"
ANSWER_S = 5.0
DEFAULT_NAME = "llama-swap"
NO_ADDRESS = f"not an address like {DEFAULT_URL}"
MINUTES, DAYS, PRINTED = (Sourced(usual, "default") for usual in (5, 400, 64))
MINUTES_BOUNDS, DAYS_BOUNDS, PRINTED_BOUNDS = (1, 60), (1, 3650), (1, 4096)  # least and most

Environment = Mapping[str, str]


@dataclass(frozen=True)
class ServerSettings:
    """One server. The key is never shown or printed."""

    name: str
    url: str
    url_from: str = "default"
    discovered: bool = False  # no setting names the address: a server that moves is followed
    instead: bool = False  # an address was named, or may have been, that cannot be used: this is whoever was found
    api_key: str = field(default="", repr=False)
    key_from: str = ""
    ca_file: str = ""
    service: str = ""
    key_file: str = ""
    answer_s: float = ANSWER_S  # how long an answer may take


@dataclass(frozen=True)
class Settings:
    """Everything that can be set."""

    servers: Tuple[ServerSettings, ...]
    title: str = "speed"
    title_from: str = "default"
    key: str = ""
    notify: Wishes = Wishes()
    mistakes: Tuple[str, ...] = ()
    file: str = ""
    history_minutes: Sourced = MINUTES  # that the charts go back
    history_days: Sourced = DAYS
    kept_days: Optional[int] = None  # of which totals are kept; None: of all, a mistake may have hidden what was wanted
    printed_mb: Sourced = PRINTED  # after which SwiftBar, which keeps all of it, is asked to start the plugin anew
    chart_width_px: Optional[int] = None  # None: as usual
    chart_height_px: Optional[int] = None
    older: Tuple[Tuple[str, str], ...] = ()  # the older plugin's variables that are followed
    update_url: str = ""  # where the newest version is asked for; empty: never
    rediscover: Optional[Callable[[], Optional[Tuple[str, str]]]] = field(default=None, repr=False, compare=False)


def settings_path(environment: Environment, option: str = "") -> Path:
    """Return where the settings file is, whether or not there is one."""
    named = option or environment.get("LLAMABAR_CONFIG", "")
    return Path(os.path.expanduser(named or "~/.config/llamabar/config.toml"))


def load(environment: Environment, *, option: str = "", discover: Callable[[], Tuple[str, str]]) -> Settings:
    """Return the settings; `discover` finds a URL and says how, and is called only if none is set."""
    path = settings_path(environment, option)
    if option and not path.is_file():
        raise LlamabarError(f"There is no settings file at {path}.", "Check --config, or leave it out.")
    mistakes: List[str] = []
    text = _read(path, mistakes)
    table = _parse(text, mistakes)
    unread = bool(mistakes)
    menu = table_of(table, "menu", mistakes)
    title, title_from = title_of(menu, text, mistakes)
    unread = unknown(table, text, mistakes) or unread
    key, wished = menu_key(menu, text, mistakes), wishes(table_of(table, "notify", mistakes), text, mistakes)
    variables: List[str] = []  # mistakes in what this file has no word of
    older = rust_plugin.read(environment, variables)
    servers = _servers(table, text, environment, mistakes, discover)
    servers = tuple(
        replace(one, answer_s=older.answer_s or ANSWER_S, instead=one.instead or (unread and one.discovered))
        for one in servers
    )
    update_url = _update_url(table_of(table, "update", mistakes), text, mistakes)
    history, limits = table_of(table, "history", mistakes), table_of(table, "limits", mistakes)
    minutes = older.history_minutes or number(history, "minutes", MINUTES, MINUTES_BOUNDS, text, mistakes)
    days = number(history, "days", DAYS, DAYS_BOUNDS, text, mistakes)
    printed_mb = number(limits, "printed_mb", PRINTED, PRINTED_BOUNDS, text, mistakes)
    file = str(path) if text is not None else ""
    kept_days = None if mistakes else int(days.value)
    return Settings(
        servers, title, title_from, key, wished, (*mistakes, *variables), file, minutes, days, kept_days, printed_mb,
        older.chart_width_px, older.chart_height_px, older.in_force, update_url,
    )


def select(settings: Settings, name: str) -> Settings:
    """Return the settings with only the server of that name."""
    numbered = {f"@{number}": server for number, server in enumerate(settings.servers, 1)}  # so the menu names them
    named = [server for server in settings.servers if server.name == name]
    found = tuple(named or ([numbered[name]] if name in numbered else []))
    if not found:
        names = ", ".join(server.name for server in settings.servers)
        raise LlamabarError(f"No server is named {name!r}.", f"The settings name: {names}.")
    return replace(settings, servers=found)


def clean_url(url: str) -> Optional[str]:
    """Return a usable base URL: http(s), a host, no trailing slash; a wildcard listen becomes loopback.

    What clients of OpenAI's API and browsers want behind it, /v1 and /ui, is taken off.
    """
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.query or parts.fragment or parts.username:
        return None
    host = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
    if re.search(r"[\s|'\"\\]", host + parts.path):
        return None
    shown = f"[{host}]" if ":" in host else host
    path = re.sub(r"/(v1|ui)\Z", "", parts.path.rstrip("/"))
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"


def _read(path: Path, mistakes: List[str]) -> Optional[str]:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"settings cannot be read: {path} ({type(error).__name__})")
        return None


def _parse(text: Optional[str], mistakes: List[str]) -> Dict[str, Any]:
    if text is None:
        return {}
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return dict(tomllib.loads(text))
    except ValueError as error:
        line = re.search(r"line (\d+)", str(error))
        mistakes.append(f"settings line {line.group(1) if line else '?'} is not understood, so the file is not used")
        return {}


def _update_url(update: Dict[str, Any], text: Optional[str], mistakes: List[str]) -> str:
    """Return the URL to ask for the newest version; "" unless both are said: that it is wanted, and where."""
    if not isinstance(update.get("check", False), bool):
        mistakes.append(at(text, "check", "must be true or false"))
    if update.get("check") is not True:
        return ""
    url = clean_url(text_of(update, "url")) if text_of(update, "url") else None
    if url is None:
        mistakes.append(at(text, "update", "wants a url like https://host/newest-version"))
    return url or ""


def _servers(
    table: Dict[str, Any],
    text: Optional[str],
    environment: Environment,
    mistakes: List[str],
    discover: Callable[[], Tuple[str, str]],
) -> Tuple[ServerSettings, ...]:
    from_environment, misnamed = _environment_url(environment, mistakes)
    entries = _entries(table, text, from_environment[0] if from_environment else "", mistakes)
    found: List[ServerSettings] = []
    for index, entry in enumerate(entries or [{}]):
        url_from = from_environment[1] if from_environment else "file"
        url = _entry_url(entry, text, mistakes, index)
        discovered, instead = url is None, misnamed or (url is None and "url" in entry)
        if url is None:
            if index:
                if "url" not in entry:
                    mistakes.append(at(text, "server", "has no url", index))
                continue
            url, url_from = discover()
        not_text(entry, text, mistakes, index)
        name = text_of(entry, "name") or (DEFAULT_NAME if len(entries) < 2 else f"server {index + 1}")
        if name in [server.name for server in found]:
            mistakes.append(at(text, "name", f"names a second server {name}", index))
            name = f"{name} {index + 1}"
        key, key_from = key_of(entry, environment, mistakes, first=index == 0)
        if not key.isascii() or any(char.isspace() for char in key):
            mistakes.append(f"the key from {key_from} has characters that no key has, so it is not used")
            key = ""
        ca_file, service = os.path.expanduser(text_of(entry, "ca_file")), text_of(entry, "service")
        key_file = os.path.expanduser(text_of(entry, "api_key_file")) if key_from == "api_key_file" else ""
        found.append(
            ServerSettings(name, url, url_from, discovered, instead, key, key_from, ca_file, service, key_file)
        )
    return tuple(found)


def _entries(table: Dict[str, Any], text: Optional[str], url: str, mistakes: List[str]) -> List[Dict[str, Any]]:
    """Return the [[server]] tables; an address of the environment leaves only the first, and no key of another's."""
    said = table.get("server", [])
    entries = [entry for entry in (said if isinstance(said, list) else [said]) if isinstance(entry, dict)]
    if said and not entries:
        mistakes.append(at(text, "server", "must be a table: [[server]]"))
        entries = [] if url else [{"url": None}]  # it named one
    if not url:
        return entries
    first = entries[0] if entries else {}
    same = "url" not in first or _entry_url(first, text, []) == clean_url(url)
    return [{**{key: value for key, value in first.items() if same or not key.startswith("api_key")}, "url": url}]


def _environment_url(environment: Environment, mistakes: List[str]) -> Tuple[Optional[Tuple[str, str]], bool]:
    """Return the address that the environment names and the variable, and whether one was named that is none."""
    named = {"LLAMABAR_URL": environment.get("LLAMABAR_URL", "").strip(), **rust_plugin.address(environment)}
    misnamed = False
    for name, value in named.items():
        if value and clean_url(value) is not None:
            return (value, name), misnamed
        if value:
            misnamed = True
            mistakes.append(f"{name} is {NO_ADDRESS}")
    return None, misnamed


def _entry_url(entry: Dict[str, Any], text: Optional[str], mistakes: List[str], index: int = 0) -> Optional[str]:
    if entry.get("url") is None:
        return None
    url = clean_url(entry["url"]) if isinstance(entry["url"], str) else None
    if url is None:
        mistakes.append(at(text, "url", f"is {NO_ADDRESS}", index))
    return url
