"""The effective settings and the source of each: option, environment, file, discovery, default, in this order.

A mistake is kept with its line, and the other settings apply. If an address was set, or may have been, and can't be
used, the server has no URL: a discovered or default URL might belong to another server.
"""

import os
import re
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, FrozenSet, Iterator, Mapping, NamedTuple, Optional, Set, Tuple

from llamabar import version
from llamabar.core import address
from llamabar.core.address import DEFAULT_NAME
from llamabar.core.notify_options import NotifyOptions
from llamabar.errors import LlamabarError
from llamabar.macos.paths import settings_file
from llamabar.settings.file import OTHERS, SettingsFile, quoted
from llamabar.settings.keys import API_KEY, BASIC_AUTH, Secret, secret_of
from llamabar.settings.mistakes import Kind, Mistake
from llamabar.settings.options import ADDRESS, BY_TABLE, KEY, OPTIONS, RUST_PORT, RUST_URL, SERVER, URL, Option

LATEST_RELEASE = "https://api.github.com/repos/{}/releases/latest"  # its tag_name is the version

Environment = Mapping[str, str]
Discover = Callable[[], Tuple[str, str]]


class Sourced(NamedTuple):
    """A value and where it came from."""

    value: Any
    source: str = "default"


DEFAULTS = {one.key: Sourced(one.default) for one in OPTIONS if one.table != SERVER}
_HIDING = (Kind.UNREADABLE, Kind.SYNTAX, Kind.UNKNOWN, Kind.MISPLACED, Kind.VALUE)


@dataclass(frozen=True)
class ServerSettings:
    """One server. `url` is "" if the address that was set can't be used. Secrets are left out of repr."""

    name: str
    url: str
    url_from: str = "default"
    discovered: bool = False  # no setting names the address: follow it when it moves, and give a key only to our own
    address_unusable: bool = False
    api_key: str = field(default="", repr=False)
    key_from: str = ""
    login: str = field(default="", repr=False)  # user:password for a proxy in front
    login_from: str = ""
    ca_file: str = ""
    service: str = ""
    key_file: str = ""
    answer_s: float = BY_TABLE[""]["answer_s"].default


@dataclass(frozen=True)
class Settings:
    """All settings: the servers, and the other options by key."""

    servers: Tuple[ServerSettings, ...]
    options: Mapping[str, Sourced] = field(default_factory=lambda: DEFAULTS)
    mistakes: Tuple[Mistake, ...] = ()
    file: str = ""
    rediscover: Optional[Callable[[], Optional[Tuple[str, str]]]] = field(default=None, repr=False, compare=False)

    @property
    def only_here(self) -> FrozenSet[str]:
        """Return the names of servers that only their address identifies. They mean nothing at another address."""
        return frozenset(one.name for one in self.servers if one.name == DEFAULT_NAME and not one.discovered)

    def __getitem__(self, key: str) -> Any:
        """Return the value of an option: settings["menu.title"]."""
        return self.options[key].value

    @property
    def notify(self) -> NotifyOptions:
        """Return what the user wants notifications about."""
        events, long_request_s, long_load_s, quiet = (
            self[f"notify.{name}"] for name in ("events", "long_request_s", "long_load_s", "quiet")
        )
        return NotifyOptions(events, long_request_s, long_load_s, quiet or None)

    @property
    def kept_days(self) -> Optional[int]:
        """Return how many days of totals to keep; None, for all, if a mistake may hide the user's choice."""
        return None if any(one.kind in _HIDING for one in self.mistakes) else int(self["history.days"])

    @property
    def update_url(self) -> str:
        """Return the URL that tells the newest version; "" if checks are off. A release knows its repository."""
        if not self["update.check"]:
            return ""
        home = version.repository()
        return self["update.url"].url if self["update.url"] else LATEST_RELEASE.format(home) if home else ""


def load(environment: Environment, *, option: str = "", discover: Discover) -> Settings:
    """Return the settings. `discover` returns a URL and how it was found, and runs only if no URL is set."""
    path = settings_file(environment, option)
    file = SettingsFile(path)
    unread = bool(file.mistakes)
    if option and not (file.is_there or unread):
        raise LlamabarError(f"There is no settings file at {path}.", "Check --config, or leave it out.")
    if environment.get("LLAMABAR_CONFIG") and not (file.is_there or unread):
        file.mistakes.append(Mistake(Kind.VARIABLE, "LLAMABAR_CONFIG", "a file that exists", quoted(str(path))))
    hides = file.note_unknown() or unread
    options = {one.key: _value(one, environment, file) for one in OPTIONS if one.table != SERVER}
    if options["update.check"].value and options["update.url"].value is None and not version.repository():
        file.wrong(Kind.NO_URL, "update")
    answer_s = options["answer_s"].value
    found = _servers(environment, file, discover=discover, hides=hides)
    servers = tuple(replace(one, answer_s=answer_s) for one in found)
    in_order = sorted(file.mistakes, key=lambda one: one.line or 0)
    return Settings(servers, options, tuple(in_order), str(path) if file.is_there else "")


def select(settings: Settings, name: str) -> Settings:
    """Return the settings with only one server, by its name or number: @1 is the first."""
    numbered = {f"@{number}": server for number, server in enumerate(settings.servers, 1)}  # how the menu names them
    found = [server for server in settings.servers if server.name == name] or list(filter(None, [numbered.get(name)]))
    if not found:
        names = ", ".join(server.name for server in settings.servers)
        raise LlamabarError(f"No server is named {name!r}.", f"The settings name: {names}.")
    return replace(settings, servers=tuple(found))


