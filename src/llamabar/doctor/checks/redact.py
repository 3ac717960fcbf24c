"""Removes what others must never see from a text: keys, names, hosts, addresses, commands, prompts.

Laws: known private values go first, in every spelling; then anything that looks like one. From text that others wrote
(a log, an error), rather remove too much than too little. Loopback addresses and paths below the home folder stay.
"""

import ipaddress
import json
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Callable, Iterator, List, Match, Pattern, Tuple, Union
from urllib.parse import quote

from llamabar.core.text import printable

KEY, USER, HOST, ADDRESS, COMMAND, PROMPT = "(key)", "(user)", "(host)", "(address)", "(command)", "(prompt)"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0")
PUBLIC_NAMES = (*LOOPBACK_NAMES, "github.com", "x-apple.systempreferences")  # used in our own remedies
FILE_ENDS = (
    "yaml", "yml", "toml", "json", "log", "go", "py", "pyz", "plist", "gguf", "sock", "txt", "md", "so", "dylib", "app",
    "html", "sh", "gz", "swift", "safetensors", "bin", "db", "sqlite", "tmp", "aside", "new", "whl", "pem", "crt",
)  # fmt: skip
LABEL_STARTS = ("com", "org", "sh", "net", "homebrew", "local", "io", "dev")

Change = Union[str, Callable[[Match[str]], str]]


@dataclass(frozen=True)
class Private:
    """The known private values, left out of repr."""

    keys: Tuple[str, ...] = field(default=(), repr=False)
    home: str = field(default="", repr=False)
    users: Tuple[str, ...] = field(default=(), repr=False)
    hosts: Tuple[str, ...] = field(default=(), repr=False)


def redacted(text: str, private: Private) -> str:
    """Return a text of our own with private values removed."""
    for pattern, instead in _known(private):
        text = pattern.sub(instead, text)
    for pattern, change in _SHAPES:
        text = pattern.sub(change, text)
    return text


def redacted_line(text: str, private: Private) -> str:
    """Return one line that others wrote (a log, an error) with private values, commands and prompts removed."""
    for pattern, instead in _FOREIGN:
        text = pattern.sub(instead, text)
    return redacted(printable(text, " "), private)


def _known(private: Private) -> Iterator[Tuple[Pattern[str], str]]:
    """Yield a pattern for every known value, longer ones first, since a shorter one may be part of it."""
    for values, instead, words in (
        (private.keys, KEY, False),
        ((private.home,), "~", False),
        (private.hosts, HOST, True),
        (private.users, USER, True),
    ):
        spelled = {spelling for value in values if value for spelling in _spellings(value)}
        for spelling in sorted(spelled - set(LOOPBACK_NAMES) - {"/"}, key=len, reverse=True):
            edge = (r"(?<![^\W_])", r"(?![^\W_])") if words else ("", "")
            yield re.compile(edge[0] + re.escape(spelling) + edge[1], re.IGNORECASE), instead


def _spellings(value: str) -> Iterator[str]:
    """Yield a value as it is, composed and decomposed, JSON-escaped and URL-quoted."""
    for form in ("NFC", "NFD"):
        plain = unicodedata.normalize(form, value)
        yield plain
        yield json.dumps(plain)[1:-1]
        yield quote(plain)
        yield quote(plain, safe="")
    yield value


def _host(match: Match[str]) -> str:
    name = match[0].strip(".").lower()
    parts = name.split(".")
    kept = name in PUBLIC_NAMES or parts[-1] in FILE_ENDS or parts[0] in LABEL_STARTS
    return match[0] if kept or all(part.isdigit() for part in parts) else HOST


def _after_name(match: Match[str]) -> str:
    return match[0] if match[2].lower() in PUBLIC_NAMES else f"{match[1]}{HOST}"


def _with_port(match: Match[str]) -> str:
    name = match[1].lower()
    kept = name in LOOPBACK_NAMES or name.isdigit() or name.rpartition(".")[2] in FILE_ENDS
    return match[0] if kept else f"{HOST}:{match[2]}"


def _address(match: Match[str]) -> str:
    try:
        address = ipaddress.ip_address(match[0].partition("%")[0])
    except ValueError:
        return match[0]
    return match[0] if address.is_loopback or address.is_unspecified else ADDRESS


_SHAPES: List[Tuple[Pattern[str], Change]] = [(re.compile(shape), new) for shape, new in (
    (r"(?i)((?:proxy-)?authorization|x-api-key|cookie|www-authenticate)\b.*", r"\1 (removed)"),
    (r"(?i)\b(bearer|basic)\s+[^\s,;\"']+", rf"\1 {KEY}"),
    (r"\b(?:sk|pk|hf|gh[pousr]|xox[abp]|AKIA|glpat)[-_][A-Za-z0-9_\-]{6,}", KEY),
    (r"(?i)(\b[\w-]*(?:api[-_ ]?key|token|secret|passw(?:or)?d|passphrase)[\"']?\s*[:=]+\s*[\"']?)(?!KEY\b)[^\s\"',;]+",
     rf"\1{KEY}"),
    (r"(?i)(--?[\w-]*(?:key|token|secret|password)(?:\s+|=))[^\s]+", rf"\1{KEY}"),
    (r"(://)[^/\s@]+@", rf"\1{USER}@"),
    (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", USER),
    (r"(/(?:Users|home)/)[^/\s\"':]+", rf"\1{USER}"),
    (r"(?i)(\b(?!swiftbar:)[a-z][a-z0-9+]*://)(\[[0-9a-f:.%\w]+\]|[^/\s:\"'()\[\]]+)", _after_name),
    (r"(?i)(\blookup\s+)([^\s:,]+)", _after_name),
    (r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?:%\w+)?(?![\w:])", _address),
    (r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)", _address),
    (r"(?<![\w/.~-])([A-Za-z][\w.-]*):(\d{2,5})(?!\d)", _with_port),
    (r"(?<![\w/.@~-])[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z][A-Za-z0-9-]+(?![\w/-]*\w)",
     _host),
)]  # fmt: skip
_FOREIGN: Tuple[Tuple[Pattern[str], str], ...] = (
    (re.compile(r"(?i)([\"']?\b(?:prompt|content|messages?|input|query|instructions?|suffix|system|text|question)\b"
                r"[\"']?\s*[:=]).*"), rf"\1 {PROMPT}"),
    (re.compile(r"(?i)([\"']?\b(?:cmd|command|args?|argv|exec|executing|running|starting|cmdstop)\b"
                r"[\"']?(?:\s*[:=]|\s+command:?)).*"),
     rf"\1 {COMMAND}"),
    (re.compile(r"(?:(?<=\s)|^)[^\s]*(?:llama-server|mlx_lm\S*|vllm|python3?)\s.*"), COMMAND),
    (re.compile(r"\s-{1,2}[A-Za-z][\w-]*(?:[ =]\S+)?(?:\s.*)?$"), f" {COMMAND}"),
)  # fmt: skip
