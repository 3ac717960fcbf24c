"""`start`, `stop`, `restart`, `logs` and `open`: the service of a server, its files and its pages."""

import os
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, Optional

from llamabar import services
from llamabar.cli.style import mark
from llamabar.config import ServerSettings, Settings, settings_path
from llamabar.core.state import in_flight
from llamabar.core.units import plural
from llamabar.errors import LlamabarError
from llamabar.services import Known
from llamabar_installer import probe, tools
from llamabar_installer.agents import find_agents, flag
from llamabar_installer.logs import tail
from llamabar_installer.service import Outcome

FOLLOW_EVERY_S = 0.25
LINES = 100
LOOK_S = 2.0
Doing = Callable[..., Outcome]


def control(doing: Doing, settings: Settings) -> int:
    """Start, stop or restart the service of the first server; return the exit code."""
    known = services.require(settings.servers[0])
    if doing is not services.start and probe.answers(known.url):
        _say_what_is_lost(settings)
    outcome = doing(known, say=lambda what: print(f"{what} …", flush=True))
    print(f"{mark('ok' if outcome.ok else 'error')} {outcome.said}.", file=sys.stdout if outcome.ok else sys.stderr)
    for line in outcome.log_lines:
        print(f"    {line}", file=sys.stderr)
    if outcome.hint and not outcome.ok:
        print(f"  {outcome.hint}", file=sys.stderr)
    return 0 if outcome.ok else 1


def _say_what_is_lost(settings: Settings) -> None:
    from llamabar.look import look

    snapshot = next(iter(look(settings, longest_s=LOOK_S).monitor.servers.values())).snapshot
    running = in_flight(snapshot)
    if running:
        print(f"{plural(running, 'request')} in flight will be lost.", flush=True)


def show_log(settings: Settings, *, follow: bool, upstream: bool) -> int:
    """Print the end of llama-swap's log, and with `follow` what comes; return the exit code."""
    server = settings.servers[0]
    known = services.find(server)
    lines = _served(server, follow=follow, upstream=upstream) if upstream or known is None else _filed(known, follow)
    for line in lines:
        print(line, flush=follow)
    return 0


def _filed(known: Known, follow: bool) -> Iterator[str]:
    if known.log is None or not known.log.is_file():
        raise LlamabarError(f"{known.label} has no log file.", "`llamabar.pyz logs --upstream` asks llama-swap itself.")
    yield from tail(known.log, LINES)
    if not follow:
        return
    with known.log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        while True:
            if os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)  # it was rotated
            piece = file.readline()
            if piece:
                yield piece.decode("utf-8", "replace").rstrip("\n")
            else:
                time.sleep(FOLLOW_EVERY_S)


def _served(server: ServerSettings, *, follow: bool, upstream: bool) -> Iterator[str]:
    """Yield llama-swap's own log; asking for it is a line in that log."""
    from llamabar.sources.client import Client, Unreachable
    from llamabar.sources.logs import lines
    from llamabar.view.words import FAULTS

    client = Client(server.url, api_key=server.api_key, ca_file=server.ca_file)
    try:
        yield from lines(client, "upstream" if upstream else "proxy", follow=follow)
    except Unreachable as error:
        said = f"llama-swap's log cannot be read: {FAULTS[error.fault.kind]}."
        raise LlamabarError(said, "Is it running? llamabar.pyz status") from None


def open_what(what: str, settings: Settings) -> int:
    """Open a page or a file in the program that macOS has for it; return the exit code."""
    target = _TARGETS[what](settings.servers[0])
    done = tools.run("open", *(["-R"] if what in ("plist",) else []), target)
    if done.code != 0:
        raise LlamabarError(f"Could not open {target}: {done.words}.", "Open it by hand.")
    return 0


def _ui(server: ServerSettings) -> str:
    return f"{server.url}/ui/"


def _config(server: ServerSettings) -> str:
    for agent in find_agents(Path(os.path.expanduser("~"))):
        known = services.find(server)
        path = flag(agent.arguments[1:], "config") if known is not None and agent.label == known.label else None
        if path:
            return path
    raise LlamabarError("It is not known which config llama-swap uses.", "It is what its --config names.")


def _log(server: ServerSettings) -> str:
    known = services.require(server)
    if known.log is None:
        raise LlamabarError(f"{known.label} writes no log file.", "Its web UI shows the log: llamabar.pyz open ui")
    return str(known.log)


def _plist(server: ServerSettings) -> str:
    return str(services.require(server).plist)


def _folder(_: ServerSettings) -> str:
    from llamabar_installer.places import data_folder

    folder = data_folder(os.environ)
    if not folder.is_dir():
        raise LlamabarError(f"There is no data folder yet ({folder}).", "llamabar.pyz install makes it.")
    return str(folder)


def settings_file() -> Optional[Path]:
    """Return the settings file, None if there is none yet."""
    path = settings_path(os.environ)
    return path if path.is_file() else None


_TARGETS = {"ui": _ui, "config": _config, "log": _log, "plist": _plist, "folder": _folder}
PLACES = tuple(_TARGETS)
