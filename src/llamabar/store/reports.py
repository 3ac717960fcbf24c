"""Read the history's database: the menu's day; lines by day, model, hour or client for the terminal and the page."""

import json
import sqlite3
from contextlib import closing
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.history import BUCKETS, Chart, Readings
from llamabar.core.needs import Load, of_each
from llamabar.core.run import MemoryKind, ModelRun
from llamabar.core.spread import Spread, added, change
from llamabar.core.state import Swap
from llamabar.core.totals import GENERATION, MOST, Line, Sums, Told, identity, total
from llamabar.macos.paths import HISTORY_FILE, data_folder
from llamabar.sources import clock
from llamabar.store.database import mark_of, twin
from llamabar.store.packed import unpacked
from llamabar.store.places import place_of
from llamabar.store.schema import CLIENT_BITS, CLIENTS, FAULTS, HOURS, opened_to_read, understood

WEEK_DAYS = 7
WITH_LOADS, WITH_CLIENTS = 2, 4  # the first versions of the database that have them
ASKED = """(?1='' OR servers.name=?1) AND (?2='' OR models.word=?2)
    AND (?3='' OR server IN (SELECT server FROM places WHERE place=?3))"""
MINE = "(server IN (SELECT id FROM servers WHERE name=?1) OR server IN (SELECT server FROM places WHERE place=?2))"

Key = Tuple[str, ...]


class Asked(NamedTuple):
    """Which lines to return: of a server, of a model, from a day on, of a location; "" for all. `figures`: whose
    spreads are read, None for all."""

    server: str = ""
    model: str = ""
    since: str = ""
    place: str = ""
    figures: Optional[Sequence[str]] = None


class Look(NamedTuple):
    """One reading of the database: a server's day, its charts, and the rows that aren't stored yet."""

    told: Told
    charts: Sequence[Chart]
    new: Tuple[FinishedRequest, ...]


def look(
    environment: Mapping[str, str], name: str, url: str, *, day: str, rows: Sequence[FinishedRequest]
) -> Optional[Look]:
    """Return a server's stored history, None if it can't be read; nothing is written, no folder is created."""
    place = place_of(url)
    try:
        database = opened_to_read(data_folder(environment) / HISTORY_FILE)
        if database is None:
            return None
        with closing(database), understood():
            said = told(database, place=place, name=name, day=day)
            return Look(said, charts_of(database, place), tuple(unknown(database, place, rows)))
    except FAULTS:
        return None


def told(database: sqlite3.Connection, *, place: str, name: str, day: str) -> Told:
    """Return a server's day, at this location or under its name anywhere, and its speeds compared with last week."""
    earlier, gap = (
        database.execute(f"SELECT 1 FROM {table} WHERE {MINE} AND {until}?3 LIMIT 1", (name, place, day)).fetchone()
        for table, until in (("sums", "time<"), ("gaps", "day="))
    )
    query = f"SELECT time, word, sums FROM sums JOIN words ON words.id=model WHERE {MINE} AND time BETWEEN ?3 AND ?4"
    span = (min(day, clock.day_ago(2 * WEEK_DAYS - 1)), clock.day_ago(-1))
    parts = [  # of other days, only the speeds are needed: everything would take megabytes
        ((when, model), unpacked(said, None if when == day else (GENERATION,)))
        for when, model, said in database.execute(query, (name, place, *span))
    ]
    today = _by(((model,), sums) for (when, model), sums in parts if when == day)
    return Told(
        day, {model: sums for (model,), sums in today.items()}, complete=gap is None, earlier=earlier is not None,
        changes={model: one for (model,), one in _changes(parts).items()}, needs=of_each(loads_of(database, place)),
    )  # fmt: skip


def _by(parts: Iterable[Tuple[Key, Sums]]) -> Dict[Key, Sums]:
    found: Dict[Key, List[Sums]] = {}
    for key, sums in parts:
        found.setdefault(key, []).append(sums)
    return {key: total(sums) for key, sums in sorted(found.items())}


def _changes(parts: Iterable[Tuple[Key, Sums]]) -> Dict[Key, float]:
    """Return how much each speed of the last seven days differs from the seven before; a key begins with the day."""
    first, before = clock.day_ago(WEEK_DAYS - 1), clock.day_ago(2 * WEEK_DAYS - 1)
    speeds: Dict[Key, Tuple[List[Spread], List[Spread]]] = {}  # earlier, and of the last seven days
    for (day, *key), sums in parts:
        if day >= before:
            speeds.setdefault(tuple(key), ([], []))[day >= first].append(sums.spread(GENERATION))
    found = {key: change(*map(added, reversed(both))) for key, both in speeds.items() if all(both)}
    return {key: one for key, one in found.items() if one is not None}


def unknown(database: sqlite3.Connection, place: str, rows: Sequence[FinishedRequest]) -> List[FinishedRequest]:
    """Return the rows that aren't in the database and weren't counted before."""
    found = database.execute("SELECT server FROM places WHERE place=?", (place,)).fetchone()
    server = found[0] if found is not None else twin(database, rows)
    if server is None or not rows:
        return list(rows)
    oldest_s, mark = min(identity(row)[1] for row in rows), mark_of(database, server)
    query = "SELECT row_id, ended_s FROM requests WHERE server=? AND ended_s>=?"
    known = set(database.execute(query, (server, oldest_s)))
    return [row for row in rows if identity(row) not in known and not mark.covers(row)]


