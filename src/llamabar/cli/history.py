"""`history`: what was answered by day, model, hour or client, as the watchers recorded it. No server is queried."""

import csv
import io
import json
import os
import re
import shutil
import sqlite3
import sys
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import click

from llamabar.cli import preview
from llamabar.cli.output import say, say_json, say_whole, table
from llamabar.cli.program import INTERRUPTED, OK, diagnose, settings_of
from llamabar.cli.which_model import called, likely
from llamabar.core import units
from llamabar.core.totals import FIRST_TOKEN, GENERATION, LOAD, PROMPT, WAITED, Line, Sums, total
from llamabar.errors import LlamabarError
from llamabar.macos.paths import HISTORY_FILE, data_folder
from llamabar.settings import load
from llamabar.settings.options import RUST_PORT, RUST_URL, URL
from llamabar.sources import clock
from llamabar.store import database as db
from llamabar.store import json_history, reports, schema
from llamabar.store.places import place_of
from llamabar.store.reports import Asked
from llamabar.view import history_page
from llamabar.view.history_page import client_of, figures, labels
from llamabar.view.text import name, plain
from llamabar.view.words import ago, changed

AGO = re.compile(r"([1-9][0-9]{0,3})d\Z")
KEPT = "Nothing was deleted."
NONE_YET = "No history yet. It builds up while the plugin or `watch` runs; the demo keeps none."
CLEAR = "Delete every request, every day's totals, the charts and the measured loads of all servers?"
SET_ASIDE = "The plugin will set it aside within a day. To do it now: llamabar doctor"
LOCKED = "database is locked"  # SQLite's words; Python has the error's code only from 3.11 on
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # the last four: the same in full width, which Japanese Excel accepts
HEAD = ("MODEL", "REQUESTS", "FAILED", "PROMPT", "CACHED", "GENERATED", "TOK/S", "P95", "FIRST", "WAITED")
HOURS_DAYS = 2  # days shown by hour by default
LEFT_FREE = 4  # lines of the screen
PERCENTILES = {f"{figure}_{word}": (figure, share) for figure in (GENERATION, PROMPT, FIRST_TOKEN, WAITED, LOAD)
               for word, share in (("typical", 0.5), ("p95", 0.95))}  # fmt: skip


def history(
    since: str, by: str, model: str, as_csv: bool, as_json: bool, file: str, everything: bool, clear: bool, server: str,
    config: str,
) -> int:  # fmt: skip
    """Print the history, write it as a page, or delete it; return the exit code."""
    first_day = _first_day(since) if since else ""
    if first_day is None:
        raise click.UsageError(f"{since!r} isn't a day. Use a date like 2026-11-01, 7d or today.")
    if as_csv + as_json + bool(file) + clear > 1:
        raise click.UsageError("Use only one of --csv, --json, --html and --clear.")
    if file and by != "day":
        raise click.UsageError("--html is always by day. Use --by with a table, --csv or --json.")
    if clear and (since or model or server):
        raise click.UsageError("--clear deletes everything. It can't be limited to a day, a model or a server.")
    if clear:
        return _clear()
    target = preview.target(file, example="history --html history.html") if file else None
    path = data_folder(os.environ) / HISTORY_FILE
    with _explained(path), closing(_opened(path)) as database:
        named, place = _server(server, reports.names(database), config)
        model, guess = _meant(model, reports.models(database)) if model else ("", "")
        start = clock.day_ago(HOURS_DAYS - 1) if by == "hour" and not first_day else first_day
        shown = None if as_json or as_csv else history_page.SPREADS
        asked = Asked(named, model, start, place, shown)
        lines = reports.lines(database, by, asked)
        more = {f"by_{by}": reports.lines(database, by, asked) for by in ("model", "client")} if file else {}
        empty = reports.is_empty(database)
    written_unix_s = _written_unix_s(path)
    if as_json:
        say_json({"written_unix_s": written_unix_s, f"{by}s": [_fields(line, by) for line in lines]})
        return OK
    if by == "client":
        lines = [line._replace(when=client_of(line)) for line in lines]
    if as_csv:
        say_whole(_csv(lines, by))
    else:
        updated = f"Updated {ago(max(0.0, clock.unix_s() - (written_unix_s or 0.0)))}."
        none = _none(start, some=bool(server or model))
        note = NONE_YET if empty else updated if lines else f"{none}{guess} {updated}"
        if target is not None:
            preview.put(target, history_page.page(lines, heading="llamabar: history", note=note, **more))
            say(f"Wrote {target}. Open it in a browser.", level="ok")
            return OK
        say(*([*_fitting(_table(lines, by), everything=everything), ""] if lines else []), note)
    return OK


def _first_day(said: str) -> Optional[str]:
    """Return the first day meant by `today`, `7d` or a date; None for anything else."""
    days = AGO.match("1d" if said == "today" else said)
    try:
        return clock.day_ago(int(days[1]) - 1) if days else date.fromisoformat(said).isoformat()
    except (ValueError, OverflowError):
        return None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        with schema.understood():
            yield
    except schema.Unusable as error:
        if error.trouble is schema.Trouble.NEWER:
            raise LlamabarError(f"{path} was written by a newer llamabar.", "Use that version.") from None
        raise LlamabarError(f"{path} is damaged.", SET_ASIDE) from None
    except (OSError, sqlite3.Error) as error:
        if LOCKED in str(error):
            raise LlamabarError(f"{path} is locked by another program.", "Quit that program, then retry.") from None
        raise LlamabarError(f"{path} can't be used.", diagnose()) from None


