"""The history's database: a row a finished request, the sums of each day for ever, the last minutes of the charts.

A row is known by its server, its number there and the second in which it ended, and put in with INSERT OR IGNORE: two
watchers, a table that is read again and a new start count it once. A day's sums and spreads are kept beside the rows,
in the same transaction: a month of a million rows is a few hundred of them.

A server is known by a digest of where it is; at a place that is new, by a row that only it can have. No text of a
prompt or an answer, no address and no key is kept.
"""

import hashlib
import json
import sqlite3
from itertools import chain
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from llamabar.core.address import is_local, port_of
from llamabar.core.events import FinishedRequest
from llamabar.core.totals import MOST, Rows, Sums, identity, is_dated, of_row, times, total
from llamabar.sources import clock
from llamabar.store.schema import transaction

DAY_S = 86_400.0
MOST_STEPS = 10_000  # of a spread: exp of more is no number
DISORDER_S = 1  # requests that end in one second are numbered in either order
FIRST_IDS = (0, 1)  # of a table that began anew: 0 up to v235, 1 from v236 on

INSERT = f"INSERT OR IGNORE INTO requests VALUES ({','.join('?' * 17)})"


class Mark(NamedTuple):
    """What ended up to here, and was not numbered higher, is counted already: elsewhere, or in what was taken away; of
    what ended before `pruned_s` only the sums are kept.
    """

    row_id: int = -1
    at_unix_s: float = 0.0
    pruned_s: float = 0.0


def place_of(url: str) -> str:
    """Return a digest of where a server is; this computer is one place, however it is called."""
    parts = urlsplit(url)
    host = "here" if is_local(url) else (parts.hostname or "").lower()
    words = f"{host}:{port_of(url)}{parts.path.rstrip('/')}"
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:16]


def add(database: sqlite3.Connection, batch: Rows) -> Optional[Mark]:
    """Put rows in that are new, within a transaction; return the newest of them all, for `mark`."""
    latest_s = clock.unix_s() + DAY_S  # what is dated later is no true day
    dated = [row for row in batch.rows if is_dated(row) and (row.at_unix_s or 0.0) <= latest_s]
    if not dated:
        return None
    server = _server(database, batch, dated)
    mark = mark_of(database, server)
    words = {word: word_of(database, word) for word in {word for row in dated for word in (row.model, row.path)}}
    new = []
    for row in dated:
        if is_marked(mark, row):
            continue
        if database.execute(INSERT, _cells(server, row, words, batch.load_s.get(row.id))).rowcount:
            new.append(row)
    if new:
        _note_gap(database, server, new[0], mark=mark, missed=batch.missed)
        _count(database, server, new, words, batch.load_s)
    newest = max(dated, key=lambda row: (row.at_unix_s or 0.0, row.id))
    return Mark(newest.id, newest.at_unix_s or 0.0)


def mark_of(database: sqlite3.Connection, server: int) -> Mark:
    """Return up to where a server's rows were counted before this database had them."""
    return Mark(*database.execute("SELECT mark_id, mark_s, pruned_s FROM servers WHERE id=?", (server,)).fetchone())


def is_marked(mark: Mark, row: FinishedRequest) -> bool:
    """Tell whether a row was counted before."""
    at_s = row.at_unix_s or 0.0
    return (row.id <= mark.row_id and at_s <= mark.at_unix_s + DISORDER_S) or at_s < mark.pruned_s


def _cells(server: int, row: FinishedRequest, words: Mapping[str, int], load_s: Optional[float]) -> Tuple[Any, ...]:
    spent, (row_id, ended_s) = times(row), identity(row)
    seconds = (spent.waited_s, load_s, spent.prompt_s, spent.generation_s)
    began_s = None if row.duration_s is None else (row.at_unix_s or 0.0) - row.duration_s
    counts = (row.prompt_tokens, row.cached_tokens, row.generated_tokens, row.draft_tokens, row.accepted_tokens)
    return (
        server, ended_s, row_id, words[row.model], None if began_s is None else round(began_s, 1),
        *(None if one is None else round(one, 3) for one in seconds),
        *(None if one is None else min(one, 2**62) for one in counts), row.status, words[row.path], None,
    )  # fmt: skip


def _server(database: sqlite3.Connection, batch: Rows, rows: Sequence[FinishedRequest]) -> int:
    """Return the server of a place: at a new one the server that has one of these very rows, or else a new server."""
    place = place_of(batch.url)
    found = database.execute("SELECT server FROM places WHERE place=?", (place,)).fetchone()
    if found is not None:
        database.execute("UPDATE servers SET name=? WHERE id=? AND name!=?", (batch.name, found[0], batch.name))
        return int(found[0])
    server = twin(database, rows)
    if server is None:
        return put_server(database, place, batch.name, Mark())
    database.execute("INSERT INTO places VALUES (?, ?)", (place, server))
    return server


