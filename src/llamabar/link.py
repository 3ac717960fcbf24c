"""The threads of one server, and the calls that they make for the loop."""

from dataclasses import dataclass
from typing import Callable, FrozenSet, Optional

from llamabar.core import asks
from llamabar.core.asks import Answer
from llamabar.core.events import MemoryMeasured
from llamabar.core.search import Search
from llamabar.core.state import Snapshot, in_flight, loaded
from llamabar.sources import host
from llamabar.sources.asker import Asker
from llamabar.sources.client import Client
from llamabar.sources.inbox import Moved
from llamabar.sources.questions import answer
from llamabar.sources.stream import EventStream


@dataclass
class Link:
    """The threads of one server."""

    client: Client
    stream: EventStream
    asker: Asker
    slots_asker: Asker
    processes: Optional[host.Processes]
    found_for: object = None  # the loaded models and their ports when processes were last looked up
    measuring: bool = False
    gone_before: FrozenSet[str] = frozenset()
    refreshed_for: object = None  # what was loaded when the stream was last opened anew
    clients_s: float = 0.0  # when llama-swap's connections were last looked at
    search: Optional[Search] = None  # only of a server that was found by itself


def answer_of(link: Link, ask: asks.Ask) -> Answer:
    """Return the answer to a question; one that still waited when the stream ended is not sent.

    Nobody knows then who is there now, or whether a machine would be woken.
    """
    try:
        return answer(link.client, ask) if link.stream.is_open else Answer(ask, failed=True)
    except Exception:
        return Answer(ask, failed=True)


def find_processes(processes: host.Processes, snapshot: Snapshot) -> MemoryMeasured:
    """Return the processes of a server and their memory; nothing is known where that fails."""
    try:
        return processes.find(snapshot)
    except Exception:
        return MemoryMeasured(None, {})


def look_for(rediscover: Callable[[], "Optional[tuple[str, str]]"]) -> Moved:
    """Return where a server that was found by itself listens now."""
    try:
        return Moved(*(rediscover() or (None,)))
    except Exception:
        return Moved(None)


def needs_clients(snapshot: Snapshot) -> bool:
    """Tell whether only llama-swap's own connections can say that a model is at work."""
    untold = snapshot.connected and not snapshot.table_is_new and in_flight(snapshot) is None
    return untold and any(model.server_url is not None for model in loaded(snapshot))


def process_key(snapshot: Snapshot) -> object:
    """Return what the processes were looked up for: they are looked up anew when it changes."""
    return snapshot.connections, tuple((model.id, model.state, model.proxy) for model in loaded(snapshot))