def _opened(path: Path) -> sqlite3.Connection:
    """Return the history, an empty one if there is none. An earlier version's JSON history is migrated."""
    older = path.parent / json_history.NAME
    if not os.path.lexists(path) and os.path.isfile(older) and os.access(path.parent, os.W_OK):
        schema.opened(path, lambda database: json_history.take_over(database, older)).close()
    found = schema.opened_to_read(path)
    if found is None:
        found = sqlite3.connect(":memory:", isolation_level=None)
        schema.migrate(found)
    return found


def _written_unix_s(path: Path) -> Optional[float]:
    """Return when the history was last written, None if there is none; SQLite makes an empty -wal for a reader."""
    stored = [os.stat(one) for one in (path, f"{path}-wal") if os.path.exists(one)]
    return max((one.st_mtime for one in stored if one.st_size), default=None)


def _clear() -> int:
    path = data_folder(os.environ) / HISTORY_FILE
    with _explained(path):
        _opened(path).close()
        if not os.path.lexists(path):
            say(NONE_YET)
            return OK
        try:
            if not click.confirm(CLEAR):
                say(KEPT)
                return OK
        except click.Abort:  # Ctrl-C, or there is no input
            say("", KEPT, error=True)
            return INTERRUPTED
        with closing(schema.opened(path)) as writable:
            db.clear(writable)
    say("The history is empty.")
    return OK


def _server(server: str, known: Sequence[str], config: str) -> Tuple[str, str]:
    """Return a server's name in the history or its place, "" for all; raise LlamabarError for an unknown name.

    The settings, and discovery with them, are used only for a name that isn't in the history: that has the earlier name
    until its next request.
    """
    if server in ("", *known):
        return server, "" if server else _place(config)
    found = load.select(settings_of("", config, allow_unusable=True), server).servers[0]
    return (found.name, "") if found.name in known else ("", place_of(found.url))


def _meant(wanted: str, known: Sequence[str]) -> Tuple[str, str]:
    """Return the model that is meant; if there is none, the same name and what was probably meant."""
    found = called(wanted, [(one, (one,)) for one in known])
    return (found[0], "") if found else (wanted, likely(wanted, [(one,) for one in known]))


def _place(config: str) -> str:
    """Return the place of the one address set in the environment; "" if none is set, which means all servers."""
    if not any(os.environ.get(variable, "").strip() for variable in (URL, RUST_URL, RUST_PORT)):
        return ""
    return place_of(settings_of("", config, allow_unusable=True).servers[0].url)


def _none(first_day: str, *, some: bool) -> str:
    return f"No {'matching ' if some else ''}requests{f' since {first_day}' if first_day else ''}."


def _table(lines: Sequence[Line], by: str) -> List[str]:
    """Return the lines as a table with a header. A day or hour with several models gets a total below them."""
    label = labels(lines)
    rows: List[Tuple[str, ...]] = [(by.upper() if by != "model" else "", *HEAD)]
    for when in dict.fromkeys(line.when for line in lines):
        models = [line for line in lines if line.when == when]
        for number, line in enumerate(models):
            said = f" ({changed(line.change)})" if line.change is not None else ""
            rows.append((name(when) if when and not number else "", label(line) + said, *_figures([line])))
        if len(models) > 1:
            rows.append(("", "all models", *_figures(models)))
    return table(rows, right=len(HEAD) - 1)


def _figures(lines: Sequence[Line]) -> Tuple[str, ...]:
    return figures(total(line.sums for line in lines), complete=all(line.complete for line in lines), short=True)


def _fitting(rows: Sequence[str], *, everything: bool) -> List[str]:
    """Return the header and as many of the newest rows as fit on the screen."""
    room = shutil.get_terminal_size().lines - LEFT_FREE
    if everything or not sys.stdout.isatty() or len(rows) <= room:
        return list(rows)
    left_out = len(rows) - max(2, room - 1)
    return [rows[0], f"… {units.plural(left_out, 'earlier line')}: --all", *rows[left_out + 1 :]]


def _fields(line: Line, by: str) -> Dict[str, Any]:
    """Return a line's figures by name; None means unknown."""
    sums, when = line.sums, {} if by == "model" else {by: line.when or None}
    prompt_tokens, generated_tokens = sums.tokens
    found: Dict[str, Any] = {
        **when, "server": line.server, "model": line.model, "requests": sums.requests,
        "prompt_tokens": prompt_tokens, "generated_tokens": generated_tokens,
        "generation_tps": sums.generation_tps, "complete": line.complete, "failures": sums.failures,
        "cached_share": sums.cached_share, "draft_acceptance": sums.draft_acceptance,
        "waited_s": sums.waited_s if sums.spread(WAITED).counts else None, "prompt_s": sums.prompt_s or None,
        "generation_s": sums.generation_s or None,
        **{name: sums.percentile(*which) for name, which in PERCENTILES.items()},
    }  # fmt: skip
    if by == "model":
        found["change"] = line.change
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in found.items()}


def _csv(lines: Sequence[Line], by: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_fields(Line("", "", "", Sums()), by))
    writer.writerows([_cell(value) for value in _fields(line, by).values()] for line in lines)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell that can neither drive a terminal nor be a spreadsheet formula. Booleans are as in JSON."""
    if isinstance(value, bool):
        return json.dumps(value)
    cell = plain(value) if isinstance(value, str) else value
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in FORMULA else cell
