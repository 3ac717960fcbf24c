"""What the history's database says: a day for the menu; lines by day, model or hour for the terminal and the page."""

import json
import sqlite3
from contextlib import closing
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from llamabar.core.events import FinishedRequest
from llamabar.core.history import BUCKETS, Chart, Readings
from llamabar.core.needs import Load, of_each
from llamabar.core.run import MemoryKind, ModelRun
from llamabar.core.state import Swap
from llamabar.core.totals import MOST, Line, Sums, Told, change, identity, of_row, total
from llamabar.macos.paths import HISTORY_FILE, data_folder
from llamabar.sources import clock
from llamabar.store.database import DAY_S, is_marked, mark_of, place_of, read_sums, twin
from llamabar.store.schema import Damaged, NewerVersion, opened_to_read, understood

WEEK_DAYS = 7
LOADS_KEPT = 9  # of a model
WITH_LOADS = 2  # the version of the database that has them
MINE = "(server IN (SELECT id FROM servers WHERE name=?) OR server IN (SELECT server FROM places WHERE place=?))"


class Asked(NamedTuple):
    """Which lines are wanted: of a server, of a model, from a day on; "" for all."""

    server: str = ""
    model: str = ""
    since: str = ""


class Look(NamedTuple):
    """What one look finds: a server's day, its charts, and which rows do not stand there yet."""

    told: Told
    chart: Optional[Chart]
    new: Tuple[FinishedRequest, ...]


def look(
    environment: Mapping[str, str], name: str, url: str, *, day: str, rows: Sequence[FinishedRequest]
) -> Optional[Look]:
    """Return what stands there of a server, None if that cannot be read; nothing is written, no folder is made."""
    place = place_of(url)
    try:
        database = opened_to_read(data_folder(environment) / HISTORY_FILE)
        if database is None:
            return None
        with closing(database), understood():
            said = told(database, place=place, name=name, day=day)
            return Look(said, chart_of(database, place), tuple(unknown(database, place, rows)))
    except (OSError, sqlite3.Error, Damaged, NewerVersion):
        return None


def told(database: sqlite3.Connection, *, place: str, name: str, day: str) -> Told:
    """Return what a server did in a day, counted at whatever place under its name; the speeds against last week."""
    earlier, gap = (
        database.execute(f"SELECT 1 FROM {table} WHERE {MINE} AND day{sign}? LIMIT 1", (name, place, day)).fetchone()
        for table, sign in (("days", "<"), ("gaps", "="))
    )
    query = f"SELECT day, word, sums FROM days JOIN words ON words.id=model WHERE {MINE} AND day>=?"
    found = database.execute(query, (name, place, min(day, _days_ago(2 * WEEK_DAYS - 1)))).fetchall()
    parts = [(when, model, read_sums(said)) for when, model, said in found]
    today = _by((model, sums) for when, model, sums in parts if when == day)
    needs = of_each(loads_of(database, place))
    return Told(day, today, gap is None, earlier is not None, changes=_changes(parts), needs=needs)


def _by(parts: Iterable[Tuple[str, Sums]]) -> Dict[str, Sums]:
    found: Dict[str, List[Sums]] = {}
    for key, sums in parts:
        found.setdefault(key, []).append(sums)
    return {key: total(sums) for key, sums in found.items()}


def _changes(parts: Sequence[Tuple[str, str, Sums]]) -> Dict[str, float]:
    """Return by how much each model's speed in the last seven days differs from the seven before."""
    first, before = _days_ago(WEEK_DAYS - 1), _days_ago(2 * WEEK_DAYS - 1)
    week = _by((model, sums) for when, model, sums in parts if when >= first)
    earlier = _by((model, sums) for when, model, sums in parts if before <= when < first)
    found = {model: change(sums, earlier.get(model, Sums())) for model, sums in week.items()}
    return {model: one for model, one in found.items() if one is not None}


def _days_ago(number: int) -> str:
    return clock.local_day(clock.unix_s() - number * DAY_S)


