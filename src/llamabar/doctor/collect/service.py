"""The LaunchAgent of a server: what is on disk, what its program says of it, and what launchd says."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from llamabar.core.address import WILDCARDS
from llamabar.doctor.checks import facts
from llamabar.doctor.checks.redact import Private, redacted_line
from llamabar.doctor.collect.agents import Watched
from llamabar.doctor.collect.computer import is_apple_silicon
from llamabar.doctor.collect.disk import free_bytes
from llamabar.doctor.collect.gathering import Unknown
from llamabar.macos import agent_plist, files, launchctl, logs, swiftbar, tools
from llamabar.macos.agents import Agent, flag
from llamabar.macos.binaries import check_config, describe
from llamabar.macos.launchctl import Job, Trouble
from llamabar.macos.paths import OWN_LABEL, Places
from llamabar.sources.processes import runs_an_older_file

LOG_LINES = 50
_SECRET = re.compile(r"key|token|secret|passw", re.IGNORECASE)
_INTEL = (b"\xcf\xfa\xed\xfe\x07\x00\x00\x01",)  # a thin 64-bit Mach-O for x86_64
_PRIVATE_FOLDERS = ("Documents", "Desktop", "Downloads", "Library/Mobile Documents")


@dataclass(frozen=True)
class Asked:
    """What a service's program says of itself and of its config."""

    version: Optional[str]
    trouble: str
    quarantined: bool
    config_good: Optional[bool] = None
    config_words: str = ""


@dataclass(frozen=True)
class Loaded:
    """What launchd says of a service, and of its process."""

    job: Job
    disabled: Optional[bool]
    replaced: bool
    started_s: Optional[float]


def on_disk(found: Watched, places: Places, private: Private) -> facts.Service:
    """Return the service as its plist, program, config and log show it."""
    agent, content = found.agent, found.agent.content
    program, log = agent.arguments[0], str(agent.log or "")
    config = flag(agent.arguments[1:], "config") or flag(agent.arguments[1:], "config-dir") or ""
    lines = tuple(redacted_line(line, private) for line in logs.tail(Path(log), LOG_LINES)) if log else ()
    return facts.Service(
        found.server.name, agent.label, agent.label == OWN_LABEL, str(agent.plist),
        _is_refused(agent.plist), agent.plist.is_symlink(), _is_quarantined(agent.plist),
        tuple((one.label, str(one.plist)) for one in found.others if _port(one) == _port(agent)),
        program,
        program_there=_can_start(program),
        program_translated=_head(program) in _INTEL and is_apple_silicon(),
        config=config,
        config_there=os.access(config, os.R_OK) and os.path.exists(config),
        config_modified_s=_modified_s(config),
        watches_config=any(word.lstrip("-").startswith("watch-config") for word in agent.arguments),
        listens_everywhere=agent.listen.rpartition(":")[0].strip("[]") in WILDCARDS,
        has_path=bool(_mapping(content, "EnvironmentVariables").get("PATH")),
        process_type=str(content.get("ProcessType", "")),
        exit_timeout_s=_number(content.get("ExitTimeOut")),
        files_limit=int(_number(_mapping(content, "SoftResourceLimits").get("NumberOfFiles")) or 0) or None,
        run_at_load=bool(content.get("RunAtLoad")) or bool(content.get("KeepAlive")),
        secrets=_secrets(agent),
        protected=_protected((config, log, str(content.get("WorkingDirectory", "")), program), places.home),
        log=log, log_bytes=_bytes(log), log_free_bytes=free_bytes(Path(log)) if log else None,
        log_trouble=_log_trouble(log), log_lines=lines,
        log_denied=any("operation not permitted" in line.lower() for line in lines),
    )  # fmt: skip


