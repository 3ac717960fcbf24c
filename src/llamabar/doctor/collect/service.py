"""The LaunchAgents that run a llama-swap, and the one to check: on disk, by its program, and in launchd."""

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Tuple

from llamabar.app.service_search import Known, find
from llamabar.core.address import WILDCARDS, is_local
from llamabar.core.mac import Agent
from llamabar.doctor.checks import facts
from llamabar.doctor.checks.redact import Private, redacted_line
from llamabar.doctor.collect.disk import size_of
from llamabar.doctor.collect.gathering import Unknown
from llamabar.macos import agents, launchctl, logs, tools
from llamabar.macos.agents import find_agents, flag
from llamabar.macos.binaries import check_config, describe
from llamabar.macos.launchctl import Trouble
from llamabar.macos.paths import OWN_LABEL, Places
from llamabar.settings.load import ServerSettings
from llamabar.sources.processes import runs_an_older_file, started_s

LOG_LINES = 50
LAUNCHD_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_NAMED = re.compile(r"llama-?swap|llamabar", re.IGNORECASE)


class Watched(NamedTuple):
    """The agent of a server, and the other agents."""

    server: ServerSettings
    known: Known
    agent: Agent
    others: Tuple[Agent, ...]


def all_agents(places: Places) -> facts.Agents:
    """Return this user's agents that run a llama-swap, and the state of their folder."""
    named = [path for path in agents.plists(places.agents) if _NAMED.search(path.name)]
    return facts.Agents(
        folder=str(places.agents),
        refusal=agents.folder_refusal(places.agents),
        found=tuple(find_agents(places.home)),
        broken=tuple(str(path) for path in named if agents.read_plist(path) is None),
    )


def watched(servers: Sequence[ServerSettings], found: facts.Agents) -> Watched:
    """Return the agent of one of these servers: the first that launchd isn't running, else the first.

    Raise Unknown if none of them has one.
    """
    here = [server for server in servers if is_local(server.url)]
    if not here:
        raise Unknown("the server is on another computer")
    each = [one for one in (_watched(server, found.found) for server in here) if one is not None]
    if not each:
        raise Unknown("no LaunchAgent of yours starts this llama-swap")
    return next((one for one in each if len(each) > 1 and not _is_running(one)), each[0])


def on_disk(found: Watched, private: Private) -> facts.Service:
    """Return the service according to its plist, program, config and log."""
    agent, content = found.agent, found.agent.content
    program, log = agent.arguments[0], str(next(iter(agents.logs_of(content)), ""))
    config = flag(agent.arguments[1:], "config") or flag(agent.arguments[1:], "config-dir") or ""
    port, is_read = agent.listen.rpartition(":")[2], bool(agents.command(content))  # else launchd told what it runs
    return facts.Service(
        server=found.server.name,
        label=agent.label,
        ours=agent.label == OWN_LABEL,
        plist=agent.plist,
        plist_there=not os.path.isabs(agent.plist) or os.path.lexists(agent.plist),  # or "(submitted by …)"
        plist_refused=agents.is_refused(Path(agent.plist)),
        plist_linked=os.path.islink(agent.plist),
        plist_quarantined=tools.is_quarantined(Path(agent.plist)) or False,
        command=agents.command(content),
        same_port=tuple((o.label, o.plist) for o in found.others if o.listen.rpartition(":")[2] == port),
        program=program,
        program_there=_is_there(agent),
        program_quarantined=tools.is_quarantined(Path(program)) or False,
        config=config,
        config_there=os.path.exists(config) and os.access(config, os.R_OK),
        config_modified_s=os.stat(config).st_mtime if os.path.exists(config) else None,
        watches_config=any(word.lstrip("-").startswith("watch-config") for word in agent.arguments),
        listens_everywhere=is_read and agent.listen.rpartition(":")[0].strip("[]") in WILDCARDS,
        has_path=not is_read or bool(agents.environment(content).get("PATH")),
        process_type=str(content.get("ProcessType", "" if is_read else "Interactive")),
        log=log,
        log_bytes=size_of(Path(log)) if log else None,
        log_trouble=_log_trouble(Path(log)) if log else "",
        log_lines=tuple(redacted_line(line, private) for line in logs.tail(Path(log), LOG_LINES)) if log else (),
    )


def in_program(found: Watched, private: Private) -> facts.Binary:
    """Return what the service's program reports when it is run; raise Unknown if it isn't there."""
    program = found.agent.arguments[0]
    if not _is_there(found.agent):
        raise Unknown("its program is not there")
    said = describe(program)
    config = flag(found.agent.arguments[1:], "config") or ""
    if said.version is None:
        return facts.Binary(redacted_line(said.trouble, private) or "It gives no reason.")
    if not os.path.isfile(config):
        return facts.Binary()
    checked = check_config(program, Path(config))
    return facts.Binary("", checked.good, redacted_line(checked.words, private))


def in_launchd(found: Watched) -> facts.Job:
    """Return what launchd reports of the service; raise Unknown if it doesn't answer."""
    try:
        job = launchctl.look(found.agent.label)
    except Trouble as trouble:
        raise Unknown(str(trouble)) from None
    off = launchctl.disabled()
    return facts.Job(
        **vars(job),
        disabled=None if off is None else job.label in off,
        replaced=runs_an_older_file(job.pid, found.known.program),
        started_s=started_s(job.pid),
    )


def _watched(server: ServerSettings, found: Sequence[Agent]) -> Optional[Watched]:
    known = find(server)
    if known is None:
        return None
    agent = next((one for one in found if one.label == known.label), known.agent)
    return Watched(server, known, agent, tuple(one for one in found if one is not agent))


def _is_running(found: Watched) -> bool:
    try:
        return launchctl.look(found.agent.label).running
    except Trouble:
        return True  # unknown is no reason to prefer it


def _log_trouble(path: Path) -> str:
    if not os.path.isdir(path.parent):
        return f"{path.parent} doesn't exist"
    if os.path.isdir(path):
        return f"{path} is a folder"
    return "" if os.access(path if os.path.exists(path) else path.parent, os.W_OK) else f"{path} can't be written"


def _is_there(agent: Agent) -> bool:
    """Tell whether an agent's program is there: launchd looks for one without a folder only in the system's folders;
    where else a script looks isn't known, so this program's PATH has to do."""
    by_launchd = agents.command(agent.content)[:1] == agent.arguments[:1]
    return shutil.which(agent.arguments[0], path=LAUNCHD_PATH if by_launchd else None) is not None