def unknown(database: sqlite3.Connection, place: str, rows: Sequence[FinishedRequest]) -> List[FinishedRequest]:
    """Return the dated rows that are not in the database, and were not counted before it."""
    found = database.execute("SELECT server FROM places WHERE place=?", (place,)).fetchone()
    server = found[0] if found is not None else twin(database, rows) if rows else None
    if server is None or not rows:
        return list(rows)
    oldest_s, mark = min(identity(row)[1] for row in rows), mark_of(database, server)
    query = "SELECT row_id, ended_s FROM requests WHERE server=? AND ended_s>=?"
    known = set(database.execute(query, (server, oldest_s)))
    return [row for row in rows if identity(row) not in known and not is_marked(mark, row)]


def newest(database: sqlite3.Connection, place: str) -> Tuple[Tuple[int, int], ...]:
    """Return what identifies the newest rows of a place, as many as llama-swap sends again."""
    query = """SELECT row_id, ended_s FROM requests WHERE server=(SELECT server FROM places WHERE place=?)
        ORDER BY ended_s DESC LIMIT 1000"""
    return tuple(database.execute(query, (place,)))[::-1]


def names(database: sqlite3.Connection) -> List[str]:
    """Return the servers' names."""
    return [name for (name,) in database.execute("SELECT DISTINCT name FROM servers ORDER BY name")]


def by_day(database: sqlite3.Connection, asked: Asked) -> List[Line]:
    """Return a line a day, server and model, the oldest first; places of one name are one server."""
    return _lines(_days(database, asked), _gaps(database))


def by_model(database: sqlite3.Connection, asked: Asked) -> List[Line]:
    """Return a line a server and model, with how its speed has changed since the week before."""
    before = min(asked.since, _days_ago(2 * WEEK_DAYS - 1))
    parts = list(_days(database, asked._replace(since=before)))
    of_each: Dict[Tuple[str, str], List[Tuple[str, str, Sums]]] = {}
    for when, server, model, sums in parts:
        of_each.setdefault((server, model), []).append((when, model, sums))
    gaps = {("", server) for when, server in _gaps(database) if when >= asked.since}
    lines = _lines((("", server, model, sums) for when, server, model, sums in parts if when >= asked.since), gaps)
    return [line._replace(change=_changes(of_each[line.server, line.model]).get(line.model)) for line in lines]


def by_hour(database: sqlite3.Connection, asked: Asked) -> List[Line]:
    """Return a line an hour (2026-11-24 15:00), server and model; as far back as rows are kept."""
    query = """SELECT ended_s, servers.name, row_id, model, status, prompt_tokens, cached_tokens, generated_tokens,
        prompt_tokens/nullif(prompt_s, 0), generated_tokens/nullif(generation_s, 0), ended_s-began_s, draft_tokens,
        accepted_tokens, load_s FROM requests JOIN servers ON servers.id=server WHERE (?1='' OR servers.name=?1)
        AND (?2='' OR model=(SELECT id FROM words WHERE word=?2))
        AND server IN (SELECT id FROM servers) AND ended_s>=ifnull(strftime('%s', nullif(?3, ''), 'utc')+0, 0)"""
    words = dict(database.execute("SELECT id, word FROM words"))
    found: Dict[Tuple[str, str, str], List[Sums]] = {}
    for ended_s, server, row_id, model, *told, draft, accepted, load_s in database.execute(query, asked):
        day, hour = clock.local_hour(ended_s)
        row = FinishedRequest._make([row_id, words[model], 1.0, "", *told, "", draft, accepted])
        found.setdefault((f"{day} {hour:02}:00", server, row.model), []).append(of_row(row, load_s=load_s))
    gaps = _gaps(database)
    return [Line(*key, total(parts), (key[0][:10], key[1]) not in gaps) for key, parts in sorted(found.items())]


