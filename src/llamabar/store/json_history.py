"""The history of earlier versions, daily sums in a JSON file: imported into a new database, and kept beside it."""

import json
import os
import re
import sqlite3
from pathlib import Path
from typing import Any

from llamabar.core.history import Chart, Readings
from llamabar.core.totals import Sums
from llamabar.macos import files
from llamabar.sources import clock
from llamabar.store.database import Mark, put_charts, put_server, put_sums, word_of
from llamabar.store.schema import CLIENTS
from llamabar.store.small_files import NOT_UNDERSTOOD

NAME, VERSION = "history.json", 1
LARGEST_BYTES = 20_000_000


def take_over(database: sqlite3.Connection, path: Path) -> None:
    """Import the file into a database, completely or not at all; an invalid file imports nothing."""
    database.execute("SAVEPOINT taken")
    try:
        said = json.loads(b"{}" if os.path.islink(path) else files.read(path, limit_bytes=LARGEST_BYTES) or b"{}")
        if said["llamabar_history"] == VERSION:
            for place, server in said["servers"].items():
                _take_server(database, str(place), server)
            for place, chart in said["charts"].items():
                readings = tuple(Readings(*one) for one in chart["readings"])
                chart = Chart(float(chart["read_unix_s"]), float(chart["bucket_s"]), readings)
                put_charts(database, str(place), [chart])
    except (*NOT_UNDERSTOOD, sqlite3.IntegrityError):
        database.execute("ROLLBACK TO taken")
    database.execute("RELEASE taken")


def _take_server(database: sqlite3.Connection, place: str, said: Any) -> None:
    row_id, *ended_s = said["mark"] or Mark()[:2]
    server = put_server(database, place, _text(said["name"]), Mark(int(row_id), float(max(ended_s))))
    for day, models in said["days"].items():
        for model, (requests, prompt, generated, timed, generation_s) in models.items():
            sums = Sums(int(requests), 0, int(prompt), int(generated), timed_tokens=int(timed),
                        generation_s=float(generation_s))  # fmt: skip
            for time in (day, f"{CLIENTS}{day}") if _is_day(day) else ():
                put_sums(database, (time, server, word_of(database, _text(model))), sums)
    for day in filter(_is_day, said["gaps"]):
        database.execute("INSERT INTO gaps VALUES (?, ?)", (str(day), server))


def _is_day(said: Any) -> bool:
    """Tell whether a text is a date, and not after tomorrow."""
    return re.fullmatch(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", str(said)) is not None and str(said) <= clock.day_ago(-1)


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode("utf-8")
