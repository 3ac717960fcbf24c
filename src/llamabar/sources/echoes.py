"""Secrets that a server says back: taken out of its words, before anybody sees or keeps them."""

from base64 import b64encode
from functools import lru_cache
from typing import Tuple

HIDDEN = b"(key)"
SURELY_CHARS, MAYBE_CHARS = 16, 8


def without(said: bytes, *, api_key: str, login: str) -> bytes:
    """Return what a server said without the key and the login (`user:password`) that it was sent."""
    for secret in _secrets(api_key, login):
        said = said.replace(secret, HIDDEN)
    return said


@lru_cache(maxsize=64)  # asked for each event
def _secrets(api_key: str, login: str) -> Tuple[bytes, ...]:
    """Return what is to be hidden, as a server may say it back.

    One so short and so plain that it may be anybody's word stays: `llama`, replaced, would be the name of no model.
    """
    found = (api_key, login, login.partition(":")[2], basic(login))
    return tuple(
        secret.encode()
        for secret in found
        if len(secret) >= SURELY_CHARS or (len(secret) >= MAYBE_CHARS and any(char.isdigit() for char in secret))
    )


def basic(login: str) -> str:
    """Return a login as the header of Basic authentication says it."""
    return b64encode(login.encode()).decode()