def twin(database: sqlite3.Connection, rows: Sequence[FinishedRequest]) -> Optional[int]:
    """Return the server that has one of these rows, with the same model and counts."""
    for (server,) in database.execute("SELECT id FROM servers").fetchall():
        for row in (rows[-1], rows[0]):
            found = database.execute(
                "SELECT 1 FROM requests WHERE server=? AND ended_s=? AND row_id=? AND prompt_tokens IS ?"
                " AND generated_tokens IS ? AND model=(SELECT id FROM words WHERE word=?)",
                (server, identity(row)[1], row.id, row.prompt_tokens, row.generated_tokens, row.model),
            ).fetchone()  # fmt: skip
            if found:
                return int(server)
    return None


def word_of(database: sqlite3.Connection, word: str) -> int:
    """Return the number of a model's id or a path."""
    database.execute("INSERT OR IGNORE INTO words(word) VALUES (?)", (word,))
    return int(database.execute("SELECT id FROM words WHERE word=?", (word,)).fetchone()[0])


def _note_gap(
    database: sqlite3.Connection, server: int, oldest: FinishedRequest, *, mark: Mark, missed: bool
) -> None:
    """Mark the days of which rows are missing: the row before the oldest new one was never seen."""
    before = database.execute(
        "SELECT row_id, ended_s FROM requests WHERE server=? AND ended_s<=? AND row_id!=?"
        " ORDER BY ended_s DESC, row_id DESC LIMIT 9",
        (server, identity(oldest)[1] + DISORDER_S, oldest.id),
    ).fetchall()
    follows = oldest.id - 1 in [row_id for row_id, _ in before] + [mark.row_id]
    if follows or (oldest.id in FIRST_IDS and not (missed and before)):
        return
    for unix_s in (oldest.at_unix_s or 0.0, *(ended_s for _, ended_s in before[:1])):
        database.execute("INSERT OR IGNORE INTO gaps VALUES (?, ?)", (clock.local_day(unix_s), server))


def _count(
    database: sqlite3.Connection, server: int, new: Sequence[FinishedRequest], words: Mapping[str, int],
    load_s: Mapping[int, float],
) -> None:  # fmt: skip
    found: Dict[Tuple[str, int, int], List[Tuple[int, FinishedRequest]]] = {}
    for row in new:
        day, hour = clock.local_hour(row.at_unix_s or 0.0)
        found.setdefault((day, server, words[row.model]), []).append((hour, row))
    for key, rows in found.items():
        there = database.execute("SELECT sums FROM days WHERE day=? AND server=? AND model=?", key).fetchall()
        parts = (of_row(row, load_s=load_s.get(row.id), hour=hour) for hour, row in rows)
        put_day(database, key, total(chain((read_sums(said) for (said,) in there), parts)))


def put_day(database: sqlite3.Connection, key: Tuple[str, int, int], sums: Sums) -> None:
    """Put the sums of a day, a server and a model in place of what is there."""
    rounded = [round(one, 3) if isinstance(one, float) else one for one in sums[:-1]]
    spreads = {name: [list(spread), list(spread.values())] for name, spread in sums.spreads.items()}
    said = json.dumps([*rounded, spreads], separators=(",", ":"))
    database.execute("INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?)", (*key, said))


def read_sums(said: str) -> Sums:
    """Return the sums that stand in a cell; none for one that is not understood."""
    try:
        *counts, spreads = json.loads(said)
        found = {str(name): dict(zip(*spread)) for name, spread in spreads.items()}
        steps = (pair for spread in found.values() for pair in spread.items())
        if not all(abs(step) < MOST_STEPS and 0 <= count < MOST for step, count in steps):
            return Sums()
        return Sums._make([*(one if 0 <= one < 2**62 else 0 for one in counts), found])
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return Sums()


def put_server(database: sqlite3.Connection, place: str, name: str, mark: Mark) -> int:
    """Put a server in of which nothing counts again up to a mark; return its number."""
    server = database.execute("INSERT INTO servers VALUES (NULL, ?, ?, ?, ?)", (name, *mark)).lastrowid
    database.execute("INSERT INTO places VALUES (?, ?)", (place, server))
    return int(server or 0)


def prune(database: sqlite3.Connection, days: Optional[int]) -> None:
    """Delete the rows that are older than the newest days on which something was answered; their sums stay."""
    if days is None:
        return
    for (before_s,) in database.execute(
        "SELECT CAST(strftime('%s', day, '+1 day', 'utc') AS INTEGER) FROM days GROUP BY day"
        " ORDER BY day DESC LIMIT 1 OFFSET ?", (days,),
    ).fetchall():  # fmt: skip
        database.execute("DELETE FROM requests WHERE ended_s < ?", (before_s,))
        database.execute("UPDATE servers SET pruned_s=?", (before_s,))


def clear(database: sqlite3.Connection) -> None:
    """Delete everything; what llama-swap still has is not counted again."""
    with transaction(database):
        for of, mark in (("ended_s", "mark_s"), ("row_id", "mark_id")):
            newest = f"(SELECT max({of}) FROM requests WHERE server=servers.id)"
            database.execute(f"UPDATE servers SET {mark}=max({mark}, ifnull({newest}, -1))")
        for table in ("requests", "days", "gaps", "charts", "loads"):
            database.execute(f"DELETE FROM {table}")
    database.execute("VACUUM")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
