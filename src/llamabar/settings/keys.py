"""Reads API keys and logins from where the settings say they are. No secret is ever shown or put in a mistake."""

import os
import re
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from llamabar.errors import Code, LlamabarError
from llamabar.macos import tools
from llamabar.settings.file import OTHERS, SettingsFile, read_text, reason
from llamabar.settings.mistakes import Kind
from llamabar.settings.options import SERVER

KEYCHAIN_S = 5.0
NO_ITEM = 44  # errSecItemNotFound, -25300, as an exit code
API_KEY, BASIC_AUTH = "api_key", "basic_auth"
_ACCOUNT = re.compile(r'^ *"acct"<blob>=(?:0x([0-9A-F]+)|"(.*)")', re.M)
_PASSWORD = re.compile(r'^password: (?:0x([0-9A-F]+)|"(.*)")', re.M)

Read = Tuple[str, Optional[Kind], str]  # the secret, what is wrong, and what was found


class Secret(NamedTuple):
    """A secret and the setting it came from, "" for none. The value may be empty even so."""

    value: str = ""
    source: str = ""

    def __repr__(self) -> str:
        return f"Secret({self.source!r})"


def secret_of(
    which: str, entry: Dict[str, Any], *, variables: Mapping[str, str], file: SettingsFile, at: int
) -> Secret:
    """Return the API key or login that a [[server]] table names. On a mistake it is noted, and the value is empty."""
    for key in (which, f"{which}_env", f"{which}_file", f"{which}_keychain"):
        named = entry.get(key)
        if isinstance(named, str) and named:
            value, wrong, found = _read(key, named, variables)
            if wrong is not None:
                file.wrong(wrong, SERVER, key, index=at, found=found)
            return Secret(value, "file" if key == which else key)
    return Secret()


def export_token(path: str, variable: str, variables: Mapping[str, str]) -> str:
    """Return the bearer token that scrapers must send: from a file, else from a variable; "" if neither is set.

    Raises LlamabarError for a file without a token; otherwise anyone could read the metrics.
    """
    if not path:
        return variables.get(variable, "").strip()
    token, _, found = _read("token_file", path, variables)
    if not token or not (token.isascii() and token.isprintable()):
        said = found or "it holds no printable ASCII token"
        raise LlamabarError(f"Can't use the token in {path}: {said}.", "Fix [export] token_file.", code=Code.SETTINGS)
    return token


def _read(key: str, named: str, variables: Mapping[str, str]) -> Read:
    if key.endswith("_env"):
        value = variables.get(named, "").strip()
        return value, None if value else Kind.SECRET_MISSING, ""
    if key.endswith("_keychain"):
        return _of_keychain(named, with_account=key.startswith(BASIC_AUTH))
    if not key.endswith("_file"):
        return named, None, ""
    try:
        text, mode = read_text(Path(os.path.expanduser(named)))
    except OSError as error:
        return "", Kind.SECRET_FILE, reason(error)
    return text.strip(), Kind.SECRET_FILE_OPEN if mode & OTHERS else None, ""


def _of_keychain(item: str, *, with_account: bool) -> Read:
    """Return a keychain item's password, prefixed by its account if wanted: `security` prints that only without -w."""
    shown = "-g" if with_account else "-w"
    said = tools.run("security", "find-generic-password", "-s", item, shown, timeout_s=KEYCHAIN_S)
    if said.code != 0:  # over ssh, a locked keychain answers at once: 36
        return "", Kind.KEYCHAIN_EMPTY if said.code == NO_ITEM else Kind.KEYCHAIN_SILENT, ""
    if not with_account:
        return said.out.strip(), None, ""
    return ":".join(_printed(which, f"{said.out}\n{said.err}") for which in (_ACCOUNT, _PASSWORD)), None, ""


def _printed(which: "re.Pattern[str]", said: str) -> str:
    """Return what `security` printed: in quotes, or in hexadecimal if it isn't all printable ASCII."""
    found = which.search(said)
    if found is None:
        return ""
    return bytes.fromhex(found[1]).decode("utf-8", "replace") if found[1] else found[2]
