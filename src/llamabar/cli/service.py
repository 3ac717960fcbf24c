"""`start`, `stop`, `restart`, `logs` and `open`: the service of a server, its files and its pages."""

import os
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

from llamabar.app import services
from llamabar.cli.style import mark
from llamabar.core.state import in_flight
from llamabar.core.units import plural
from llamabar.errors import LlamabarError
from llamabar.macos import probe, tools
from llamabar.macos.logs import tail
from llamabar.macos.service_control import Outcome
from llamabar.settings.discover import client_of
from llamabar.settings.load import ServerSettings, Settings

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
    from llamabar.app.one_look import look

    snapshot = next(iter(look(settings, longest_s=LOOK_S).monitor.servers.values())).snapshot
    running = in_flight(snapshot)
    if running:
        print(f"{plural(running, 'request')} in flight will be lost.", flush=True)


def show_log(settings: Settings, *, follow: bool, upstream: bool) -> int:
    """Print the end of llama-swap's log, and with `follow` what comes; return the exit code."""
    server = settings.servers[0]
    path = None if upstream else services.log_of(server)
    lines = _served(server, follow=follow, upstream=upstream) if path is None else _filed(path, follow)
    for line in lines:
        print(line, flush=follow)
    return 0


def _filed(log: Path, follow: bool) -> Iterator[str]:
    yield from tail(log, LINES)
    if not follow:
        return
    with log.open("rb") as file:
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
    from llamabar.sources.client import Unreachable
    from llamabar.sources.logs import lines
    from llamabar.view.words import FAULTS

    client = client_of(server)
    try:
        yield from lines(client, "upstream" if upstream else "proxy", follow=follow)
    except Unreachable as error:
        said = f"llama-swap's log cannot be read: {FAULTS[error.fault.kind]}."
        raise LlamabarError(said, "Is it running? llamabar.pyz status") from None


def open_what(what: str, settings: Settings) -> int:
    """Open a page or a file in the program that macOS has for it; return the exit code."""
    server = settings.servers[0]
    target = f"{server.url}/ui/" if what == "ui" else str(services.path_of(what, server))
    reveal = ["-R"] if what == services.PLIST else []
    done = tools.run("open", *reveal, "--", target)
    if done.code != 0:
        raise LlamabarError(f"Could not open {target}: {done.words}.", "Open it by hand.")
    return 0
