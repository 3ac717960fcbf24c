"""Secrets that a server says back: taken out of its words, before anybody sees or keeps them."""

from typing import Iterable

HIDDEN = b"(key)"
SURELY_CHARS, MAYBE_CHARS = 16, 8


def without(said: bytes, secrets: Iterable[str]) -> bytes:
    """Return what a server said without secrets.

    One so short and so plain that it may be anybody's word stays: `llama`, replaced, would be the name of no model.
    """
    for secret in secrets:
        if len(secret) >= SURELY_CHARS or (len(secret) >= MAYBE_CHARS and any(char.isdigit() for char in secret)):
            said = said.replace(secret.encode(), HIDDEN)
    return said
