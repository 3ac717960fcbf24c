"""Write the history's database: a row for each finished request, and the sums of each hour and day.

A row is identified by its server, its number there and the second in which it ended, and inserted with INSERT OR
IGNORE: two watchers, a table that is read twice and a restart count it once. The sums are stored beside the rows and
written in the same transaction: a month of a million rows has a few hundred of them. Sums are those of this computer's
days; a row keeps the time that its server told, whose clock may differ.

A server is identified by a hash of its location; at a new location, by a row that only that server can have. No text of
a prompt or an answer, no address and no key is stored.

A server may invent a name or a date with each request: whatever exceeds a limit is counted under one name or not at
all, and the sums of all other rows stay correct.
"""

import json
import sqlite3
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.history import Chart
from llamabar.core.limits import KEPT_ROWS, NAMES, NAMES_EVER, PATHS
from llamabar.core.needs import Load
from llamabar.core.totals import OTHERS, Rows, Sums, Times, identity, is_dated, of_rows, times, total
from llamabar.sources import clock
from llamabar.store.packed import packed, unpacked
from llamabar.store.places import place_of
from llamabar.store.schema import CLIENT_BITS, CLIENTS, HOURS, transaction

DAY_S = 86_400.0
OLDEST_S = 366 * DAY_S  # llama-swap keeps rows in memory only
DISORDER_S = 1  # requests that end in the same second are numbered in any order
FIRST_IDS = (0, 1)  # of a table that started over: 0 up to v235, 1 from v236 on
LOADS_KEPT = 9  # per model

Timed = Tuple[FinishedRequest, Times]

INSERT = f"INSERT OR IGNORE INTO requests VALUES ({','.join('?' * 17)})"


class Mark(NamedTuple):
    """Rows that ended up to here, and aren't numbered higher, have been counted already: elsewhere, or in deleted
    history. Of rows that ended before `pruned_s`, only the sums are stored."""

    row_id: int = -1
    at_unix_s: float = 0.0
    pruned_s: float = 0.0

    def covers(self, row: FinishedRequest) -> bool:
        """Tell whether a row has been counted before."""
        at_s = row.at_unix_s or 0.0
        return (row.id <= self.row_id and at_s <= self.at_unix_s + DISORDER_S) or at_s < self.pruned_s


def add(database: sqlite3.Connection, batch: Rows) -> Optional[Mark]:
    """Insert new rows, within a transaction; return the newest row's mark, for `put_server`."""
    dated = [row for row in batch.rows if is_countable(row)]
    if not dated:
        return None
    server = _server(database, batch, dated)
    dated = named(database, server, dated)
    mark = mark_of(database, server)
    texts = {text for row in dated for text in (row.model, row.path, row.client)}
    words = {text: word_of(database, text) for text in texts}
    timed = [(row, times(row, batch.load_s.get(row.id))) for row in dated if not mark.covers(row)]
    new = [one for one in timed if database.execute(INSERT, _cells(server, *one, words=words)).rowcount]
    if new:
        _note_gap(database, server, new[0][0], mark=mark, missed=batch.missed)
        _count(database, server, new, words)
    newest = max(dated, key=lambda row: (row.at_unix_s or 0.0, row.id))
    return Mark(newest.id, newest.at_unix_s or 0.0)


def is_countable(row: FinishedRequest) -> bool:
    """Tell whether a row has a number and a plausible time: at most a year ago, and not after tomorrow."""
    return is_dated(row) and -DAY_S <= clock.unix_s() - (row.ended_unix_s or 0.0) <= OLDEST_S


def named(database: sqlite3.Connection, server: int, rows: Sequence[FinishedRequest]) -> List[FinishedRequest]:
    """Return the rows; a new model beyond the limit per day or in total becomes OTHERS."""
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


def _new(database: sqlite3.Connection, words: Dict[str, None]) -> List[str]:
    known = "SELECT 1 FROM words WHERE word=?"
    return [word for word in words if word and database.execute(known, (word,)).fetchone() is None]


def mark_of(database: sqlite3.Connection, server: int) -> Mark:
    """Return up to where a server's rows were counted before this database had them."""
    return Mark(*database.execute("SELECT mark_id, mark_s, pruned_s FROM servers WHERE id=?", (server,)).fetchone())


