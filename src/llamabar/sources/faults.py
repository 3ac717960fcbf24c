"""What answers in llama-swap's place when there is no event stream (exceptions: exchange.py).

A reverse proxy or a sign-in service in front of llama-swap is recognized by its status, by its challenge, or by where
it redirects a browser: to a path or host that mentions signing in (oauth2-proxy: /oauth2/, Cloudflare Access:
*.cloudflareaccess.com, Authelia, Keycloak), or to a page with a password field. Status codes as in RFC 9110,
Cloudflare's as in its documentation.
"""

import re
from typing import Mapping, Optional
from urllib.parse import urljoin, urlsplit

from llamabar.core import address
from llamabar.core.events import Fault, FaultKind

EVENTS = "/api/events"
SERVER_LIMIT_CHARS = 40
BY_STATUS = {
    401: FaultKind.FORBIDDEN, 403: FaultKind.FORBIDDEN, 429: FaultKind.RATE_LIMITED,
    500: FaultKind.SERVER_ERROR, 511: FaultKind.SIGN_IN,
    **dict.fromkeys((502, 503, 504, *range(520, 528), 530), FaultKind.GATEWAY),  # Cloudflare's are 520 and above
}  # fmt: skip
_SIGNS_IN = re.compile(r"log[-_ ]?in|sign[-_ ]?in|oauth|/auth|authelia|keycloak|\bsso\b|cloudflareaccess|cdn-cgi")
_PASSWORD_FIELD = re.compile(rb"<input[^>]*type\s*=\s*[\"']?password")
_BASIC = re.compile(r"(?:^|,)\s*basic(?:\s|,|$)")
_TITLE = re.compile(rb"<title[^>]*>([^<]*)")


def fault_of_answer(status: int, headers: Mapping[str, str], *, url: str, page: bytes = b"") -> Fault:
    """Return what an answer to `GET /api/events` means if it isn't an event stream; `page` is its body if it is HTML.
    """
    kind = BY_STATUS.get(status)
    if status == 401 and _BASIC.search(headers.get("www-authenticate", "").lower()):
        kind = FaultKind.BASIC_AUTH
    elif 300 <= status < 400:
        kind = _kind_of_redirect(headers.get("location", ""), url)
        there = _moved_to(headers.get("location", ""), url) if kind is None else ""
        if there:
            return Fault(FaultKind.MOVED, f"HTTP {status} to {there}")
    elif "ngrok-error-code" in headers:  # its agent, or the server behind it, is offline
        kind = FaultKind.GATEWAY
    elif status in (200, 401, 403) and _is_sign_in(page.lower()):
        kind = FaultKind.SIGN_IN
    if kind is not None:
        return Fault(kind, f"HTTP {status}")
    answer = f"GET /api/events answers {status} {headers.get('content-type', '').split(';')[0]}".strip()
    server = headers.get("server", "")[:SERVER_LIMIT_CHARS]
    return Fault(FaultKind.NOT_LLAMA_SWAP, f"{answer}, Server: {server}" if server else answer)


def _is_sign_in(page: bytes) -> bool:
    title = _TITLE.search(page)
    return bool(_PASSWORD_FIELD.search(page)) or bool(title and _SIGNS_IN.search(title[1].decode("latin-1")))


def _moved_to(location: str, url: str) -> str:
    """Return the other address where the same route is said to be, "" for a redirect to another page."""
    try:
        there, same_route, _ = urljoin(f"{url}{EVENTS}", location).partition(EVENTS)
    except ValueError:
        return ""
    found = address.parse(there) if same_route else None
    return found.url if found is not None and found.url != url else ""


def _kind_of_redirect(location: str, url: str) -> Optional[FaultKind]:
    try:
        here, there = urlsplit(url), urlsplit(location)
        if here.scheme == "http" and there.scheme == "https" and here.hostname == there.hostname:
            return FaultKind.HTTPS_ONLY
    except ValueError:
        return None
    return FaultKind.SIGN_IN if _SIGNS_IN.search(location.lower()) else None
