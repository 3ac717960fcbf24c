"""`history`: what was answered by day, model or hour, as the watchers wrote it down. Nothing is asked of a server."""

import csv
import io
import json
import os
import re
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from llamabar.cli import preview
from llamabar.cli.output import say, say_json, say_whole
from llamabar.cli.program import OK
from llamabar.core import units
from llamabar.core.totals import FIRST_TOKEN, GENERATION, LOAD, PROMPT, WAITED, Line, total
from llamabar.errors import LlamabarError
from llamabar.macos.paths import HISTORY_FILE, data_folder
from llamabar.settings import load
from llamabar.settings.load import Settings
from llamabar.sources import clock
from llamabar.store import database as db
from llamabar.store import json_history, reports, schema
from llamabar.store.reports import Asked
from llamabar.view import history_page
from llamabar.view.history_page import figures, labels
from llamabar.view.text import plain
from llamabar.view.words import ago, changed

AGO = re.compile(r"([1-9][0-9]{0,3})d\Z")
NONE_YET = "There is no history yet: the plugin and `watch` write it while they run; the demo keeps none."
FORMULA = ("=", "+", "-", "@")
HEAD = ("MODEL", "REQUESTS", "FAILED", "PROMPT", "CACHED", "GENERATED", "TOK/S", "P95", "FIRST", "WAITED")
HOURS_DAYS = 2  # that are shown by hour unless others are wanted
LEFT_FREE = 4  # lines of a screen
PERCENTILES = {
    "generation_tps_typical": (GENERATION, 0.5), "generation_tps_p95": (GENERATION, 0.95),
    "prompt_tps_typical": (PROMPT, 0.5), "prompt_tps_p95": (PROMPT, 0.95),
    "first_token_s_typical": (FIRST_TOKEN, 0.5), "first_token_s_p95": (FIRST_TOKEN, 0.95),
    "waited_s_typical": (WAITED, 0.5), "waited_s_p95": (WAITED, 0.95),
    "load_s_typical": (LOAD, 0.5), "load_s_p95": (LOAD, 0.95),
}  # fmt: skip


class Wanted(NamedTuple):
    """What is to be shown: `by` is day, model or hour, `kind` csv, json or a table, `file` where a page goes."""

    asked: Asked
    by: str = "day"
    kind: str = ""
    file: str = ""
    everything: bool = False


def since(said: str) -> Optional[str]:
    """Return the first day that is meant by `today`, `7d` or a date; None for what is no such thing."""
    days = AGO.match("1d" if said == "today" else said)
    try:
        if days:
            today = date.fromisoformat(clock.local_day(clock.unix_s()))
            return (today - timedelta(days=int(days[1]) - 1)).isoformat()
        return date.fromisoformat(said).isoformat()
    except (ValueError, OverflowError):
        return None


def opened(path: Path) -> Optional[sqlite3.Connection]:
    """Return the history, None if there is none yet; raise LlamabarError where it cannot be read or understood."""
    older = path.parent / json_history.NAME
    try:
        if not os.path.lexists(path) and older.is_file() and os.access(path.parent, os.W_OK):
            schema.opened(path, lambda database: json_history.take_over(database, older)).close()
        return schema.opened_to_read(path)
    except schema.NewerVersion:
        raise LlamabarError(f"{path} was written by a newer llamabar.", "Use that one.") from None
    except schema.Damaged:
        raise LlamabarError(f"{path} is not understood.", "The plugin sets it aside when it next writes.") from None
    except (OSError, sqlite3.Error):
        raise LlamabarError(f"{path} cannot be read.", "Find out why: llamabar.pyz doctor") from None


def show(wanted: Wanted, settings: Callable[[], Settings]) -> int:
    """Print the history, or write it as a page; return the exit code."""
    path = data_folder(os.environ) / HISTORY_FILE
    target = preview.target(wanted.file, example="history --html history.html") if wanted.file else None
    database = opened(path)
    if database is None:
        _named(wanted.asked.server, [], settings)
        _say(wanted, [], None, target)
        return OK
    with closing(database), schema.understood():
        server = _named(wanted.asked.server, reports.names(database), settings)
        asked = wanted.asked._replace(server=server)
        if wanted.by == "hour" and not asked.since:
            asked = asked._replace(since=since(f"{HOURS_DAYS}d") or "")
        lines = reports.BY[wanted.by](database, asked)
    written = [os.stat(one).st_mtime for one in (path, f"{path}-wal") if os.path.exists(one)]
    _say(wanted, lines, max(written, default=None), target)
    return OK


