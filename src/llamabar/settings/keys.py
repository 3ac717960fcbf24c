"""API keys: where each setting says that they are. A key is never shown, and a mistake never names it."""

import os
import stat
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from llamabar.macos import tools

KEYCHAIN_S = 5.0


def text_of(entry: Dict[str, Any], key: str) -> str:
    """Return a setting that is text, "" for anything else."""
    value = entry.get(key, "")
    return value if isinstance(value, str) else ""


def key_of(
    entry: Dict[str, Any], environment: Mapping[str, str], mistakes: List[str], *, first: bool
) -> Tuple[str, str]:
    """Return a server's key and which setting gave it; a mistake is said, and the key is then empty."""
    if first and environment.get("LLAMABAR_API_KEY"):
        return environment["LLAMABAR_API_KEY"].strip(), "LLAMABAR_API_KEY"
    if text_of(entry, "api_key"):
        return text_of(entry, "api_key"), "file"
    if text_of(entry, "api_key_env"):
        key = environment.get(text_of(entry, "api_key_env"), "").strip()
        if not key:
            mistakes.append("settings: the variable that api_key_env names is not set")
        return key, "api_key_env"
    if text_of(entry, "api_key_file"):
        return _key_of_file(Path(os.path.expanduser(text_of(entry, "api_key_file"))), mistakes), "api_key_file"
    if text_of(entry, "api_key_keychain"):
        return _key_of_keychain(text_of(entry, "api_key_keychain"), mistakes), "api_key_keychain"
    return "", ""


def _key_of_file(path: Path, mistakes: List[str]) -> str:
    try:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            mistakes.append("settings: others can read the key file; chmod 600 it")
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        mistakes.append(f"settings: the key file cannot be read ({type(error).__name__})")
        return ""


def _key_of_keychain(item: str, mistakes: List[str]) -> str:
    said = tools.run("security", "find-generic-password", "-s", item, "-w", timeout_s=KEYCHAIN_S)
    if said.code is None:
        mistakes.append("settings: the keychain could not be asked for the key")
    elif said.code:
        mistakes.append("settings: the keychain has no such key; security add-generic-password -s NAME -a llamabar -w")
    return said.out.strip() if said.code == 0 else ""
