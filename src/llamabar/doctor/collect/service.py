"""The LaunchAgent of a server: what is on disk, what its program says of it, and what launchd says."""

import os
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from llamabar.core.address import WILDCARDS
from llamabar.doctor.checks import facts
from llamabar.doctor.checks.redact import Private, redacted_line
from llamabar.doctor.collect.agents import Watched
from llamabar.doctor.collect.computer import is_apple_silicon
from llamabar.doctor.collect.disk import free_bytes, is_quarantined, size_of
from llamabar.doctor.collect.gathering import Unknown, same
from llamabar.macos import files, launchctl, logs
from llamabar.macos.agents import Agent, flag
from llamabar.macos.binaries import check_config, describe
from llamabar.macos.launchctl import Trouble
from llamabar.macos.paths import OWN_LABEL, Places
from llamabar.sources.processes import runs_an_older_file, started_s

LOG_LINES = 50
_SECRET = re.compile(r"key|token|secret|passw", re.IGNORECASE)
_INTEL = b"\xcf\xfa\xed\xfe\x07\x00\x00\x01"  # a thin 64-bit Mach-O for x86_64
_PRIVATE_FOLDERS = ("Documents", "Desktop", "Downloads", "Library/Mobile Documents")


def on_disk(found: Watched, places: Places, private: Private) -> facts.Service:
    """Return the service as its plist, program, config and log show it."""
    agent, content = found.agent, found.agent.content
    program, log = agent.arguments[0], str(agent.log or "")
    config = flag(agent.arguments[1:], "config") or flag(agent.arguments[1:], "config-dir") or ""
    lines = tuple(redacted_line(line, private) for line in logs.tail(Path(log), LOG_LINES)) if log else ()
    return facts.Service(
        server=found.server.name,
        label=agent.label,
        ours=agent.label == OWN_LABEL,
        plist=str(agent.plist),
        plist_refused=_is_refused(agent.plist),
        plist_linked=agent.plist.is_symlink(),
        plist_quarantined=is_quarantined(agent.plist) or False,
        same_port=tuple((one.label, str(one.plist)) for one in found.others if _port(one) == _port(agent)),
        program=program,
        program_there=_can_start(program),
        program_quarantined=is_quarantined(Path(program)) or False,
        program_translated=_head(program) == _INTEL and is_apple_silicon(),
        config=config,
        config_there=os.path.exists(config) and os.access(config, os.R_OK),
        config_modified_s=_modified_s(config),
        watches_config=any(word.lstrip("-").startswith("watch-config") for word in agent.arguments),
        listens_everywhere=agent.listen.rpartition(":")[0].strip("[]") in WILDCARDS,
        has_path=bool(_mapping(content, "EnvironmentVariables").get("PATH")),
        process_type=str(content.get("ProcessType", "")),
        exit_timeout_s=_number(content.get("ExitTimeOut")),
        secrets=_secrets(agent),
        protected=_protected((config, log, str(content.get("WorkingDirectory", "")), program), places.home),
        log=log,
        log_bytes=size_of(Path(log)) if log else None,
        log_free_bytes=free_bytes(Path(log)) if log else None,
        log_trouble=_log_trouble(Path(log)) if log else "",
        log_lines=lines,
    )


def in_program(found: Watched, private: Private) -> Dict[str, Any]:
    """Return what the program says when it is started, as fields of the service; raise Unknown where there is none."""
    program = found.agent.arguments[0]
    if not _can_start(program):
        raise Unknown("its program is not there")
    said = describe(program)
    config = flag(found.agent.arguments[1:], "config") or ""
    if said.version is None:
        return {"program_trouble": redacted_line(said.trouble, private) or "It gives no reason."}
    if not os.path.isfile(config):
        return {}
    checked = check_config(program, Path(config))
    return {"config_good": checked.good, "config_words": redacted_line(checked.words, private)}


def in_launchd(found: Watched) -> Dict[str, Any]:
    """Return what launchd says of the service, as its fields; raise Unknown where it does not say."""
    try:
        job = launchctl.look(found.agent.label)
    except Trouble as trouble:
        raise Unknown(str(trouble)) from None
    off = launchctl.disabled()
    wanted = found.agent.content.get("ProgramArguments")
    return {
        **same(job, facts.Service),
        "disabled": None if off is None else job.label in off,
        "loaded_path": job.path,
        "same_command": not job.arguments or not isinstance(wanted, list) or tuple(wanted) == job.arguments,
        "pid": job.pid if job.running else None,
        "replaced": runs_an_older_file(job.pid, found.known.program),
        "started_s": started_s(job.pid),
    }


def _is_refused(plist: Path) -> bool:
    try:
        status = plist.stat()
    except OSError:
        return False
    return bool(status.st_mode & 0o022) or status.st_uid not in (os.getuid(), 0)


def _secrets(agent: Agent) -> Tuple[str, ...]:
    names: List[str] = [name for name in _mapping(agent.content, "EnvironmentVariables") if _SECRET.search(name)]
    options = [word.split("=")[0] for word in agent.arguments[1:] if word.startswith("-")]
    return tuple(names + [word for word in options if _SECRET.search(word) and "file" not in word])


def _protected(paths: Tuple[str, ...], home: Path) -> Tuple[str, ...]:
    folders = (*(f"{home / name}/" for name in _PRIVATE_FOLDERS), "/Volumes/")
    return tuple(path for path in paths if f"{path}/".startswith(folders))


def _log_trouble(path: Path) -> str:
    if not path.parent.is_dir():
        return f"{path.parent} doesn't exist"
    if path.is_dir():
        return f"{path} is a folder"
    return "" if os.access(path if path.exists() else path.parent, os.W_OK) else f"{path} can't be written"


def _modified_s(path: str) -> Optional[float]:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _port(agent: Agent) -> str:
    return agent.listen.rpartition(":")[2]


def _can_start(program: str) -> bool:
    return os.path.isfile(program) and os.access(program, os.X_OK)


def _head(path: str) -> bytes:
    return files.head(Path(path), len(_INTEL))


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> Optional[float]:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
