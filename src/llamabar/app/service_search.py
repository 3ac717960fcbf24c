"""Which LaunchAgent runs the llama-swap of a server.

In this order: the label in the settings; the agent whose llama-swap listens at the server's address, according to its
plist; the launchd job whose process, or a child of it, listens there. If several agents claim one address, the job that
listens wins. What can't be determined is unknown, never "there is none".
"""

import os
from pathlib import Path
from typing import Dict, NamedTuple, Optional

from llamabar.core.address import is_local, port_of
from llamabar.core.mac import Agent, Job
from llamabar.errors import LlamabarError
from llamabar.macos import agents, launchctl, probe
from llamabar.macos.agents import find_agents, flag
from llamabar.macos.launchctl import Trouble
from llamabar.macos.notes import Why, note
from llamabar.macos.paths import OWN_LABEL
from llamabar.settings.load import ServerSettings


class Missing(Why):
    """Why no service was found. Fields: url, label, pid."""

    # fmt: off
    REMOTE = False, "{url} is on another computer", "Start, stop and restart it there."
    NO_LAUNCHD = False, "There is no launchd here (launchctl wasn't found)", "Services need a Mac."
    NO_SUCH_LABEL = (
        False, 'No service has the label "{label}", which the settings name',
        "Correct `service =` there. The labels of this Mac: launchctl list")
    NOT_A_SERVICE = (  # a llama-swap listens there, and no launchd job started it
        False, "The llama-swap at {url} (pid {pid}) wasn't started by a LaunchAgent",
        "Quit it where it was started. For a service: {command} install")
    NONE = False, "No service found that runs llama-swap", "To create one: {command} install"
    UNKNOWN = (
        False, "Can't tell which service runs the llama-swap at {url}",
        'Name its LaunchAgent in the settings: service = "LABEL"')
    # fmt: on


class Known(NamedTuple):
    """A service and the address at which its llama-swap is watched."""

    agent: Agent
    url: str

    @property
    def label(self) -> str:
        """Return its label."""
        return self.agent.label

    @property
    def plist(self) -> Optional[Path]:
        """Return its plist, None if launchd got it from elsewhere."""
        return Path(self.agent.plist) if os.path.isabs(self.agent.plist) else None

    @property
    def program(self) -> str:
        """Return the program that it starts."""
        return self.agent.arguments[0] if self.agent.arguments else ""

    @property
    def config(self) -> Optional[Path]:
        """Return llama-swap's config file, from its command line."""
        named = flag(self.agent.arguments[1:], "config")
        return Path(os.path.expanduser(named)) if named else None


class Search(NamedTuple):
    """The service of a server, or why there is none. `pid` is the listener's, if it was looked up."""

    known: Optional[Known] = None
    missing: Missing = Missing.NONE
    pid: Optional[int] = None


def find(server: ServerSettings) -> Optional[Known]:
    """Return the service of a server on this computer, None if there is none or it is unknown."""
    return search(server).known


def search(server: ServerSettings) -> Search:
    """Return the service of a server, or why none was found. launchd is queried only if the plists aren't enough."""
    if not is_local(server.url):
        return Search(missing=Missing.REMOTE)
    home = Path(os.path.expanduser("~"))
    if server.service:
        return _named_service(home, server)
    found = [one for one in find_agents(home) if launchctl.LABEL.match(one.label)]
    same = [one for one in found if one.url and port_of(one.url) == port_of(server.url)]
    if len(same) == 1 and not _is_anothers(server, same[0].label):
        return Search(Known(same[0], server.url))
    by_launchd = _listening(server)
    ours = next((one for one in same if one.label == OWN_LABEL), None)
    unplaced = [one for one in found if not one.url]
    likely = ours or (same[0] if same else unplaced[0] if len(unplaced) == 1 else None)
    if by_launchd.known is not None or likely is None:
        return by_launchd
    return Search(Known(likely, server.url))


def _named_service(home: Path, server: ServerSettings) -> Search:
    agent = agents.labelled(home, server.service)
    if agent is not None:
        return Search(Known(agent, server.url))
    if not launchctl.available():
        return Search(missing=Missing.NO_LAUNCHD)
    if not launchctl.LABEL.match(server.service):
        return Search(missing=Missing.NO_SUCH_LABEL)
    try:
        job = launchctl.look(server.service)
    except Trouble:
        return Search(missing=Missing.UNKNOWN)
    return Search(Known(_agent_of(job), server.url)) if job.loaded else Search(missing=Missing.NO_SUCH_LABEL)


def _listening(server: ServerSettings) -> Search:
    """Return the job whose process, or a child of it, listens at a server's address."""
    from llamabar.sources.listening import LAUNCHD_PID, lineage

    if not launchctl.available():
        return Search(missing=Missing.NO_LAUNCHD)
    pids = lineage(server.url)
    if not pids:
        quiet = pids is not None and not probe.answers(server.url)  # another user's listener isn't visible
        return Search(missing=Missing.NONE if quiet else Missing.UNKNOWN)
    try:
        labels = launchctl.pids()
        label = next((labels[pid] for pid in pids if pid in labels and launchctl.LABEL.match(labels[pid])), None)
        job = launchctl.look(label) if label is not None else None
    except Trouble:
        return Search(missing=Missing.UNKNOWN, pid=pids[0])
    if job is not None and job.loaded and job.pid in pids:  # `list` may name a process that is gone
        return Search(Known(_agent_of(job), server.url), pid=pids[0])
    orphan = pids[1:] in ((), (LAUNCHD_PID,))  # a child of launchd, but not one of this user's jobs
    return Search(missing=Missing.UNKNOWN if orphan else Missing.NOT_A_SERVICE, pid=pids[0])


def _is_anothers(server: ServerSettings, label: str) -> bool:
    """Tell whether something listens at a server's address and launchd has no process for a label: then the agent's
    plist only claims the address, and the process that has it must be found."""
    try:
        return launchctl.available() and probe.listens(server.url) and label not in launchctl.pids().values()
    except Trouble:
        return False


def _agent_of(job: Job) -> Agent:
    """Return the agent of a job: from its plist if that can be read, else as launchd reports it."""
    content = agents.read_plist(Path(job.path)) if os.path.isabs(job.path) else None
    if content is not None:
        return agents.agent_of(job.label, Path(job.path), content)
    told: Dict[str, object] = dict(zip(("StandardOutPath", "StandardErrorPath"), job.outputs))
    return Agent(job.label, job.path, job.arguments, "", False, told)


def require(server: ServerSettings) -> Known:
    """Return the service of a server; raise LlamabarError with the reason if it has none."""
    found = search(server)
    if found.known is None:
        raise missing(server, found)
    if not launchctl.available():
        raise missing(server, Search(missing=Missing.NO_LAUNCHD))
    return found.known


def missing(server: ServerSettings, found: Search) -> LlamabarError:
    """Return why a server has no service, in words."""
    why = note(found.missing, url=server.url, label=server.service, pid=found.pid)
    return LlamabarError(f"{why.said}.", why.hint)
