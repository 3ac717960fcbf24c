"""Collects what is on this Mac, once and within time limits. Nothing is decided here."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, FrozenSet, Iterable, Mapping, Optional, Tuple

from llamabar.core.mac import Agent, Job, Running, SwiftBar
from llamabar.macos import agent_plist, files, launchctl, swiftbar
from llamabar.macos.agents import SYSTEM_AGENTS, find_agents, flag, folder_refusal, parse_plist
from llamabar.macos.binaries import Binary, ConfigCheck, check_config, find_binaries
from llamabar.macos.launchctl import Trouble
from llamabar.macos.paths import COMMAND, EXPORT_LABEL, OWN_LABEL, Places
from llamabar_installer import manifest
from llamabar_installer.manifest import Manifest
from llamabar_installer.notes import Note, Why, note

HOME_CONFIGS = (
    ".config/llama-swap/config.yaml", ".config/llama-swap/config.yml", ".config/llama-swap.yaml",
    ".llama-swap/config.yaml", "llama-swap/config.yaml", "llama-swap.yaml",
)  # fmt: skip
SYSTEM_CONFIGS = tuple(
    f"{prefix}/etc/{name}"
    for prefix in ("/opt/homebrew", "/usr/local", "/opt/local")
    for name in ("llama-swap/config.yaml", "llama-swap.yaml")
)


@dataclass(frozen=True)
class Watched:
    """The watched server. `named_by` is "" if it was discovered; `fixed`: set by something that overrides the file."""

    url: str = ""
    named_by: str = ""
    label: str = ""
    fixed: bool = False


@dataclass(frozen=True)
class Command:
    """Where the command will be linked. `reachable`: the folder is on PATH; `other`: a program with the same name."""

    folder: Optional[Path] = None
    reachable: bool = True
    other: Optional[Path] = None


@dataclass(frozen=True)
class Facts:
    """Everything that a plan is made from."""

    places: Places
    uid: int = -1
    launchd: bool = False
    gui: Optional[bool] = None
    disabled: FrozenSet[str] = frozenset()
    binaries: Tuple[Binary, ...] = ()
    configs: Tuple[Path, ...] = ()
    check: Callable[[str, Path], ConfigCheck] = check_config
    agents: Tuple[Agent, ...] = ()
    system_agents: Tuple[Agent, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    launchd_trouble: str = ""  # what launchctl printed
    processes: Tuple[Running, ...] = ()
    watched: Watched = Watched()
    plist: Optional[bytes] = None
    plist_trouble: Optional[Note] = None
    export_plist: Optional[bytes] = None
    export_url: str = ""  # where `llamabar export` listens
    manifest: Manifest = Manifest()
    settings: Optional[bytes] = None
    swiftbar: SwiftBar = SwiftBar()
    program: Optional[Path] = None  # the file that is being run
    command: Command = Command()
    program_digest: str = ""
    installed_digest: str = ""


def collect(
    environment: Mapping[str, str],
    places: Places,
    *,
    program: Optional[Path],
    processes: Iterable[Running],
    watched: Watched,
    known_to_launchd: Iterable[Agent] = (),
    export_url: str = "",
) -> Facts:
    """Return the facts. What hangs is left out after its timeout. `known_to_launchd`: agents that no file tells of."""
    agents = {agent.label: agent for agent in (*known_to_launchd, *find_agents(places.home))}
    with ThreadPoolExecutor(8) as pool:
        gui = pool.submit(launchctl.has_gui)
        disabled = pool.submit(launchctl.disabled)
        binaries = pool.submit(find_binaries, places.home, environment)
        bar = pool.submit(swiftbar.find_swiftbar, places)
        jobs = pool.submit(_jobs, {OWN_LABEL, EXPORT_LABEL, *agents})
    found_jobs, trouble = jobs.result()
    source = program if program is not None and os.path.isfile(program) else None
    return Facts(
        places,
        uid=os.geteuid(),
        launchd=launchctl.available(),
        gui=gui.result(),
        disabled=disabled.result() or frozenset(),
        binaries=binaries.result(),
        configs=_configs(environment, places.home, tuple(agents.values())),
        agents=tuple(agents.values()),
        system_agents=tuple(agent for folder in SYSTEM_AGENTS for agent in find_agents(folder, folder=folder)),
        jobs=found_jobs,
        launchd_trouble=trouble,
        processes=tuple(processes),
        watched=watched,
        plist=files.read(places.plist),
        plist_trouble=_plist_trouble(places),
        export_plist=files.read(places.export_plist),
        export_url=export_url,
        manifest=manifest.load(places.manifest),
        settings=files.read(places.settings),
        swiftbar=bar.result(),
        program=source,
        command=find_command(environment, places, source),
        program_digest=_digest(source),
        installed_digest=_digest(places.program),
    )


def find_command(environment: Mapping[str, str], places: Places, program: Optional[Path]) -> Command:
    """Return Homebrew's folder or ~/.local/bin: the first writable one on PATH, else the latter."""
    on_path = [Path(os.path.expanduser(name)) for name in environment.get("PATH", "").split(os.pathsep) if name]
    own = places.home / ".local" / "bin"
    ours = {os.path.realpath(one) for one in (places.program, program) if one is not None}
    there = [folder / COMMAND for folder in on_path if os.path.lexists(folder / COMMAND)]
    other = next((path for path in there if os.path.realpath(path) not in ours), None)
    usable = [one for one in on_path if (one == own or os.path.exists(one / "brew")) and _can_hold(one)]
    return Command(usable[0] if usable else own, bool(usable), other)