def _days(database: sqlite3.Connection, asked: Asked) -> Iterable[Tuple[str, str, str, Sums]]:
    query = """SELECT day, servers.name, word, sums FROM days JOIN servers ON servers.id=server
        JOIN words ON words.id=model WHERE (?1='' OR servers.name=?1) AND (?2='' OR word=?2) AND day>=?3"""
    for day, server, model, said in database.execute(query, asked):
        yield day, server, model, read_sums(said)


def _gaps(database: sqlite3.Connection) -> "set[Tuple[str, str]]":
    return set(database.execute("SELECT day, name FROM gaps JOIN servers ON servers.id=server"))


def _lines(parts: Iterable[Tuple[str, str, str, Sums]], gaps: "set[Tuple[str, str]]") -> List[Line]:
    found: Dict[Tuple[str, str, str], List[Sums]] = {}
    for when, server, model, sums in parts:
        found.setdefault((when, server, model), []).append(sums)
    return [Line(*key, total(sums), (key[0], key[1]) not in gaps) for key, sums in sorted(found.items())]


def chart_of(database: sqlite3.Connection, place: str) -> Optional[Chart]:
    """Return the readings that were saved of a place."""
    found = database.execute("SELECT read_unix_s, chart FROM charts WHERE place=?", (place,)).fetchone()
    if found is None:
        return None
    try:
        bucket_s, readings = json.loads(found[1])
        kept = tuple(Readings(*one) for one in readings[-BUCKETS:])
        if not all(value is None or 0 <= value < MOST for one in kept for value in one):
            return None
        return Chart(float(found[0]), float(bucket_s), kept)
    except (ValueError, TypeError, RecursionError):
        return None


def put_chart(database: sqlite3.Connection, place: str, chart: Chart) -> None:
    """Save the readings of a place."""
    said = json.dumps([chart.bucket_s, chart.readings], separators=(",", ":"))
    database.execute("INSERT OR REPLACE INTO charts VALUES (?, ?, ?)", (place, chart.read_unix_s, said))


def put_loads(database: sqlite3.Connection, place: str, loads: Iterable[Load]) -> None:
    """Save what loads took; of one that is there already the most. What somebody saw is less than `[[],[]]`."""
    for one in loads:
        database.execute(
            """INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(place, model, started_s) DO UPDATE
            SET memory=excluded.memory, memory_bytes=max(memory_bytes, excluded.memory_bytes),
            took_s=ifnull(took_s, excluded.took_s), swap=min(swap, excluded.swap),
            context_tokens=ifnull(excluded.context_tokens, context_tokens)""",
            (place, one.model, one.run.started_unix_s, one.run.command, one.run.memory.value, one.memory_bytes,
             one.took_s, one.context_tokens, json.dumps(one.swap, separators=(",", ":"))),
        )  # fmt: skip
        database.execute(
            """DELETE FROM loads WHERE place=?1 AND model=?2 AND started_s NOT IN
            (SELECT started_s FROM loads WHERE place=?1 AND model=?2 ORDER BY started_s DESC LIMIT ?3)""",
            (place, one.model, LOADS_KEPT),
        )


def loads_of(database: sqlite3.Connection, place: str) -> List[Load]:
    """Return the loads that were measured at a place, the oldest first; an older version kept none."""
    if database.execute("PRAGMA user_version").fetchone()[0] < WITH_LOADS:
        return []
    query = """SELECT model, command, started_s, memory, memory_bytes, took_s, context_tokens, swap FROM loads
        WHERE place=? ORDER BY started_s"""
    return [
        Load(model, ModelRun(command, began_s, MemoryKind(memory)), used_bytes, took_s, tokens,
             Swap(*map(tuple, json.loads(swap))))
        for model, command, began_s, memory, used_bytes, took_s, tokens, swap in database.execute(query, (place,))
    ]


BY: Dict[str, Callable[[sqlite3.Connection, Asked], List[Line]]] = {
    "day": by_day, "model": by_model, "hour": by_hour,
}  # fmt: skip
