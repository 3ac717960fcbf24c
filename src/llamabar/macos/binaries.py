"""The llama-swap programs on this Mac: where they are, whether they start, and whether they accept a config.

Source: shared facts on the llama-swap API, section 13 (measured on v150, v228, v250).
"""

import contextlib
import os
import re
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, Mapping, Optional, Tuple

from llamabar.macos import files, tools
from llamabar.macos.paths import CHECKED_CONFIG
from llamabar.macos.shell import PROGRAM

FOLDERS = ("/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin")
HOME_FOLDERS = ("go/bin", ".local/bin", ".nix-profile/bin", "bin", "Applications")
NIX_FOLDERS = ("/run/current-system/sw/bin", "/nix/var/nix/profiles/default/bin", "/etc/profiles/per-user/{user}/bin")
SHELL_S = 3.0
VERSION_S = 5.0
CHECK_S = 5.0
CONFIG_BYTES = 10_000_000
WORDS_CHARS = 400
_VERSION = re.compile(r"^version: (\S+) \(", re.MULTILINE)
_ARCHIVED = re.compile(r"llama-swap(?:[-_](?:v?\d+|darwin|macos|arm64|amd64|x86_64))+")
_MARK = "llamabar-path:"
_REFUSED = re.compile(r"(error loading|failed to load) config", re.IGNORECASE)  # v150; v228 and later
_LOG_STAMP = re.compile(r"^(?:time=\S+ level=\w+ msg=|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |\[\w+\] )+")


@dataclass(frozen=True)
class Binary:
    """One llama-swap program. If it doesn't start, `version` is None and `trouble` says why."""

    path: str
    version: Optional[str] = None
    trouble: str = ""
    quarantined: bool = False


@dataclass(frozen=True)
class ConfigCheck:
    """The verdict of llama-swap on a config, in its own words. `good` is None if it gave none."""

    good: Optional[bool]
    words: str = ""


def find_binaries(home: Path, environment: Mapping[str, str]) -> Tuple[Binary, ...]:
    """Return every llama-swap found on this Mac, each file once. Homebrew's and MacPorts' come first."""
    named: Dict[str, str] = {}
    for path in find_programs(home, environment, of_shell=shell_path(environment)):
        named.setdefault(os.path.realpath(path), path)
    return tuple(map(describe, named.values()))


def find_programs(home: Path, environment: Mapping[str, str], *, of_shell: str = "") -> Iterator[str]:
    """Yield every llama-swap found without starting anything. `of_shell` is a login shell's PATH to search as well."""
    folders = [
        *FOLDERS,
        *(str(home / folder) for folder in HOME_FOLDERS),
        *environment.get("PATH", "").split(os.pathsep),
        *of_shell.split(os.pathsep),
        *(folder.format(user=environment.get("USER", home.name)) for folder in NIX_FOLDERS),
        "/Applications",
    ]
    paths = (os.path.join(folder, name) for folder in folders if os.path.isabs(folder) for name in _names_in(folder))
    return (path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK))


def _names_in(folder: str) -> Iterator[str]:
    """Yield the names that llama-swap may have in a folder: its own first, then those used in release archives."""
    yield PROGRAM
    with contextlib.suppress(OSError):
        yield from sorted(name for name in os.listdir(folder) if _ARCHIVED.fullmatch(name))


def origin_of(path: str) -> str:
    """Return what installed a program: homebrew, macports, nix-darwin, nix, go, or file (the user)."""
    places = (path, os.path.realpath(path))
    if path.startswith(("/run/current-system/", "/etc/profiles/per-user/")):
        return "nix-darwin"  # part of the system or home configuration, so no profile can upgrade it alone
    if any(part in place for place in places for part in ("/nix/", "/.nix-profile/", "/run/current-system/")):
        return "nix"
    if any("/Cellar/" in place or place.startswith("/opt/homebrew/") for place in places):
        return "homebrew"
    if any(place.startswith("/opt/local/") for place in places):
        return "macports"
    return "go" if any("/go/bin/" in place for place in places) else "file"


def describe(path: str) -> Binary:
    """Run a program with `--version` and return it with what it reports."""
    quarantined = tools.is_quarantined(Path(path)) or False
    said = tools.call(path, "--version", timeout_s=VERSION_S)
    version = _VERSION.search(said.out)
    if said.code == 0 and version:
        return Binary(path, version.group(1).lstrip("v"), quarantined=quarantined)
    return Binary(path, None, said.words, quarantined)


def shell_path(environment: Mapping[str, str]) -> str:
    """Run a login shell and return its PATH; "" if it gives none in time."""
    shell = environment.get("SHELL", "")
    if not os.path.isabs(shell) or not os.access(shell, os.X_OK):
        return ""
    said = tools.call(shell, "-l", "-c", f'echo "{_MARK}$PATH"', timeout_s=SHELL_S)
    lines = [line for line in said.out.splitlines() if line.startswith(_MARK)]
    return lines[-1][len(_MARK) :] if lines else ""


def check_config(program: str, config: Path) -> ConfigCheck:
    """Let llama-swap read a copy of a config. It exits before it serves, since we already hold its port.

    The copy has no `hooks:`, because a preload would start a model before llama-swap tries the port.
    """
    content = files.read(config, limit_bytes=CONFIG_BYTES)
    if content is None:
        return ConfigCheck(False, f"{config} can't be read")
    text = content.decode("utf-8", "surrogateescape")
    with tempfile.TemporaryDirectory(prefix=CHECKED_CONFIG) as folder, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(1)
        copy = Path(folder) / config.name
        copy.write_bytes(without_hooks(text).encode("utf-8", "surrogateescape"))
        listen = f"127.0.0.1:{held.getsockname()[1]}"
        said = tools.call(program, "--config", str(copy), "--listen", listen, timeout_s=CHECK_S)
        return _judge(said, str(copy), str(config))


def without_hooks(text: str) -> str:
    """Return a config without its top-level `hooks:` block, which ends at the next key in the first column."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        starts = line[:1] not in (" ", "\t", "#", "-", "\n", "\r", "")
        inside = re.match(r"[\"']?hooks[\"']?\s*:", line) is not None if starts else inside
        if not inside:
            kept.append(line)
    return "".join(kept)


def _judge(said: tools.Output, copy: str, config: str) -> ConfigCheck:
    words = (said.err + said.out).replace(copy, config)
    if "address already in use" in words:
        return ConfigCheck(True)
    if said.code is None:
        return ConfigCheck(None, said.trouble)
    lines = [_LOG_STAMP.sub("", line).strip() for line in words.splitlines() if line.strip()]
    refusals = [line for line in lines if _REFUSED.search(line)]
    return ConfigCheck(False if refusals else None, (refusals or lines or [said.words])[-1][:WORDS_CHARS])