def clear(confirm: Callable[[str], bool]) -> int:
    """Delete the history, if that is meant; return the exit code."""
    path = data_folder(os.environ) / HISTORY_FILE
    database = opened(path)
    if database is None:
        say(NONE_YET)
        return OK
    database.close()
    if confirm("Delete every request, every day's totals and the charts of all servers?"):
        try:
            with closing(schema.opened(path, lambda _: None)) as database:
                db.clear(database)
        except (OSError, sqlite3.Error):
            raise LlamabarError(f"{path} cannot be written.", "Find out why: llamabar.pyz doctor") from None
        say("The history is empty.")
    return OK


def _named(server: str, known: Sequence[str], settings: Callable[[], Settings]) -> str:
    """Return the name that a server has in the history, "" for all; raise LlamabarError for one that nobody knows.

    The settings are looked at, and what they take to be found, only for a name that the history does not know.
    """
    return server if server in ("", *known) else load.select(settings(), server).servers[0].name


def _say(wanted: Wanted, lines: Sequence[Line], written_unix_s: Optional[float], target: Optional[Path]) -> None:
    note = NONE_YET if written_unix_s is None else f"As written down {ago(max(0.0, clock.unix_s() - written_unix_s))}."
    if wanted.kind == "json":
        found = {f"{wanted.by}s": [fields(line, wanted.by) for line in lines]}
        say_json({"written_unix_s": written_unix_s, **found})
    elif wanted.kind == "csv":
        say_whole(as_csv(lines, wanted.by))
    elif target is not None:
        preview.put(target, history_page.page(lines, heading="llamabar: history", note=note))
        say(f"Wrote {target}. Open it in a browser.")
    elif lines:
        say(*_fitting(table(lines, wanted.by), everything=wanted.everything), "", note)
    else:
        day = wanted.asked.since
        say(note if written_unix_s is None else f"Nothing was answered{f' since {day}' if day else ''}. {note}")


def table(lines: Sequence[Line], by: str) -> List[str]:
    """Return the lines as a table with a head, each day's or hour's sum below it where it has several models."""
    label = labels(lines)
    rows: List[Tuple[str, ...]] = [(by.upper() if by != "model" else "", *HEAD)]
    for when in dict.fromkeys(line.when for line in lines):
        models = [line for line in lines if line.when == when]
        for number, line in enumerate(models):
            said = f" ({changed(line.change)})" if line.change is not None else ""
            cells = figures(line.sums, complete=line.complete, short=True)
            rows.append((when if not number else "", label(line) + said, *cells))
        if len(models) > 1:
            complete = all(line.complete for line in models)
            rows.append(("", "all models", *figures(total([line.sums for line in models]), complete=complete,
                                                    short=True)))  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) if column < 2 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths)) if width).rstrip()
        for row in rows
    ]  # fmt: skip


def _fitting(rows: Sequence[str], *, everything: bool) -> List[str]:
    """Return the head and the newest rows, as many as a screen has room for."""
    room = shutil.get_terminal_size().lines - LEFT_FREE
    if everything or not sys.stdout.isatty() or len(rows) <= room:
        return list(rows)
    left_out = len(rows) - max(2, room - 1)
    return [rows[0], f"… {units.plural(left_out, 'earlier line')}: --all", *rows[left_out + 1 :]]


def fields(line: Line, by: str) -> Dict[str, Any]:
    """Return a line's figures by name; null is not known."""
    sums = line.sums
    found: Dict[str, Any] = {} if by == "model" else {by: line.when}
    found.update(
        server=line.server, model=line.model, requests=sums.requests, prompt_tokens=sums.prompt_tokens,
        generated_tokens=sums.generated_tokens, generation_tps=_rounded(sums.generation_tps), complete=line.complete,
        failures=sums.failures, cached_share=_rounded(sums.cached_share),
        draft_acceptance=_rounded(sums.draft_acceptance), waited_s=_rounded(sums.waited_s),
        prompt_s=_rounded(sums.prompt_s), generation_s=_rounded(sums.generation_s),
    )  # fmt: skip
    found.update({name: _rounded(sums.percentile(*which)) for name, which in PERCENTILES.items()})
    return {**found, "change": _rounded(line.change)} if by == "model" else found


def _rounded(value: Optional[float]) -> Optional[float]:
    return None if value is None else round(value, 3)


def as_csv(lines: Sequence[Line], by: str) -> str:
    """Return the lines as CSV with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields(Line("", "", "", total([])), by))
    writer.writerows([_cell(value) for value in fields(line, by).values()] for line in lines)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell that neither drives a terminal nor is a formula to a spreadsheet; yes and no as in JSON."""
    if isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, str):
        return value
    shown = plain(value)
    return f"'{shown}" if shown[:1] in FORMULA else shown
