"""Server addresses: what a URL or a `--listen` value names, which port it means, and whether it is this computer.

Text that can't be an address gives None, so nothing raises later: urllib3 and sockets refuse non-ASCII hosts. A login
(`http://user:password@host`) is split off, so no URL in the program carries a secret.
"""

import itertools
import re
from typing import NamedTuple, Optional, Tuple
from urllib.parse import quote, unquote, urlsplit

DEFAULT_PORT = 8080  # llama-swap's own
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
DEFAULT_NAME = "llama-swap"  # of the only server
MODELS_PAGE = "/ui/models#/models"  # of the web UI: a path in older versions, a fragment in newer ones
SCHEME_PORTS = {"http": 80, "https": 443}
WILDCARDS = ("", "0.0.0.0", "::", "*")
_LOOPBACK = re.compile(r"localhost\.?|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|::1", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?")
_AUTHORITY = re.compile(r"(\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*))(:(?P<port>[0-9]{1,5})?)?")
_LOGIN = re.compile(r"^([A-Za-z]+://)?.*@")


class Address(NamedTuple):
    """A server's address. `host` is ASCII without brackets; `named_port` is None for the scheme's default port."""

    scheme: str
    host: str
    named_port: Optional[int]
    path: str
    login: str = ""  # "user:password", a secret: never part of `url`

    @property
    def port(self) -> int:
        """Return the port, 1 to 65535."""
        return self.named_port or SCHEME_PORTS[self.scheme]

    @property
    def url(self) -> str:
        """Return the URL, without a trailing slash and without the login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.named_port}' if self.named_port else ''}{self.path}"

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


def parse(text: str) -> Optional[Address]:
    """Return the address in a text, or None: http or https, a host, and optionally a port, a path, and a login.

    The default scheme is http, and a wildcard host means this computer. Trailing /v1 and /ui, which OpenAI clients and
    browsers need, are removed. So is /upstream/MODEL, a model's own page: a request there would load the model. A
    non-ASCII host is encoded as in DNS (IDNA).
    """
    text = text.strip()
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        return None
    named = "://" in text
    try:
        parts = urlsplit(text if named else f"http://{text}")
    except ValueError:
        return None
    login, _, authority = parts.netloc.rpartition("@")
    found = _AUTHORITY.fullmatch(authority)
    if found is None or parts.scheme not in SCHEME_PORTS or parts.query or parts.fragment:
        return None
    port = int(found["port"]) if found["port"] else None
    host = _host((found["v6"] or found["host"] or "").replace("%25", "%"), port)  # a zone, as a URL quotes it
    if host is None or (port is not None and not 0 < port < 2**16) or (not named and host in SCHEME_PORTS):
        return None
    path = re.sub(r"(/+(v1|ui))+\Z", "", _above_models(parts.path))
    if path.startswith("//") or re.search(r"[|'\"\\]", path):
        return None
    return Address(parts.scheme, host, port, quote(path, safe="/%:@!$&()*+,;=~"), unquote(login))


def of_listen(listen: str, *, tls: bool) -> Optional[str]:
    """Return the URL at which this computer reaches a `--listen HOST:PORT`; None if it isn't an address."""
    host, _, port = listen.rpartition(":")
    host = "127.0.0.1" if host.strip("[]") in WILDCARDS else host
    found = parse(f"{'https' if tls else 'http'}://{host}:{port}") if port and "@" not in host else None
    return found.url if found else None


def of_listener(text: str) -> Optional[Tuple[str, int]]:
    """Return the host and port of an address to listen on; None if it isn't one.

    The host is "" for all interfaces; a port alone means this computer only. Port 0 means any free port.
    """
    host, colon, port = text.strip().rpartition(":")
    found = _AUTHORITY.fullmatch(host if colon else "127.0.0.1")
    if found is None or found["port"] or not (port.isascii() and port.isdigit()) or int(port) >= 2**16:
        return None
    name = (found["v6"] or found["host"] or "").replace("*", "")
    return (name, int(port)) if not name or _HOST.fullmatch(name) else None


def port_of(url: str) -> Optional[int]:
    """Return a URL's port, or its scheme's default port; None if it isn't an address."""
    found = parse(url)
    return found.port if found else None


def is_local(url: str) -> bool:
    """Tell whether a URL of either scheme names this computer by a loopback address."""
    found = parse(url)
    return found is not None and _LOOPBACK.fullmatch(found.host) is not None


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this computer over plain HTTP, as a model server's does."""
    return url.startswith("http://") and is_local(url)


def without_login(text: str) -> str:
    """Return an address as the user wrote it, valid or not, without its user name and password."""
    return _LOGIN.sub(r"\1…@", text)


def _above_models(path: str) -> str:
    """Return the part of a path above llama-swap's route to its models, without trailing slashes."""
    parts = itertools.takewhile(lambda part: unquote(part).casefold() != "upstream", path.split("/"))
    return "/".join(parts).rstrip("/")


def _host(host: str, port: Optional[int]) -> Optional[str]:
    """Return a host as DNS encodes it, or None if it can't be one; a wildcard with a port is this computer."""
    if host in WILDCARDS:
        return "127.0.0.1" if host or port else None
    if not all(char.isalpha() or char in "-._:%0123456789" for char in host):
        return None
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return ascii_host if _HOST.fullmatch(ascii_host) and ".." not in ascii_host else None