def newest(database: sqlite3.Connection, place: str) -> Tuple[Tuple[int, int], ...]:
    """Return the identities of the newest rows at a location, as many as llama-swap sends again."""
    query = """SELECT row_id, ended_s FROM requests WHERE server=(SELECT server FROM places WHERE place=?)
        AND typeof(row_id)='integer' AND typeof(ended_s)='integer' ORDER BY ended_s DESC LIMIT 1000"""
    return tuple(database.execute(query, (place,)))[::-1]


def names(database: sqlite3.Connection) -> List[str]:
    """Return the servers' names."""
    return [name for (name,) in database.execute(f"SELECT DISTINCT {_text('name')} FROM servers ORDER BY 1")]


def models(database: sqlite3.Connection) -> List[str]:
    """Return the models' ids."""
    query = f"SELECT DISTINCT {_text('word')} FROM sums JOIN words ON words.id=model ORDER BY 1"
    return [model for (model,) in database.execute(query)]


def is_empty(database: sqlite3.Connection) -> bool:
    """Tell whether no request has been counted."""
    return database.execute("SELECT 1 FROM sums LIMIT 1").fetchone() is None


def lines(database: sqlite3.Connection, by: str, asked: Asked) -> List[Line]:
    """Return a line for each day, hour (2026-11-24 15:00) or client, server and model, oldest first, an unknown client
    last. By model: one line for all days, with the change of its speed since the week before. Locations with the same
    name are one server."""
    since = (asked.since,)
    of_gaps = f"SELECT day, {_text('name')} FROM gaps JOIN servers ON servers.id=server WHERE day>=?"
    gaps = set(database.execute(of_gaps, since))
    missed = {server for _, server in gaps}
    if by == "model":
        parts = list(_parts(database, asked._replace(since=min(asked.since, clock.day_ago(2 * WEEK_DAYS - 1)))))
        changes = _changes(parts)
        found = _by(((server, model), sums) for (when, server, model), sums in parts if when >= asked.since)
        return [
            Line("", server, model, sums, server not in missed, changes.get((server, model)))
            for (server, model), sums in found.items()
        ]
    found = _by(_parts(database, asked, by))
    if by == "client":
        named = sorted(found.items(), key=lambda one: not one[0][0])
        return [Line(client, server, model, sums, server not in missed) for (client, server, model), sums in named]
    return [
        Line(when, server, model, sums, (when[:10], server) not in gaps)
        for (when, server, model), sums in found.items()
    ]


def _parts(database: sqlite3.Connection, asked: Asked, by: str = "day") -> Iterable[Tuple[Key, Sums]]:
    """Yield sums by day, hour or client ("" if unknown), server and model; dates after tomorrow come from a wrong clock
    and are left out."""
    kind = {"hour": HOURS, "client": CLIENTS if _version(database) >= WITH_CLIENTS else ""}.get(by, "")
    when = f"ifnull({_text('clients.word')}, '')" if by == "client" else f"substr(time, {len(kind) + 1})"
    query = f"""SELECT {when}, {_text("servers.name")}, {_text("models.word")}, sums
        FROM sums JOIN servers ON servers.id=server JOIN words AS models ON models.id=model & {(1 << CLIENT_BITS) - 1}
        LEFT JOIN words AS clients ON clients.id=model >> {CLIENT_BITS} WHERE {ASKED} AND time BETWEEN ?4 AND ?5"""
    values = (asked.server, asked.model, asked.place, kind + asked.since, f"{kind}{clock.day_ago(-1)} 24")
    for *key, said in database.execute(query, values):
        yield tuple(key), unpacked(said, asked.figures)


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _text(column: str) -> str:
    """Return a column as text, whatever somebody else wrote there."""
    return f"CAST({column} AS TEXT)"


def charts_of(database: sqlite3.Connection, place: str) -> List[Chart]:
    """Return the stored readings of a location and its models."""
    found = database.execute("SELECT model, read_unix_s, chart FROM charts WHERE place=?", (place,))
    return [chart for cells in found for chart in [_chart(*cells)] if chart is not None]


def _chart(model: str, read_unix_s: float, said: str) -> Optional[Chart]:
    """Return readings, None if the row is invalid."""
    try:
        bucket_s, readings = json.loads(said)
        kept = tuple(Readings(*one) for one in readings[-BUCKETS:])
        known = all(value is None or 0 <= value < MOST for one in kept for value in one)
        return Chart(float(read_unix_s), float(bucket_s), kept, str(model)) if known else None
    except (ValueError, TypeError, RecursionError):
        return None


def loads_of(database: sqlite3.Connection, place: str) -> List[Load]:
    """Return the measured loads at a location, oldest first; an older version stored none."""
    if _version(database) < WITH_LOADS:
        return []
    query = """SELECT model, command, started_s, memory, memory_bytes, took_s, context_tokens, swap FROM loads
        WHERE place=? ORDER BY started_s"""
    return [load for cells in database.execute(query, (place,)) for load in [_load(*cells)] if load is not None]


def _load(
    model: str, command: int, began_s: int, memory: str, used_bytes: int, took_s: Optional[float],
    tokens: Optional[int], swap: str,
) -> Optional[Load]:  # fmt: skip
    """Return a load, None if the row is invalid."""
    try:
        run, others = ModelRun(command, int(began_s), MemoryKind(memory)), Swap(*map(tuple, json.loads(swap)))
        known = all(0 <= one < MOST for one in (used_bytes, took_s or 0, tokens or 0))
        return Load(str(model), run, used_bytes, took_s, tokens, others) if known else None
    except (ValueError, TypeError, RecursionError):
        return None
