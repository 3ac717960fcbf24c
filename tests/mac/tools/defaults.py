"""defaults: read, read-type, write, delete."""

import os
import re
from typing import Any, List

from tests.mac import preferences
from tests.mac.call import Call

STAMP = "2026-01-01 12:00:00.000 defaults[501:1]"
_BARE = re.compile(r"[A-Za-z0-9_]+\Z")
TYPES = {bool: "boolean", int: "integer", float: "float", str: "string", list: "array", dict: "dictionary"}


def run(call: Call) -> int:
    """Return 0, or 1 when a domain or a key is missing."""
    words = [word for word in call.arguments if word != "-currentHost"]
    if len(words) < 2 or words[0] not in ("read", "read-type", "write", "delete"):
        return call.err("Command line interface to a user's defaults.", 255)
    verb, domain, *rest = words
    domain = domain[: -len(".plist")] if domain.endswith(".plist") and not domain.startswith("/") else domain
    content = preferences.read(call.state, domain)
    if verb == "write":
        new = {**(content or {}), rest[0]: _value(rest[1:], (content or {}).get(rest[0]))}
        preferences.write(call.state, os.environ["HOME"], domain, new)
        return 0
    if content is None:
        return call.err(f"{STAMP} \nDomain {domain} does not exist")
    if rest and rest[0] not in content:
        return call.err(f"{STAMP} \nThe domain/default pair of ({domain}, {rest[0]}) does not exist")
    if verb == "delete":
        left = {key: value for key, value in content.items() if rest and key != rest[0]}
        preferences.write(call.state, os.environ["HOME"], domain, left)
    elif verb == "read-type":
        call.out(f"Type is {TYPES.get(type(content[rest[0]]), 'data')}")
    else:
        call.out(shown(content[rest[0]] if rest else content))
    return 0


def _value(words: List[str], before: Any) -> Any:
    """Return the value that words like `-bool YES` describe."""
    kind, rest = (words[0], words[1:]) if words[0].startswith("-") and len(words) > 1 else ("-string", words)
    if kind in ("-array", "-array-add"):
        return [*(before if kind == "-array-add" and isinstance(before, list) else []), *rest]
    makers = {"-bool": lambda word: word.lower() in ("yes", "true", "1"), "-int": int, "-float": float}
    return makers.get(kind, str)(rest[0])


def shown(value: Any, depth: int = 0) -> str:
    """Return a value as defaults prints it: a string bare at the top, quoted inside unless it is a plain word."""
    pad, end = "    " * (depth + 1), "    " * depth
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, dict):
        rows = [f"{pad}{_word(key)} = {_inner(one, depth)};\n" for key, one in sorted(value.items())]
        return "{\n" + "".join(rows) + end + "}"
    if isinstance(value, list):
        return "(\n" + ",\n".join(f"{pad}{_inner(one, depth)}" for one in value) + ("\n" if value else "") + end + ")"
    if isinstance(value, bytes):
        return f"{{length = {len(value)}, bytes = 0x{value.hex()}}}"
    return str(value)


def _inner(value: Any, depth: int) -> str:
    """Return a value inside of a collection; a collection in it begins with the indent once more."""
    before = "    " * (depth + 1) if isinstance(value, (dict, list)) else ""
    return _word(value) if isinstance(value, str) else before + shown(value, depth + 1)


def _word(text: str) -> str:
    """Return a string as it stands inside of a collection: what is not ASCII as \\Uxxxx."""
    if _BARE.match(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + "".join(char if char < "\x7f" else f"\\U{ord(char):04x}" for char in escaped) + '"'
