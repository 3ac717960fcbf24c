"""The LaunchAgents that run a llama-swap, llamabar's own and others, as far as their files tell.

A program counts as llama-swap if its file name starts with llama-swap, or if it is a symlink to a file whose name does:
release archives hold llama-swap-darwin-arm64, and people rename the program or link to it. It is also found inside `sh
-c`, a wrapper or a script (shell.py). Where no file tells (a launcher that decides at run time), launchd does: it is
the job whose process, or a child of it, listens.
"""

import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from llamabar.core.address import DEFAULT_PORT
from llamabar.core.mac import Agent, Refusal
from llamabar.macos import files
from llamabar.macos.paths import AGENT_FOLDER
from llamabar.macos.shell import unwrapped

SYSTEM_AGENTS = (Path("/Library/LaunchAgents"), Path("/Library/LaunchDaemons"))
DEFAULT_LISTEN = f":{DEFAULT_PORT}"
DEFAULT_TLS_LISTEN = ":8443"
PLIST_BYTES = 4_000_000
OTHERS_WRITE = 0o022


def folder_refusal(folder: Path) -> Optional[Refusal]:
    """Return what is wrong with a LaunchAgents folder; None if nothing is, or if it doesn't exist."""
    if not os.path.isdir(folder):
        return Refusal.NOT_A_FOLDER if os.path.exists(folder) else None
    status = folder.stat()
    if status.st_uid != os.getuid():
        return Refusal.OF_ANOTHER
    if not os.access(folder, os.W_OK | os.X_OK):
        return Refusal.READ_ONLY
    return Refusal.OPEN if status.st_mode & OTHERS_WRITE else None


def is_refused(plist: Path) -> bool:
    """Tell whether launchd refuses a plist for its mode or owner (facts on launchd, section 5)."""
    try:
        status = plist.stat()
    except OSError:
        return False
    return bool(status.st_mode & OTHERS_WRITE) or status.st_uid not in (os.getuid(), 0)


def find_agents(home: Path, *, folder: Optional[Path] = None) -> List[Agent]:
    """Return the agents that start llama-swap, sorted by file name: those in `folder`, else those of a home folder."""
    return [agent for agent in _agents(folder or home / AGENT_FOLDER) if agent.listen]


def labelled(home: Path, label: str) -> Optional[Agent]:
    """Return the agent with a label, whatever program it starts; None if no file of this user has the label."""
    return next((agent for agent in _agents(home / AGENT_FOLDER) if agent.label == label), None)


def _agents(folder: Path) -> Iterator[Agent]:
    """Yield every agent in a folder, sorted by file name. Files that can't be read are skipped."""
    for path in plists(folder):
        content = read_plist(path) or {}
        label = content.get("Label")
        if isinstance(label, str) and label:
            yield agent_of(label, path, content)


def environment(content: Mapping[str, Any]) -> Dict[str, str]:
    """Return the environment variables that a plist sets."""
    found = content.get("EnvironmentVariables")
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in pairs if isinstance(name, str) and isinstance(value, str)}


def agent_of(label: str, plist: Path, content: Mapping[str, Any]) -> Agent:
    """Return the agent that a plist describes. `listen` is "" if no llama-swap is found in its command."""
    words = command(content)
    inner = unwrapped(words, environment(content))
    listen, tls = listen_of((inner or words)[1:])
    return Agent(label, str(plist), inner or words, listen if inner else "", tls, content)


def flag(arguments: Sequence[str], name: str) -> Optional[str]:
    """Return the value of a Go flag written as -x v, --x v, -x=v or --x=v. The last one wins."""
    found = None
    for index, word in enumerate(arguments):
        for dashed in (f"-{name}", f"--{name}"):
            if word == dashed and index + 1 < len(arguments):
                found = arguments[index + 1]
            elif word.startswith(f"{dashed}="):
                found = word[len(dashed) + 1 :]
    return found


def listen_of(arguments: Sequence[str]) -> Tuple[str, bool]:
    """Return the listen address of a llama-swap command, and whether it uses TLS."""
    tls = flag(arguments, "tls-cert-file") is not None
    return flag(arguments, "listen") or (DEFAULT_TLS_LISTEN if tls else DEFAULT_LISTEN), tls


def logs_of(content: Mapping[str, Any]) -> Tuple[Path, ...]:
    """Return the files that receive a plist's standard output and standard error, without duplicates."""
    paths = (content.get(key) for key in ("StandardOutPath", "StandardErrorPath"))
    return tuple(dict.fromkeys(Path(path) for path in paths if isinstance(path, str) and path not in ("", os.devnull)))


def command(content: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the words of a plist's command, or () if it has no valid one."""
    words, program = content.get("ProgramArguments"), content.get("Program")
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        return (program, *words[1:]) if isinstance(program, str) else tuple(words)
    return (program,) if isinstance(program, str) else ()


def read_plist(path: Path) -> Optional[Dict[str, Any]]:
    """Return a plist's dictionary; None if the file isn't a plist: a pipe, a folder, a damaged file."""
    return parse_plist(files.read(path, limit_bytes=PLIST_BYTES))


def parse_plist(data: Optional[bytes]) -> Optional[Dict[str, Any]]:
    """Return the dictionary in a plist's bytes; None if there is none."""
    import plistlib

    try:
        found = plistlib.loads(data) if data is not None else None
    except Exception:  # plistlib raises whatever its parser raises: expat, struct, ValueError, RecursionError
        return None
    return found if isinstance(found, dict) else None


def plists(folder: Path) -> Iterator[Path]:
    """Yield the property lists in a folder, sorted by name."""
    try:
        yield from sorted(path for path in folder.iterdir() if path.suffix == ".plist")
    except OSError:
        return
