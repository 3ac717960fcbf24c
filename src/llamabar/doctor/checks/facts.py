"""The facts about this computer, as values. None means unknown; `troubles` says why."""

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

from llamabar.core import mac
from llamabar.core.events import FaultKind
from llamabar.core.mac import Agent, Refusal, Running, SwiftBar


@dataclass(frozen=True)
class Program:
    """This program. `file` is the one file, "" when run from source; `installed` is SwiftBar's copy."""

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
    """The folder the one file unpacked itself to. `missing` lists parts that are absent or of the wrong size."""

    folder: str = ""
    missing: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Data:
    """The data folder. `unreadable`: its files that this user can't read; `foreign`: it or one of them is another's."""

    folder: str = ""
    writable: bool = True
    foreign: bool = False
    unreadable: Tuple[str, ...] = ()
    damaged_history: str = ""
    newer_history: str = ""  # written by a newer version
    free_bytes: Optional[int] = None


@dataclass(frozen=True)
class Configured:
    """One server in the settings, without its key. `private`: its address is on a home network."""

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
    """The effective settings."""

    file: str = ""
    readable: bool = True
    valid: bool = True  # TOML
    mistakes: Tuple[str, ...] = ()  # in the file; then in environment variables; then in keys and logins
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
    broken: Tuple[str, ...] = ()  # named like llama-swap's, but not property lists


@dataclass(frozen=True)
class Service:
    """A local server's LaunchAgent as it is on disk, preferably one that isn't running."""

    server: str = ""
    label: str = ""
    ours: bool = False
    plist: str = ""
    plist_there: bool = True
    plist_refused: bool = False  # because of its owner or mode
    plist_linked: bool = False
    plist_quarantined: bool = False
    command: Tuple[str, ...] = ()
    same_port: Tuple[Tuple[str, str], ...] = ()  # label and plist of other agents
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
    """What the service's program reports when it is run: why it doesn't start, and whether it accepts the config."""

    trouble: str = ""
    config_good: Optional[bool] = None
    config_words: str = ""


@dataclass(frozen=True)
class Job(mac.Job):
    """The service as launchd runs it. `replaced`: its program's file is newer than its process."""

    disabled: Optional[bool] = None
    replaced: bool = False
    started_s: Optional[float] = None


@dataclass(frozen=True)
class Model:
    """One model, as llama-swap reports it. `server_*` come from its own server, if it is ready and local."""

    id: str = ""
    state: str = ""
    memory_bytes: Optional[int] = None
    server_url: str = ""
    server_answers: Optional[bool] = None
    slots_open: Optional[bool] = None
    unlisted: bool = False


@dataclass(frozen=True)
class Server:
    """One server's answers. `fault` is what is wrong, None if it can be watched; `why` says it within a sentence."""

    name: str = ""
    url: str = ""
    fault: Optional[FaultKind] = None
    why: str = "responding"
    fault_detail: str = ""
    wants_tls: bool = False
    key_wanted: Optional[bool] = None
    version: Optional[str] = None
    lists_requests: bool = False
    models: Tuple[Model, ...] = ()
    failures: Tuple[Tuple[str, str], ...] = ()  # failed requests: model and reason


@dataclass(frozen=True)
class Process:
    """A process of this user."""

    pid: int = 0
    name: str = ""


@dataclass(frozen=True)
class Processes:
    """The process on the port of the service, or of the first server; llama-swaps; model servers left behind.

    `unreadable` names the process figures that couldn't be read, each with the kind of error.
    """

    url: str = ""  # of that port's server
    holder: Optional[Process] = None
    llama_swaps: Tuple[Running, ...] = ()
    orphans: Tuple[int, ...] = ()  # pids
    unreadable: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Computer:
    """This computer. `pressure` is memory pressure: 1 normal, 2 warning, 4 critical.

    `exempt`: macOS lets this command reach the local network, as every one in Apple's Terminal or over ssh (TN3179).
    """

    macos: str = ""
    exempt: bool = False
    memory_total_bytes: Optional[int] = None
    memory_available_bytes: Optional[int] = None
    pressure: Optional[int] = None


@dataclass(frozen=True)
class Packages:
    """Whether Homebrew is installed, and the llama-swap in use with its origin."""

    homebrew: bool = False
    llama_swap: str = ""  # "" if none was found
    origin: str = ""  # homebrew, macports, nix, go, file


@dataclass(frozen=True)
class Watcher:
    """The running plugin, from its state file. `alive` is None if that can't be told."""

    there: bool = False
    pid: Optional[int] = None
    alive: Optional[bool] = False
    ended: bool = False
    version: str = ""
    age_s: Optional[float] = None
    frames: Optional[int] = None
    printed_bytes: Optional[int] = None
    reconnects: Optional[int] = None
    last_error: str = ""  # in words
    last_fault: Optional[FaultKind] = None
    reachable: Optional[bool] = None


@dataclass(frozen=True)
class Facts:
    """Everything that findings are made from. `troubles` says for each unknown fact why it is unknown."""

    command: str = "llamabar"
    home: str = ""
    uid: int = -1
    program: Program = Program()
    cache: Cache = Cache()
    data: Data = Data()
    settings: Settings = Settings()
    swiftbar: SwiftBar = SwiftBar()
    logged_in: Optional[bool] = None  # at the screen; None if launchd doesn't answer
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
        """Return why a fact is unknown; "" if it is known."""
        return self.troubles.get(name, "")