def _can_hold(folder: Path) -> bool:
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def own_service(facts: Facts) -> Optional[agent_plist.Service]:
    """Return what our LaunchAgent on disk starts; if it was deleted or damaged, what launchd has loaded."""
    job = facts.jobs.get(OWN_LABEL)
    loaded = {"ProgramArguments": list(job.arguments)} if job is not None else {}
    return agent_plist.service_of(parse_plist(facts.plist or b"") or loaded)


def has_server(settings: Optional[bytes]) -> bool:
    """Tell whether a settings file names a server, in any TOML notation."""
    return re.search(rb"^\s*(\[+\s*server\s*\]+|server\s*[=.])", settings or b"", re.MULTILINE) is not None


def _digest(path: Optional[Path]) -> str:
    content = files.read(path) if path is not None else None
    return files.digest(content) if content is not None else ""


def _jobs(labels: "set[str]") -> Tuple[Mapping[str, Job], str]:
    found: Dict[str, Job] = {}
    for label in sorted(label for label in labels if launchctl.LABEL.match(label)):
        try:
            found[label] = launchctl.look(label)
        except Trouble as error:
            return found, str(error)
    return found, ""


def _configs(environment: Mapping[str, str], home: Path, agents: Tuple[Agent, ...]) -> Tuple[Path, ...]:
    named = [environment.get("LLAMA_SWAP_CONFIG_FILE_PATH", "")]
    named += [flag(agent.arguments[1:], "config") or "" for agent in agents]
    usual = [str(home / name) for name in HOME_CONFIGS] + list(SYSTEM_CONFIGS)
    paths = [Path(os.path.expanduser(name)) for name in (*named, *usual) if name]
    return tuple(dict.fromkeys(path for path in paths if os.path.isfile(path)))


def _plist_trouble(places: Places) -> Optional[Note]:
    path, folder = places.plist, places.agents
    if os.path.islink(path) or (os.path.exists(path) and not os.path.isfile(path)):
        return note(Why.PLIST_NOT_A_FILE, path=path)
    if os.path.exists(path) and not os.access(path, os.R_OK):
        return note(Why.PLIST_UNREADABLE, path=path)
    refusal = folder_refusal(folder)
    return note(Why[f"AGENTS_{refusal.name}"], path=folder) if refusal is not None else None