def asked(found: Watched, private: Private) -> Asked:
    """Return what the program says when it is started; raise Unknown where there is none."""
    program = found.agent.arguments[0]
    if not _can_start(program):
        raise Unknown("its program is not there")
    said = describe(program)
    trouble = "" if said.version else redacted_line(said.trouble, private) or "it does not say why"
    config = flag(found.agent.arguments[1:], "config") or ""
    if said.version is None or not os.path.isfile(config):
        return Asked(said.version, trouble, said.quarantined)
    checked = check_config(program, Path(config))
    return Asked(said.version, trouble, said.quarantined, checked.good, redacted_line(checked.words, private))


def with_answer(service: facts.Service, said: Asked) -> facts.Service:
    """Return the service with what its program says."""
    return replace(
        service, program_trouble=said.trouble, program_quarantined=said.quarantined,
        config_good=said.config_good, config_words=said.config_words,
    )  # fmt: skip


def in_launchd(found: Watched) -> Loaded:
    """Return what launchd says of the service; raise Unknown where it does not say."""
    try:
        job = launchctl.look(found.agent.label)
    except Trouble as trouble:
        raise Unknown(str(trouble)) from None
    off = launchctl.disabled()
    started_s = _started_s(job.pid)
    replaced = runs_an_older_file(job.pid, found.known.program)
    return Loaded(job, None if off is None else job.label in off, replaced, started_s)


def with_job(service: facts.Service, found: Loaded) -> facts.Service:
    """Return the service with what launchd says of it."""
    job = found.job
    words = agent_plist.parse(files.read(Path(service.plist))) or {}
    wanted = words.get("ProgramArguments")
    same = not job.arguments or not isinstance(wanted, list) or tuple(wanted) == job.arguments
    return replace(
        service,
        disabled=found.disabled,
        loaded=job.loaded,
        loaded_path=job.path,
        same_command=same,
        state=job.state,
        pid=job.pid if job.running else None,
        ending=job.ending,
        runs=job.runs,
        last_exit=job.last_exit,
        failed=job.failed,
        refused=job.refused,
        replaced=found.replaced,
        started_s=found.started_s,
    )


def _is_refused(plist: Path) -> bool:
    try:
        status = plist.stat()
    except OSError:
        return False
    return bool(status.st_mode & 0o022) or status.st_uid not in (os.getuid(), 0)


def _is_quarantined(path: Path) -> bool:
    return tools.run("xattr", "-p", swiftbar.QUARANTINE, str(path)).code == 0


def _secrets(agent: Agent) -> Tuple[str, ...]:
    names: List[str] = [name for name in _mapping(agent.content, "EnvironmentVariables") if _SECRET.search(name)]
    options = [word.split("=")[0] for word in agent.arguments[1:] if word.startswith("-")]
    return tuple(names + [word for word in options if _SECRET.search(word) and "file" not in word])


def _protected(paths: Tuple[str, ...], home: Path) -> Tuple[str, ...]:
    folders = [f"{home / name}/" for name in _PRIVATE_FOLDERS] + ["/Volumes/"]
    return tuple(path for path in paths if any(f"{path}/".startswith(folder) for folder in folders))


def _log_trouble(log: str) -> str:
    path = Path(log)
    if not log:
        return ""
    if not path.parent.is_dir():
        return f"{path.parent} is not there"
    if path.is_dir():
        return f"{path} is a folder"
    return "" if os.access(path if path.exists() else path.parent, os.W_OK) else f"{path} cannot be written"


def _started_s(pid: Optional[int]) -> Optional[float]:
    try:
        import psutil
    except ImportError:
        return None
    try:
        return psutil.Process(pid).create_time() if pid is not None else None
    except (psutil.Error, OSError):
        return None


def _modified_s(path: str) -> Optional[float]:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _bytes(path: str) -> Optional[int]:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _port(agent: Agent) -> str:
    return agent.listen.rpartition(":")[2]


def _can_start(program: str) -> bool:
    return os.path.isfile(program) and os.access(program, os.X_OK)


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(8)
    except OSError:
        return b""


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> Optional[float]:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
