"""The LaunchAgents that run a llama-swap, whoever wrote them: found by their program, never by their label."""

import os
import plistlib
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

AGENT_FOLDER = "Library/LaunchAgents"
PROGRAM = "llama-swap"
DEFAULT_LISTEN = ":8080"
DEFAULT_TLS_LISTEN = ":8443"
SHELLS = ("sh", "bash", "zsh")
WRAPPERS = ("env", "caffeinate", "nice", "taskpolicy", "arch", "daemondo")  # MacPorts starts programs with the last


@dataclass(frozen=True)
class Agent:
    """One agent of this user. `listen` is what its llama-swap was told, e.g. 127.0.0.1:8080."""

    label: str
    plist: Path
    arguments: Tuple[str, ...]
    listen: str
    tls: bool
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def log(self) -> Optional[Path]:
        """Return the file that its output goes to."""
        path = self.content.get("StandardErrorPath") or self.content.get("StandardOutPath")
        return Path(path) if isinstance(path, str) and path else None

    @property
    def url(self) -> str:
        """Return the address at which this computer reaches it."""
        host, _, port = self.listen.rpartition(":")
        host = "127.0.0.1" if host in ("", "0.0.0.0", "[::]", "::", "*") else host
        return f"{'https' if self.tls else 'http'}://{host}:{port}"


def find_agents(home: Path, *, folder: Optional[Path] = None) -> List[Agent]:
    """Return the agents in a home folder, or in `folder`, whose program is llama-swap, by file name.

    Files that cannot be read are left out. A llama-swap inside a `sh -c` is found by its words.
    """
    return [agent for plist in _plists(folder or home / AGENT_FOLDER) for agent in _agent(plist)]


def flag(arguments: Tuple[str, ...], name: str) -> Optional[str]:
    """Return a Go flag's value, written as -x v, --x v, -x=v or --x=v; the last one counts."""
    found = None
    for index, word in enumerate(arguments):
        for dashed in (f"-{name}", f"--{name}"):
            if word == dashed and index + 1 < len(arguments):
                found = arguments[index + 1]
            elif word.startswith(f"{dashed}="):
                found = word[len(dashed) + 1 :]
    return found


def listen_of(arguments: Tuple[str, ...]) -> Tuple[str, bool]:
    """Return the listen address of a llama-swap command, and whether it speaks TLS."""
    tls = flag(arguments, "tls-cert-file") is not None
    return flag(arguments, "listen") or (DEFAULT_TLS_LISTEN if tls else DEFAULT_LISTEN), tls


def _plists(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.iterdir() if path.suffix == ".plist")
    except OSError:
        return


def _agent(path: Path) -> Iterator[Agent]:
    content = _read(path)
    arguments = _unwrapped(_words(content))
    label = content.get("Label")
    if arguments and os.path.basename(arguments[0]) == PROGRAM and isinstance(label, str) and label:
        listen, tls = listen_of(arguments[1:])
        yield Agent(label, path, arguments, listen, tls, content)


def _words(content: Dict[str, Any]) -> Tuple[str, ...]:
    words = content.get("ProgramArguments")
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        if isinstance(content.get("Program"), str):
            return (content["Program"], *words[1:])
        return tuple(words)
    return (content["Program"],) if isinstance(content.get("Program"), str) else ()


def _unwrapped(words: Tuple[str, ...]) -> Tuple[str, ...]:
    """Return the llama-swap command that a shell is given as text or a wrapper as words, or the words as they are."""
    if words and os.path.basename(words[0]) in WRAPPERS:
        return next((words[at:] for at, word in enumerate(words) if os.path.basename(word) == PROGRAM), words)
    shell = bool(words) and os.path.basename(words[0]) in SHELLS
    for script in words[1:] if shell else ():
        try:
            inner = shlex.split(script)
        except ValueError:
            continue
        at = next((index for index, word in enumerate(inner) if os.path.basename(word) == PROGRAM), None)
        if at is not None:
            return tuple(inner[at:])
    return words


def _read(path: Path) -> Dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = plistlib.load(file)
    except Exception:  # plistlib raises whatever its parser does: expat, struct, ValueError, OSError
        return {}
    return content if isinstance(content, dict) else {}
