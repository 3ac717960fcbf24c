"""The history of earlier versions, day sums in a JSON file: taken over into a new database, and kept beside it."""

import json
import math
import sqlite3
from pathlib import Path
from typing import Any, Optional

from llamabar.core.history import Chart, Readings
from llamabar.core.totals import MOST, Sums
from llamabar.macos import files
from llamabar.store.database import Mark, put_charts, put_server, put_sums, word_of

NAME, VERSION = "history.json", 1
LARGEST_BYTES = 20_000_000
NOT_UNDERSTOOD = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)


def take_over(database: sqlite3.Connection, path: Path) -> None:
    """Put what the file says into a database, all of it or nothing; a file that is not understood says nothing."""
    try:
        said = json.loads(b"" if path.is_symlink() else files.read(path, limit_bytes=LARGEST_BYTES) or b"")
        if said["llamabar_history"] != VERSION:
            return
    except NOT_UNDERSTOOD:
        return
    database.execute("SAVEPOINT taken")
    try:
        for place, server in said["servers"].items():
            _take_server(database, str(place), server)
        for place, chart in said["charts"].items():
            readings = tuple(Readings(*map(_number, one)) for one in chart["readings"])
            bucket_s, read_unix_s = (_number(chart[name]) or 1.0 for name in ("bucket_s", "read_unix_s"))
            put_charts(database, str(place), [Chart(read_unix_s, bucket_s, readings)])
    except (*NOT_UNDERSTOOD, sqlite3.IntegrityError):
        database.execute("ROLLBACK TO taken")
    database.execute("RELEASE taken")


def _take_server(database: sqlite3.Connection, place: str, said: Any) -> None:
    mark = Mark()
    if said["mark"]:
        row_id, at_s, latest_s = said["mark"]
        mark = Mark(_count(row_id), max(_number(at_s) or 0.0, _number(latest_s) or 0.0))
    server = put_server(database, place, _text(said["name"]), mark)
    for day, models in said["days"].items():
        for model, (requests, prompt, generated, timed, generation_s) in models.items():
            sums = Sums(_count(requests), 0, _count(prompt), _count(generated), timed_tokens=_count(timed),
                        generation_s=_number(generation_s) or 0.0)  # fmt: skip
            put_sums(database, (str(day), server, word_of(database, _text(model))), sums)
    for day in said["gaps"]:
        database.execute("INSERT INTO gaps VALUES (?, ?)", (str(day), server))


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _count(value: Any) -> int:
    if not -MOST < value < MOST:
        raise ValueError("a count out of bounds")
    return int(value)


def _number(value: Any) -> Optional[float]:
    if value is not None and not math.isfinite(value):
        raise ValueError("a number that is none")
    return None if value is None else float(value)