def _value(option: Option, environment: Environment, file: SettingsFile) -> Sourced:
    """Return an option's value and source. An invalid value is noted as a mistake, and the next source counts."""
    for variable in option.variables:
        said = environment.get(variable, "").strip()
        value = option.of_variable(said) if said else None
        if value is not None:
            return Sourced(value, variable)
        if said:
            expected = (option.variable_type or option.type).expected
            file.mistakes.append(Mistake(Kind.VARIABLE, variable, expected, quoted(said)))
    table = file.table(option.table)
    value = option.type.read(table[option.name]) if option.name in table else None
    if value is None and option.name in table:
        file.wrong(Kind.VALUE, option.table, option.name, value=table[option.name], expected=option.type.expected)
    return Sourced(option.default) if value is None else Sourced(value, "file")


class _Named(NamedTuple):
    """An address from a setting. `found` is None if it can't be used."""

    source: str
    found: Optional[address.Address]


def _servers(
    environment: Environment, file: SettingsFile, *, discover: Discover, hides: bool
) -> Iterator[ServerSettings]:
    """Yield the servers. An address in the environment leaves only the first, without another address's secrets."""
    entries = file.entries() or [{}]
    of_environment = _environment_address(environment, file)
    if of_environment is not None:
        entries = [_without_secrets_of_others(entries[0], of_environment.found)]
    names: Set[str] = set()
    for index, entry in enumerate(entries):
        named = of_environment or (_file_address(entry, file, index) if "url" in entry else None)
        found = named.found if named is not None else None
        if index and found is None:
            if named is None:
                file.wrong(Kind.NO_URL, SERVER, index=index)
            continue
        server = _server(entry, environment, file=file, index=index, login=found.login if found is not None else "")
        name = server.name or (DEFAULT_NAME if len(entries) < 2 else f"server {index + 1}")
        if name in names:
            file.wrong(Kind.SAME_NAME, SERVER, "name", index=index, found=name)
            name = f"{name} {index + 1}"
        names.add(name)
        server = replace(server, name=name)
        if named is not None and found is not None:
            yield replace(server, url=found.url, url_from=named.source)
        elif named is not None or hides:
            yield replace(server, url_from="", address_unusable=True)
        else:
            url, url_from = discover()
            yield replace(server, url=url, url_from=url_from, discovered=True)


def _server(
    entry: Dict[str, Any], environment: Environment, *, file: SettingsFile, index: int, login: str
) -> ServerSettings:
    """Return a server with everything in its [[server]] table except the address."""
    text: Dict[str, str] = {}
    for option in BY_TABLE[SERVER].values():
        value = entry.get(option.name, "")
        text[option.name] = value if isinstance(value, str) else ""
        if option.name != "url" and not isinstance(value, str):
            file.wrong(Kind.VALUE, SERVER, option.name, index=index, expected=option.type.expected)
    key = Secret("" if index else environment.get(KEY, "").strip(), KEY)
    if not key.value:
        key = secret_of(API_KEY, entry, variables=environment, file=file, at=index)
    if not key.value.isascii() or any(char.isspace() or not char.isprintable() for char in key.value):
        file.mistakes.append(Mistake(Kind.SECRET_UNUSABLE, key.source, "an API key"))
        key = key._replace(value="")
    basic = secret_of(BASIC_AUTH, entry, variables=environment, file=file, at=index)
    if basic.value and ":" not in basic.value:
        file.wrong(Kind.SECRET_UNUSABLE, SERVER, basic.source, index=index, expected="user:password")
        basic = basic._replace(value="")
    if login and not basic.source:
        basic = Secret(login if ":" in login else f"{login}:", "url")
    inline = API_KEY if key.source == "file" else "url" if "@" in text["url"] else ""
    if inline and file.mode & OTHERS:
        file.wrong(Kind.FILE_OPEN, SERVER, inline, index=index, found=str(file.path))
    key_file = os.path.expanduser(text["api_key_file"]) if key.source == "api_key_file" else ""
    return ServerSettings(
        text["name"], "", api_key=key.value, key_from=key.source, login=basic.value, login_from=basic.source,
        ca_file=os.path.expanduser(text["ca_file"]), service=text["service"], key_file=key_file,
    )  # fmt: skip


def _without_secrets_of_others(entry: Dict[str, Any], found: Optional[address.Address]) -> Dict[str, Any]:
    """Return a [[server]] table for the environment's address. It keeps its secrets if its own is the same or unset."""
    own = ADDRESS.read(entry.get("url"))
    if "url" not in entry or (own is not None and found is not None and own.url == found.url):
        return entry
    return {key: value for key, value in entry.items() if not key.startswith((API_KEY, BASIC_AUTH)) and key != "url"}


def _file_address(entry: Dict[str, Any], file: SettingsFile, index: int) -> _Named:
    found = ADDRESS.read(entry["url"])
    if found is None:
        file.wrong(Kind.VALUE, SERVER, "url", index=index, value=entry["url"], expected=ADDRESS.expected)
    return _Named("file", found)


def _environment_address(environment: Environment, file: SettingsFile) -> Optional[_Named]:
    """Return the address in the environment. The Rust plugin's may be split into base URL and port."""
    own, base, port = (environment.get(name, "").strip() for name in (URL, RUST_URL, RUST_PORT))
    if port and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 2**16):
        file.mistakes.append(Mistake(Kind.VARIABLE, RUST_PORT, "a port from 1 to 65535", quoted(port)))
        port = "" if base else port
    if port and re.fullmatch(r"(https?://)?[^/:]+/?", base):
        base = f"{base.rstrip('/')}:{port}"
    for name, value in ((URL, own), (RUST_URL, base), (RUST_PORT, port and f"127.0.0.1:{port}")):
        if value:
            found = address.parse(value)
            if found is None and name != RUST_PORT:
                file.mistakes.append(Mistake(Kind.VARIABLE, name, ADDRESS.expected, quoted(value)))
            return _Named(name, found)
    return None
