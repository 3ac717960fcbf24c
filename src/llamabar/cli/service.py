"""`start`, `stop`, `restart`, `logs` and `open`: a server's service, its files and its pages."""

import time
from pathlib import Path
from typing import Iterator, Sequence

from llamabar.app import services
from llamabar.app.service_search import require
from llamabar.app.services import Verb
from llamabar.cli.output import log_line, say, say_json, say_log
from llamabar.cli.program import diagnose, settings_of
from llamabar.cli.progress import Progress
from llamabar.core.address import MODELS_PAGE
from llamabar.core.state import in_flight
from llamabar.core.units import plural
from llamabar.errors import LlamabarError
from llamabar.macos import probe, tools
from llamabar.macos.logs import Follower, merged_tail
from llamabar.macos.notes import Note
from llamabar.settings.discover import client_of
from llamabar.settings.load import ServerSettings, Settings

DOING = {Verb.START: "Starting llama-swap", Verb.STOP: "Stopping llama-swap", Verb.RESTART: "Restarting llama-swap"}
FOLLOW_EVERY_S = 0.25
LINES = 100
LOOK_S = 2.0


def control(verb: str, as_json: bool, limit_s: float, server: str, config: str) -> int:
    """Start, stop or restart the service of the first server; return the exit code."""
    act, settings = Verb(verb), settings_of(server, config)
    watched, known = settings.servers[0], None
    if act is not Verb.START and not as_json and probe.answers(watched.url):
        known = require(watched)  # without a service nothing is interrupted
        _say_what_is_lost(settings)
    with Progress(DOING[act]) as progress:
        tell = progress.say if progress.shown else lambda what: say(f"{what} …")
        outcome = services.act(act, watched, say=(lambda _: None) if as_json else tell, limit_s=limit_s, known=known)
    if as_json:
        result = {"result": outcome.why.code, "label": outcome.fields["label"], "said": outcome.said}
        say_json({**result, "hint": outcome.hint, "log_lines": list(outcome.lines)})
    else:
        _print(outcome)
    return 0 if outcome.ok else 1


def _print(outcome: Note) -> None:
    said = (f"{outcome.said}.", *(f"    {log_line(line, colour=False)}" for line in outcome.lines))
    hint = [f"  {outcome.hint}"] if outcome.hint else []
    say(*said, *hint, level="ok" if outcome.ok else "error", error=not outcome.ok)


def _say_what_is_lost(settings: Settings) -> None:
    from llamabar.app.one_look import look

    snapshot = next(iter(look(settings, longest_s=LOOK_S).monitor.servers.values())).snapshot
    running = in_flight(snapshot)
    if running:
        say(f"This interrupts {plural(running, 'request')}.")


def logs(follow: bool, upstream: bool, server: str, config: str) -> int:
    """Print the end of llama-swap's log, and with `follow` what is added to it; return the exit code."""
    watched = settings_of(server, config).servers[0]
    paths = () if upstream else services.logs_for(watched)
    lines = _filed(paths, follow) if paths else _served(watched, follow=follow, upstream=upstream)
    client = client_of(watched)
    for line in lines:
        say_log(client.hidden(line), flush=follow)
    return 0


def _filed(paths: Sequence[Path], follow: bool) -> Iterator[str]:
    follower = Follower(paths) if follow else None
    yield from merged_tail(paths, LINES)
    while follower is not None:
        fresh = list(follower.lines())
        yield from fresh
        if not fresh:
            time.sleep(FOLLOW_EVERY_S)


def _served(server: ServerSettings, *, follow: bool, upstream: bool) -> Iterator[str]:
    """Yield llama-swap's own log. The request for it adds a line to that log."""
    from llamabar.sources.client import Unreachable
    from llamabar.sources.logs import lines
    from llamabar.view.words import FAULTS

    client = client_of(server)
    try:
        yield from lines(client, "upstream" if upstream else "proxy", follow=follow)
    except Unreachable as error:
        said = f"Can't read llama-swap's log: {FAULTS[error.fault.kind]}."
        raise LlamabarError(said, diagnose()) from None


def open_what(what: str, server: str, config: str) -> int:
    """Open a page, a file or a folder as the menu does; return the exit code."""
    watched = settings_of(server, config).servers[0]
    target = f"{watched.url}{MODELS_PAGE}" if what == "ui" else str(services.path_of(what, watched))
    done = tools.run("open", *services.OPENED.get(what, ()), "--", target)
    if done.code != 0:
        raise LlamabarError(f"Couldn't open {target}: {done.words}.", "Open it yourself.")
    return 0