def _cells(server: int, row: FinishedRequest, spent: Times, *, words: Mapping[str, int]) -> Tuple[Any, ...]:
    row_id, ended_s = identity(row)
    began_s = None if row.duration_s is None else (row.at_unix_s or 0.0) - row.duration_s
    seconds = (began_s, spent.waited_s, spent.load_s, spent.prompt_s, spent.generation_s)
    counts = (row.prompt_tokens, row.cached_tokens, row.generated_tokens, row.draft_tokens, row.accepted_tokens)
    return (
        server, ended_s, row_id, words[row.model], *seconds,
        *counts, row.status, words[row.path], words[row.client] if row.client else None,
    )  # fmt: skip


def _server(database: sqlite3.Connection, batch: Rows, rows: Sequence[FinishedRequest]) -> int:
    """Return the server at a location: at a new location, the server that has one of these rows, else a new server."""
    place = place_of(batch.url)
    found = database.execute("SELECT server FROM places WHERE place=?", (place,)).fetchone()
    server = found[0] if found is not None else twin(database, rows)
    if server is None:
        return put_server(database, place, batch.name, Mark())
    if found is None:
        database.execute("INSERT INTO places VALUES (?, ?)", (place, server))
    else:
        database.execute("UPDATE servers SET name=? WHERE id=? AND name!=?", (batch.name, server, batch.name))
    return int(server)


def twin(database: sqlite3.Connection, rows: Sequence[FinishedRequest]) -> Optional[int]:
    """Return the server that has one of these rows, with the same model and counts."""
    for row in (rows[-1], rows[0]) if rows else ():
        found = database.execute(
            "SELECT server FROM servers CROSS JOIN requests WHERE server=servers.id AND ended_s=? AND row_id=? AND"
            " prompt_tokens IS ? AND generated_tokens IS ? AND model=(SELECT id FROM words WHERE word=?)",
            (identity(row)[1], row.id, row.prompt_tokens, row.generated_tokens, row.model),
        ).fetchone()  # fmt: skip
        if found:
            return int(found[0])
    return None


def word_of(database: sqlite3.Connection, word: str) -> int:
    """Return the number of a model's ID, a path or a client."""
    database.execute("INSERT OR IGNORE INTO words(word) VALUES (?)", (word,))
    return int(database.execute("SELECT id FROM words WHERE word=?", (word,)).fetchone()[0])


def _note_gap(
    database: sqlite3.Connection, server: int, oldest: FinishedRequest, *, mark: Mark, missed: bool
) -> None:
    """Record the days with missing rows: the row before the oldest new one was never seen."""
    ended_s = identity(oldest)[1]
    before = database.execute(
        "SELECT row_id, ended_s FROM requests WHERE server=? AND ended_s<=? AND NOT (row_id>=? AND ended_s>=?)"
        " ORDER BY ended_s DESC, row_id DESC LIMIT 9",
        (server, ended_s + DISORDER_S, oldest.id, ended_s - DISORDER_S),
    ).fetchall()
    follows = oldest.id - 1 in [row_id for row_id, _ in before] + [mark.row_id]
    if follows or (oldest.id in FIRST_IDS and not (missed and before)):
        return
    for unix_s in (oldest.at_unix_s or 0.0, *(ended_s for _, ended_s in before[:1])):
        day = clock.local_day(unix_s - oldest.clock_s)
        database.execute("INSERT OR IGNORE INTO gaps VALUES (?, ?)", (day, server))


def _count(database: sqlite3.Connection, server: int, new: Iterable[Timed], words: Mapping[str, int]) -> None:
    hours: Dict[Tuple[str, int, int, int], List[Timed]] = {}
    for row, spent in new:
        of = (words[row.model], words[row.client] if row.client else 0)
        hours.setdefault((*clock.local_hour(row.ended_unix_s or 0.0), *of), []).append((row, spent))
    parts: Dict[Tuple[str, int], List[Sums]] = {}
    for (day, hour, model, client), timed in hours.items():
        sums = of_rows(timed, hour=hour)
        of_client = client << CLIENT_BITS | model
        for key in (day, model), (f"{HOURS}{day} {hour:02}:00", model), (f"{CLIENTS}{day}", of_client):
            parts.setdefault(key, []).append(sums)
    for (time, named), found in parts.items():
        _add_sums(database, (time, server, named), found)


def _add_sums(database: sqlite3.Connection, key: Tuple[str, int, int], parts: Sequence[Sums]) -> None:
    there = database.execute("SELECT sums FROM sums WHERE time=? AND server=? AND model=?", key).fetchall()
    put_sums(database, key, total([*(unpacked(said) for (said,) in there), *parts]))


