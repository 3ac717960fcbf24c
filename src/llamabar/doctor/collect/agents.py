"""The LaunchAgents of this user that run a llama-swap, and which of them is the one to judge."""

import os
import re
from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Tuple

from llamabar.app.service_search import Known, find
from llamabar.core.address import is_local
from llamabar.doctor.checks import facts
from llamabar.doctor.collect.gathering import Unknown
from llamabar.macos import agent_plist, files, launchctl
from llamabar.macos.agents import SYSTEM_AGENTS, Agent, find_agents
from llamabar.macos.launchctl import Trouble
from llamabar.macos.paths import Places
from llamabar.settings.load import ServerSettings

_NAMED = re.compile(r"llama-?swap|llamabar", re.IGNORECASE)


class FoundAgents(NamedTuple):
    """The agents, and what is said of their folder."""

    facts: facts.Agents
    agents: Tuple[Agent, ...]


class Watched(NamedTuple):
    """The agent of a server, and the other agents there are."""

    server: ServerSettings
    known: Known
    agent: Agent
    others: Tuple[Agent, ...]


def agents(found: Places, *, shared: Tuple[Path, ...] = SYSTEM_AGENTS) -> FoundAgents:
    """Return the agents of this user that run a llama-swap, how their folder is, and those in the shared folders."""
    mine = tuple(find_agents(found.home))
    said = facts.Agents(
        folder=str(found.agents),
        folder_trouble=_folder_trouble(found.agents),
        labels=tuple(agent.label for agent in mine),
        broken=_broken(found.agents),
        system=tuple(str(one.plist) for folder in shared for one in find_agents(folder, folder=folder)),
    )
    return FoundAgents(said, mine)


def watched(servers: Sequence[ServerSettings], found: FoundAgents) -> Watched:
    """Return the agent of one of these servers: the first that launchd does not run, else the first of all.

    Raise Unknown where no server has one.
    """
    here = [server for server in servers if is_local(server.url)]
    if not here:
        raise Unknown("the server is on another computer")
    each = [one for one in (_watched(server, found) for server in here) if one is not None]
    if not each:
        raise Unknown("no LaunchAgent of yours starts this llama-swap")
    return next((one for one in each if len(each) > 1 and not _is_running(one)), each[0])


def _watched(server: ServerSettings, found: FoundAgents) -> Optional[Watched]:
    known = find(server)
    if known is None:
        return None
    agent = next((one for one in found.agents if one.label == known.label), known.agent)
    return Watched(server, known, agent, tuple(one for one in found.agents if one is not agent))


def _is_running(found: Watched) -> bool:
    try:
        return launchctl.look(found.agent.label).running
    except Trouble:
        return True  # nobody can tell, so it is no reason to prefer it


def _folder_trouble(folder: Path) -> str:
    if not folder.exists():
        return ""
    if not folder.is_dir():
        return "not_a_folder"
    status = folder.stat()
    if status.st_uid != os.getuid():
        return "foreign"
    return "writable" if status.st_mode & 0o022 else ""


def _broken(folder: Path) -> Tuple[str, ...]:
    try:
        named = sorted(path for path in folder.iterdir() if path.suffix == ".plist" and _NAMED.search(path.name))
    except OSError:
        return ()
    return tuple(str(path) for path in named if agent_plist.parse(files.read(path)) is None)
