"""Remove secrets that a server echoes, before anybody sees or stores them."""

import json
import re
from base64 import b64encode
from functools import lru_cache
from typing import Iterator, Tuple
from urllib.parse import quote

HIDDEN = b"(key)"
SURELY_CHARS, MAYBE_CHARS = 16, 8
ESCAPED_BY_GO = "&<>"  # in JSON
_ESCAPES = re.compile("(%[0-9A-F]{2})")


def without(said: bytes, *, api_key: str, login: str) -> bytes:
    """Return a server's bytes without the key and the login (`user:password`) that it was sent."""
    for secret in _secrets(api_key, login):
        said = said.replace(secret, HIDDEN)
    return said


@lru_cache(maxsize=64)  # called for each event
def _secrets(api_key: str, login: str) -> Tuple[bytes, ...]:
    """Return everything to hide, in all the ways a server may write it.

    A secret that is so short and plain that it may be an ordinary word stays: replacing `llama` would change model
    names.
    """
    found = (api_key, login, login.partition(":")[2], basic(login))
    kept = (
        form.encode()
        for secret in found
        if len(secret) >= SURELY_CHARS or (len(secret) >= MAYBE_CHARS and any(char.isdigit() for char in secret))
        for form in _written(secret)
    )
    return tuple(dict.fromkeys(kept))


def _written(secret: str) -> Iterator[str]:
    """Yield a secret as it is, as in JSON and JSON within JSON, and as in a URL."""
    yield secret
    for plain in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        by_go = "".join(f"\\u{ord(char):04x}" if char in ESCAPED_BY_GO else char for char in plain)
        for once in (plain, by_go, plain.replace("/", "\\/")):
            yield from (once, json.dumps(once)[1:-1])
    for kept in ("", "/"):
        escaped = quote(secret, safe=kept)
        yield from (escaped, "".join(part.lower() if part[:1] == "%" else part for part in _ESCAPES.split(escaped)))


def basic(login: str) -> str:
    """Return a login as encoded in the Basic authentication header."""
    return b64encode(login.encode()).decode()