def put_sums(database: sqlite3.Connection, key: Tuple[str, int, int], sums: Sums) -> None:
    """Store the sums of a time, a server and a model, replacing the previous ones."""
    database.execute("INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?)", (*key, packed(sums)))


def put_server(database: sqlite3.Connection, place: str, name: str, mark: Mark) -> int:
    """Insert a server whose rows don't count again up to a mark; return its number."""
    server = database.execute("INSERT INTO servers VALUES (NULL, ?, ?, ?, ?)", (name, *mark)).lastrowid
    database.execute("INSERT INTO places VALUES (?, ?)", (place, server))
    return int(server or 0)


def put_charts(database: sqlite3.Connection, place: str, charts: Iterable[Chart]) -> None:
    """Store the readings of a location and its models, replacing the previous ones."""
    database.execute("DELETE FROM charts WHERE place=?", (place,))
    for one in charts:
        said = json.dumps([one.bucket_s, one.readings], separators=(",", ":"))
        database.execute("INSERT INTO charts VALUES (?, ?, ?, ?)", (place, one.model, one.read_unix_s, said))


def put_loads(database: sqlite3.Connection, place: str, loads: Iterable[Load]) -> None:
    """Store what loads took; of one that is already stored, keep the maximum. Observed swaps sort before `[[],[]]`."""
    for one in loads:
        run, swap = one.run, json.dumps(one.swap, separators=(",", ":"))
        database.execute(
            """INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(place, model, started_s) DO UPDATE
            SET memory=excluded.memory, memory_bytes=max(memory_bytes, excluded.memory_bytes),
            took_s=ifnull(took_s, excluded.took_s), swap=min(swap, excluded.swap),
            context_tokens=ifnull(excluded.context_tokens, context_tokens)""",
            (place, one.model, run.started_unix_s, run.command, run.memory.value, one.memory_bytes, one.took_s,
             one.context_tokens, swap),
        )  # fmt: skip
        database.execute(
            """DELETE FROM loads WHERE place=?1 AND model=?2 AND started_s NOT IN
            (SELECT started_s FROM loads WHERE place=?1 AND model=?2 ORDER BY started_s DESC LIMIT ?3)""",
            (place, one.model, LOADS_KEPT),
        )


def shorten(database: sqlite3.Connection) -> None:
    """Delete the oldest rows if there are too many; the sums of their days stay."""
    if database.execute("SELECT count(*) FROM requests").fetchone()[0] > KEPT_ROWS:
        oldest = "SELECT ended_s FROM requests ORDER BY ended_s DESC LIMIT 1 OFFSET ?"
        before_s = database.execute(oldest, (KEPT_ROWS,)).fetchone()[0] + 1
        database.execute("DELETE FROM requests WHERE ended_s<?", (before_s,))
        database.execute("UPDATE servers SET pruned_s=max(pruned_s, ?)", (before_s,))


def prune(database: sqlite3.Connection, days: Optional[int]) -> None:
    """Delete rows and hours older than the newest `days` days with requests, and rows beyond KEPT_ROWS; the sums of
    days stay. A day after tomorrow, from a wrong clock or server, doesn't count as one of those days."""
    shorten(database)
    for day, before_s in () if days is None else database.execute(
        "SELECT time, CAST(strftime('%s', time, '+1 day', 'utc') AS INTEGER) FROM sums WHERE time<=? GROUP BY time"
        " ORDER BY time DESC LIMIT 1 OFFSET ?", (clock.day_ago(-1), days),
    ).fetchall():  # fmt: skip
        database.execute("DELETE FROM requests WHERE ended_s<?", (before_s,))
        database.execute("DELETE FROM sums WHERE time BETWEEN ? AND ?", (HOURS, f"{HOURS}{day} 24"))
        database.execute("UPDATE servers SET pruned_s=?", (before_s,))


def clear(database: sqlite3.Connection) -> None:
    """Delete everything; rows that llama-swap still has aren't counted again."""
    with transaction(database):
        for of, mark in (("ended_s", "mark_s"), ("row_id", "mark_id")):
            newest = f"(SELECT max({of}) FROM requests WHERE server=servers.id)"
            database.execute(f"UPDATE servers SET {mark}=max({mark}, ifnull({newest}, -1))")
        for table in ("requests", "sums", "gaps", "charts", "loads"):
            database.execute(f"DELETE FROM {table}")
    database.execute("VACUUM")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
