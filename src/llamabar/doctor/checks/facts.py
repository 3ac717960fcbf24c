"""What was found out about this computer, as values. None is "not known"; why it is not known is in `troubles`."""

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

from llamabar.core.events import FaultKind
from llamabar.macos import launchctl
from llamabar.macos.agents import Agent, Refusal, Running
from llamabar.macos.swiftbar import SwiftBar


@dataclass(frozen=True)
class Program:
    """This program: `file` is the one file, "" when it runs from its source; `installed` is SwiftBar's copy."""

    version: str = ""
    file: str = ""
    python: str = ""
    python_version: Tuple[int, int, int] = (0, 0, 0)
    installed: str = ""
    installed_there: bool = False
    installed_same: Optional[bool] = None
    installed_executable: bool = True
    installed_quarantined: Optional[bool] = None


@dataclass(frozen=True)
class Cache:
    """Where the one file has unpacked itself. `missing` names parts that are not there or of another size."""

    folder: str = ""
    missing: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Data:
    """The data folder. `unreadable` are its files that this user can't read; `foreign`: it belongs to another user."""

    folder: str = ""
    is_file: bool = False
    writable: bool = True
    foreign: bool = False
    unreadable: Tuple[str, ...] = ()
    manifest: str = ""
    manifest_readable: bool = True
    damaged_history: str = ""
    newer_history: str = ""  # one that a newer version wrote
    free_bytes: Optional[int] = None


@dataclass(frozen=True)
class Configured:
    """One server of the settings, without its key. `private`: an address of a home network."""

    name: str = ""
    url: str = ""
    url_from: str = ""
    local: bool = True
    private: bool = False
    has_key: bool = False
    key_from: str = ""
    key_file: str = ""
    key_file_open: bool = False
    ca_file: str = ""
    ca_file_there: bool = True


@dataclass(frozen=True)
class Settings:
    """The settings in force."""

    file: str = ""
    readable: bool = True
    mistakes: Tuple[str, ...] = ()  # of the file, then of the environment's variables, then about keys and logins
    variable_mistakes: Tuple[str, ...] = ()
    secret_mistakes: Tuple[str, ...] = ()
    keychain_silent: bool = False
    servers: Tuple[Configured, ...] = ()


@dataclass(frozen=True)
class Agents:
    """The LaunchAgents that run a llama-swap, and their folder."""

    folder: str = ""
    refusal: Optional[Refusal] = None
    found: Tuple[Agent, ...] = ()
    broken: Tuple[str, ...] = ()  # named like llama-swap's, and not a property list


@dataclass(frozen=True)
class Service:
    """The LaunchAgent of a server here, of the first that isn't running, as it is on disk."""

    server: str = ""
    label: str = ""
    ours: bool = False
    plist: str = ""
    plist_refused: bool = False  # by its owner or mode
    plist_linked: bool = False
    plist_quarantined: bool = False
    command: Tuple[str, ...] = ()
    same_port: Tuple[Tuple[str, str], ...] = ()  # label and plist of others
    program: str = ""
    program_there: bool = True
    program_quarantined: bool = False
    config: str = ""
    config_there: bool = True
    config_modified_s: Optional[float] = None
    watches_config: bool = False
    listens_everywhere: bool = False
    has_path: bool = True
    process_type: str = ""
    log: str = ""
    log_bytes: Optional[int] = None
    log_trouble: str = ""
    log_lines: Tuple[str, ...] = ()  # redacted


@dataclass(frozen=True)
class Binary:
    """What the service's program says when it is started: why it doesn't start, and what it thinks of its config."""

    trouble: str = ""
    config_good: Optional[bool] = None
    config_words: str = ""


@dataclass(frozen=True)
class Job(launchctl.Job):
    """The service as launchd runs it. `replaced`: its program's file is newer than its process."""

    disabled: Optional[bool] = None
    replaced: bool = False
    started_s: Optional[float] = None


@dataclass(frozen=True)
class Model:
    """One model, as llama-swap and its own server tell. `server_*` only of a ready one on this computer."""

    id: str = ""
    state: str = ""
    memory_bytes: Optional[int] = None
    server_url: str = ""
    server_answers: Optional[bool] = None
    slots_open: Optional[bool] = None


@dataclass(frozen=True)
class Server:
    """One server as it answers. `fault` is the kind of what is wrong, None when it is watched."""

    name: str = ""
    url: str = ""
    fault: Optional[FaultKind] = None
    fault_detail: str = ""
    wants_tls: bool = False
    key_wanted: Optional[bool] = None
    version: Optional[str] = None
    lists_requests: bool = False
    models: Tuple[Model, ...] = ()
    failures: Tuple[Tuple[str, str], ...] = ()  # model and reason of requests that failed


@dataclass(frozen=True)
class Process:
    """A process of this user."""

    pid: int = 0
    name: str = ""


@dataclass(frozen=True)
class Processes:
    """Who holds the port of the service (or first server); llama-swaps, and model servers left behind.

    `unreadable` names what could not be read of processes, and the kind of error.
    """

    url: str = ""  # of that port's server
    holder: Optional[Process] = None
    llama_swaps: Tuple[Running, ...] = ()
    orphans: Tuple[int, ...] = ()  # their process ids
    unreadable: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Computer:
    """This computer. `pressure` of memory: 1 normal, 2 warning, 4 critical."""

    macos: str = ""
    memory_total_bytes: Optional[int] = None
    memory_available_bytes: Optional[int] = None
    pressure: Optional[int] = None


@dataclass(frozen=True)
class Packages:
    """What installs things here: whether there is Homebrew, and which llama-swap is meant and where it came from."""

    homebrew: bool = False
    llama_swap: str = ""  # "" where none was found
    origin: str = ""  # homebrew, macports, nix, go, file


@dataclass(frozen=True)
class Watcher:
    """The running plugin, by the file that it keeps. `alive`: None where that can't be told."""

    there: bool = False
    pid: Optional[int] = None
    alive: Optional[bool] = False
    ended: bool = False
    version: str = ""
    age_s: Optional[float] = None
    frames: Optional[int] = None
    printed_bytes: Optional[int] = None
    reconnects: Optional[int] = None
    last_error: str = ""
    reachable: Optional[bool] = None


@dataclass(frozen=True)
class Facts:
    """Everything that findings are made from. `troubles` says for each fact that is not known why it is not."""

    command: str = "llamabar"
    home: str = ""
    uid: int = -1
    program: Program = Program()
    cache: Cache = Cache()
    data: Data = Data()
    settings: Settings = Settings()
    swiftbar: SwiftBar = SwiftBar()
    logged_in: Optional[bool] = None  # at the screen; None: launchd does not answer
    agents: Agents = Agents()
    service: Service = Service()
    binary: Binary = Binary()
    job: Job = Job("")
    servers: Tuple[Server, ...] = ()
    processes: Processes = Processes()
    computer: Computer = Computer()
    packages: Packages = Packages()
    watcher: Watcher = Watcher()
    troubles: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def trouble(self, name: str) -> str:
        """Return why a fact is not known, "" when it is."""
        return self.troubles.get(name, "")
