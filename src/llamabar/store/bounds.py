"""How much a server can put into the history, which may invent a name, or a date, with each request.

What is beyond a bound is counted under one name, or not at all; what is told of every other row stays true.
"""

import sqlite3
from typing import Dict, List, Sequence

from llamabar.core.events import FinishedRequest
from llamabar.core.limits import KEPT_ROWS, NAMES, NAMES_EVER, PATHS
from llamabar.core.totals import OTHERS, is_dated
from llamabar.sources import clock

DAY_S = 86_400.0
OLDEST_S = 366 * DAY_S  # llama-swap keeps rows in memory alone


def is_countable(row: FinishedRequest) -> bool:
    """Tell whether a row has a number, and a time that can be true: neither years ago nor after tomorrow."""
    return is_dated(row) and -DAY_S <= clock.unix_s() - (row.at_unix_s or 0.0) <= OLDEST_S


def named(database: sqlite3.Connection, server: int, rows: Sequence[FinishedRequest]) -> List[FinishedRequest]:
    """Return the rows; those of a new model beyond the bounds of a day, or of all days, are of OTHERS."""
    new_models = _new(database, {row.model: None for row in rows})
    new_paths = _new(database, {word: None for row in rows for word in (row.path, row.client)})
    if not new_models and not new_paths:
        return list(rows)
    times = [row.at_unix_s or 0.0 for row in rows]
    near = "SELECT count(DISTINCT model) FROM requests WHERE server=? AND ended_s BETWEEN ? AND ?"
    of_the_day = int(database.execute(near, (server, min(times) - DAY_S, max(times) + DAY_S)).fetchone()[0])
    room = max(0, NAMES_EVER - int(database.execute("SELECT count(*) FROM words").fetchone()[0]))
    other_models = set(new_models[max(0, min(room, NAMES - of_the_day)) :])
    other_paths = set(new_paths[min(room, PATHS) :])
    return [
        row._replace(
            model=OTHERS if row.model in other_models else row.model,
            path="" if row.path in other_paths else row.path,
            client="" if row.client in other_paths else row.client,
        )
        for row in rows
    ]


def shorten(database: sqlite3.Connection) -> None:
    """Delete the oldest rows where there are too many; the sums of their days stay."""
    if database.execute("SELECT count(*) FROM requests").fetchone()[0] > KEPT_ROWS:
        oldest = "SELECT ended_s FROM requests ORDER BY ended_s DESC LIMIT 1 OFFSET ?"
        before_s = database.execute(oldest, (KEPT_ROWS,)).fetchone()[0] + 1
        database.execute("DELETE FROM requests WHERE ended_s<?", (before_s,))
        database.execute("UPDATE servers SET pruned_s=max(pruned_s, ?)", (before_s,))


def _new(database: sqlite3.Connection, words: Dict[str, None]) -> List[str]:
    known = "SELECT 1 FROM words WHERE word=?"
    return [word for word in words if word and database.execute(known, (word,)).fetchone() is None]
