"""`history`: what was answered by day and model, as the watchers have written it down. Nothing is asked of a server."""

import csv
import io
import json
import os
import re
from datetime import date
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from llamabar.cli import preview
from llamabar.cli.program import OK
from llamabar.core import units
from llamabar.core.ledger import Account, Line, Sums, lines, total
from llamabar.errors import LlamabarError
from llamabar.kept_history import NAME, Kept, NewerVersion, parse
from llamabar.sources import clock
from llamabar.view import history_page
from llamabar.view.text import name
from llamabar_installer import files
from llamabar_installer.places import data_folder

JSON_VERSION = 1
DAY_S = 86_400.0
AGO = re.compile(r"(\d{1,4})d\Z")
NONE_YET = "There is no history yet: the plugin and `watch` write it while they run."
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
        raise LlamabarError(f"{path} is not understood.", "The next start of the plugin sets it aside.") from None


def since(said: str) -> Optional[str]:
    """Return the first day that is meant by `today`, `7d` or a date; None for what is no such thing."""
    ago = AGO.match("1d" if said == "today" else said)
    if ago:
        return clock.local_day(clock.unix_s() - (int(ago[1]) - 1) * DAY_S)
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        return None


def wanted(kept: Optional[Kept], *, first_day: str, server: str) -> List[Line]:
    """Return the lines from a day on, of one server or of all."""
    accounts: Mapping[str, Account] = kept.accounts if kept is not None else {}
    return [line for line in lines(accounts, since=first_day) if server in ("", line.server)]


def table(found: Sequence[Line]) -> List[str]:
    """Return the lines as a table with a head, each day's sum below it where it has several models."""
    several = len({line.server for line in found}) > 1
    rows: List[Tuple[str, ...]] = [HEAD]
    for day in dict.fromkeys(line.day for line in found):
        models = [line for line in found if line.day == day]
        for number, line in enumerate(models):
            label = f"{name(line.server)}/{name(line.model)}" if several else name(line.model)
            rows.append((day if not number else "", label, *_cells(line.sums, complete=line.complete)))
        if len(models) > 1:
            whole = all(line.complete for line in models)
            rows.append(("", "all models", *_cells(total([line.sums for line in models]), complete=whole)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) if column < 2 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths))).rstrip()
        for row in rows
    ]  # fmt: skip


def document(found: Sequence[Line], kept: Optional[Kept]) -> Dict[str, Any]:
    """Return the JSON document; `written_unix_s` is when it was written down, null if it never was."""
    days = [dict(zip(FIELDS, _values(line))) for line in found]
    return {"llamabar_json": JSON_VERSION, "written_unix_s": kept.read_unix_s if kept else None, "days": days}


def as_csv(found: Sequence[Line]) -> str:
    """Return the lines as CSV with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(_values(line) for line in found)
    return text.getvalue()


def as_of(kept: Kept) -> str:
    """Return how old what is written down is."""
    return f"As written down {units.duration(max(0.0, clock.unix_s() - kept.read_unix_s))} ago."


def _values(line: Line) -> List[Any]:
    sums, tps = line.sums, line.sums.generation_tps
    return [
        line.day, line.server, line.model, sums.requests, sums.prompt_tokens, sums.generated_tokens,
        None if tps is None else round(tps, 2), line.complete,
    ]  # fmt: skip


def _cells(sums: Sums, *, complete: bool) -> List[str]:
    requests = units.count(sums.requests)
    return [
        requests if complete else f">= {requests}", units.count(sums.prompt_tokens),
        units.count(sums.generated_tokens), units.rate(sums.generation_tps),
    ]  # fmt: skip


def show(first_day: str, server: str, kind: str, file: str) -> int:
    """Print the history, or write it as a page; return the exit code."""
    target = preview.target(file, example="history --html history.html") if file else None
    kept = read(os.environ)
    found = wanted(kept, first_day=first_day, server=server)
    if kind == "json":
        print(json.dumps(document(found, kept), indent=2))
    elif kind == "csv":
        print(as_csv(found), end="")
    elif kept is None:
        print(NONE_YET)
    elif target is not None:
        preview.put(target, history_page.page(found, heading="llamabar: history", note=as_of(kept)))
        print(f"Wrote {target}. Open it in a browser.")
    elif found:
        print("\n".join((*table(found), "", as_of(kept))))
    else:
        print(f"Nothing was answered{f' since {first_day}' if first_day else ''}. {as_of(kept)}")
    return OK
