"""What a Mac has, as values: launchd jobs, LaunchAgents, running llama-swaps, SwiftBar. `macos/` reads them."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Mapping, Optional, Tuple

from llamabar.core.address import of_listen
from llamabar.core.events import ServiceState
from llamabar.core.fields import whole

RELOAD_URL = "swiftbar://refreshplugin?name=llamabar"  # makes SwiftBar restart our plugin
OLDEST_STREAMING = (1, 4, 3)  # of SwiftBar
FIRST_WITH_CLICKS = (2, 1, 0)  # clicks come as lines on stdin
_ENDING = ("SIGTERMed", "SIGKILLed", "languishing", "exited")
_STARTING = ("spawn scheduled", "spawning", "xpcproxy")


@dataclass(frozen=True)
class Job:
    """A service as launchd reports it. `last_exit` is launchd's text about how the previous instance ended."""

    label: str
    loaded: bool = False
    state: str = ""
    job_state: str = ""
    pid: Optional[int] = None
    runs: Optional[int] = None
    last_exit: str = ""
    path: str = ""
    arguments: Tuple[str, ...] = ()
    outputs: Tuple[str, ...] = ()  # stdout path, stderr path
    exit_timeout_s: float = 5.0

    @property
    def ending(self) -> bool:
        """Tell whether its process was told to exit and hasn't yet."""
        return self.state in _ENDING

    @property
    def running(self) -> bool:
        """Tell whether it has a process that isn't exiting."""
        return self.pid is not None and not self.ending

    @property
    def signature_refused(self) -> bool:
        """Tell whether macOS rejected the program's code signature. Only bootout and bootstrap help then."""
        return "CODESIGNING" in self.last_exit

    @property
    def refused(self) -> bool:
        """Tell whether launchd couldn't even start its program."""
        return self.job_state == "spawn failed" or self.last_exit.startswith("78") or self.signature_refused

    @property
    def failed(self) -> bool:
        """Tell whether its last instance exited with a failure."""
        return self.last_exit not in ("", "0", "(never exited)", "Terminated: 15")

    @property
    def crashes(self) -> int:
        """Return how often it has crashed, going by launchd's count of runs; 0 while it runs."""
        return (self.runs or 1) if self.pid is None and (self.failed or self.refused) else 0

    @property
    def kind(self) -> ServiceState:
        """Return its state, derived from its process, `state =` and the exit line."""
        if not self.loaded:
            return ServiceState.NOT_LOADED
        if self.ending:
            return ServiceState.STOPPING
        if self.pid is not None:
            return ServiceState.RUNNING
        if self.failed or self.refused:
            return ServiceState.FAILING
        return ServiceState.STARTING if self.state in _STARTING else ServiceState.STOPPED


@dataclass(frozen=True)
class Agent:
    """One LaunchAgent of this user. `listen` is the listen address of its llama-swap, e.g. 127.0.0.1:8080."""

    label: str
    plist: str
    arguments: Tuple[str, ...]
    listen: str
    tls: bool
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Return the URL that reaches it from this computer; "" if the listen address doesn't say ($PORT, http-alt)."""
        return of_listen(self.listen, tls=self.tls) or ""


@dataclass(frozen=True)
class Running:
    """A running llama-swap of this user. `url` is its address according to its own arguments."""

    pid: int
    url: str
    program: str = ""


class Refusal(Enum):
    """What is wrong with a LaunchAgents folder: launchd ignores it, or it can't be written."""

    NOT_A_FOLDER = "not a folder"
    OF_ANOTHER = "of another user"
    READ_ONLY = "read only"
    OPEN = "open to others"


class Link(str, Enum):
    """What has our name in SwiftBar's plugin folder: nothing, a symlink to our program, or something else."""

    NONE = "none"
    OURS = "ours"
    OTHER = "other"


@dataclass(frozen=True)
class SwiftBar:
    """SwiftBar. `folder` is "" if none was ever chosen; `plugin` is our path in it, and `link` what is there."""

    installed: bool = False
    version: str = ""
    running: Optional[bool] = None
    folder: str = ""
    folder_trouble: str = ""
    plugin: str = ""
    link: Link = Link.NONE
    disabled: bool = False
    copies: Tuple[str, ...] = ()
    rust_plugins: Tuple[str, ...] = ()
    ignored: bool = False  # because of the folder's .swiftbarignore
    marked: Optional[bool] = None  # has our program the right attribute? None if that can't be read
    trouble: str = ""  # why SwiftBar's own settings can't be read

    @property
    def too_old(self) -> bool:
        """Tell whether this version may show incomplete frames."""
        numbers = version_numbers(self.version)
        return bool(numbers) and numbers < OLDEST_STREAMING

    @property
    def has_stdin(self) -> bool:
        """Tell whether clicks arrive as lines on stdin. An unknown version counts as one that sends them."""
        numbers = version_numbers(self.version)
        return not numbers or numbers >= FIRST_WITH_CLICKS


def version_numbers(version: str) -> Tuple[int, ...]:
    """Return the numbers in a version such as 2.1.0-beta, or () if it has none."""
    found = (whole(part) for part in version.split("-")[0].split("."))
    return tuple(number for number in found if number is not None)
