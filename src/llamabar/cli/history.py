"""`history`: what was answered by day and model, as the watchers have written it down. Nothing is asked of a server."""

import csv
import io
import json
import os
import re
from datetime import date, timedelta
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from llamabar.cli import preview
from llamabar.cli.output import JSON_VERSION
from llamabar.cli.program import OK
from llamabar.core.ledger import Line, lines, total
from llamabar.errors import LlamabarError
from llamabar.macos import files
from llamabar.macos.paths import data_folder
from llamabar.settings import load
from llamabar.settings.load import Settings
from llamabar.sources import clock
from llamabar.store.history_file import NAME, Kept, NewerVersion, parse
from llamabar.view import history_page
from llamabar.view.history_page import figures, labels
from llamabar.view.text import plain
from llamabar.view.words import ago

AGO = re.compile(r"([1-9]\d{0,3})d\Z")
NONE_YET = "There is no history yet: the plugin and `watch` write it while they run; the demo keeps none."
FORMULA = ("=", "+", "-", "@")
HEAD = ("DAY", "MODEL", "REQUESTS", "PROMPT TOKENS", "GENERATED TOKENS", "TOK/S")
FIELDS = ("day", "server", "model", "requests", "prompt_tokens", "generated_tokens", "generation_tps", "complete")


def read(environment: Mapping[str, str]) -> Optional[Kept]:
    """Return what is kept, None if nothing is yet; raise LlamabarError where it cannot be read or understood."""
    path = data_folder(environment) / NAME
    content = files.read(path)
    if content is None:
        if os.path.lexists(path):
            raise LlamabarError(f"{path} cannot be read.", "Find out why: llamabar.pyz doctor")
        return None
    try:
        return parse(content)
    except NewerVersion:
        raise LlamabarError(f"{path} was written by a newer llamabar.", "Use that one.") from None
    except ValueError:
        raise LlamabarError(f"{path} is not understood.", "The plugin sets it aside when it next writes.") from None


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


def wanted(kept: Optional[Kept], *, first_day: str, server: str) -> List[Line]:
    """Return the lines from a day on, of one server or of all."""
    accounts = tuple(kept.accounts.values()) if kept is not None else ()
    return [line for line in lines(accounts, since=first_day) if server in ("", line.server)]


def named(server: str, kept: Optional[Kept], settings: Callable[[], Settings]) -> str:
    """Return the name that a server has in the history, "" for all; raise LlamabarError for one that nobody knows.

    The settings are looked at, and what they take to be found, only for a name that the history does not know.
    """
    known = [account.name for account in kept.accounts.values()] if kept is not None else []
    return server if server in ("", *known) else load.select(settings(), server).servers[0].name


def table(found: Sequence[Line]) -> List[str]:
    """Return the lines as a table with a head, each day's sum below it where it has several models."""
    label = labels(found)
    rows: List[Tuple[str, ...]] = [HEAD]
    for day in dict.fromkeys(line.day for line in found):
        models = [line for line in found if line.day == day]
        for number, line in enumerate(models):
            rows.append((day if not number else "", label(line), *figures(line.sums, complete=line.complete)))
        if len(models) > 1:
            whole = all(line.complete for line in models)
            rows.append(("", "all models", *figures(total([line.sums for line in models]), complete=whole)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) if column < 2 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths))).rstrip()
        for row in rows
    ]  # fmt: skip


def document(found: Sequence[Line], kept: Optional[Kept]) -> Dict[str, Any]:
    """Return the JSON document; `written_unix_s` is when it was written down, null if it never was."""
    days = [dict(zip(FIELDS, _values(line))) for line in found]
    return {"llamabar_json": JSON_VERSION, "written_unix_s": kept.written_unix_s if kept else None, "days": days}


def as_csv(found: Sequence[Line]) -> str:
    """Return the lines as CSV with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows([_harmless(value) for value in _values(line)] for line in found)
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """Return a cell that neither drives a terminal nor is a formula to a spreadsheet."""
    if not isinstance(value, str):
        return value
    shown = plain(value)
    return f"'{shown}" if shown[:1] in FORMULA else shown


def as_of(kept: Kept) -> str:
    """Return how old what is written down is."""
    return f"As written down {ago(max(0.0, clock.unix_s() - kept.written_unix_s))}."


def _values(line: Line) -> List[Any]:
    sums, tps = line.sums, line.sums.generation_tps
    return [
        line.day, line.server, line.model, sums.requests, sums.prompt_tokens, sums.generated_tokens,
        None if tps is None else round(tps, 2), line.complete,
    ]  # fmt: skip


def show(first_day: str, server: str, kind: str, file: str, settings: Callable[[], Settings]) -> int:
    """Print the history, or write it as a page; return the exit code."""
    target = preview.target(file, example="history --html history.html") if file else None
    kept = read(os.environ)
    found = wanted(kept, first_day=first_day, server=named(server, kept, settings))
    note = NONE_YET if kept is None else as_of(kept)
    if kind == "json":
        print(json.dumps(document(found, kept), indent=2))
    elif kind == "csv":
        print(as_csv(found), end="")
    elif target is not None:
        preview.put(target, history_page.page(found, heading="llamabar: history", note=note))
        print(f"Wrote {target}. Open it in a browser.")
    elif found:
        print("\n".join((*table(found), "", note)))
    else:
        print(note if kept is None else f"Nothing was answered{f' since {first_day}' if first_day else ''}. {note}")
    return OK
