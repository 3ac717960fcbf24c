"""The history's database as a file: its tables, how it is opened, and why it can't be used.

Only a regular file is opened, no link is followed, and only its owner can access it. In WAL mode a reader never waits
for a writer, and committed data survives if the process ends at any moment (sqlite.org/wal.html).
"""

import os
import sqlite3
import stat
from contextlib import closing, contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Callable, Iterator, Optional
from urllib.parse import quote

OURS = 0x6C626172
BUSY_S = 2.0
UNKNOWN_FORMAT = "unsupported file format"  # SQLite's words for a damaged header

# In `sums`, a time is a local day, 2026-11-24, kept forever; an hour, h2026-11-24 15:00, kept as long as its rows; or a
# day by client, w2026-11-24, kept forever, where `model` is client << CLIENT_BITS | model, an unknown client 0. The
# format of the sums is in packed.py; its version 3 changed no table. Until version 4 there were no sums by client.
HOURS, CLIENTS, CLIENT_BITS = "h", "w", 32
MIGRATIONS = ("""
CREATE TABLE servers(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, mark_id INTEGER NOT NULL, mark_s REAL NOT NULL, pruned_s REAL NOT NULL);
CREATE TABLE places(place TEXT PRIMARY KEY, server INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE words(id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE requests(
    server INTEGER NOT NULL, ended_s INTEGER NOT NULL, row_id INTEGER NOT NULL, model INTEGER NOT NULL, began_s REAL,
    waited_s REAL, load_s REAL, prompt_s REAL, generation_s REAL, prompt_tokens INTEGER, cached_tokens INTEGER,
    generated_tokens INTEGER, draft_tokens INTEGER, accepted_tokens INTEGER, status INTEGER, path INTEGER,
    client INTEGER, PRIMARY KEY(server, ended_s, row_id)) WITHOUT ROWID;
CREATE TABLE sums(
    time TEXT NOT NULL, server INTEGER NOT NULL, model INTEGER NOT NULL, sums TEXT NOT NULL,
    PRIMARY KEY(time, server, model)) WITHOUT ROWID;
CREATE TABLE gaps(day TEXT NOT NULL, server INTEGER NOT NULL, PRIMARY KEY(day, server)) WITHOUT ROWID;
CREATE TABLE charts(
    place TEXT NOT NULL, model TEXT NOT NULL, read_unix_s REAL NOT NULL, chart TEXT NOT NULL,
    PRIMARY KEY(place, model)) WITHOUT ROWID;
""", """
CREATE TABLE IF NOT EXISTS loads(
    place TEXT NOT NULL, model TEXT NOT NULL, started_s INTEGER NOT NULL, command INTEGER NOT NULL,
    memory TEXT NOT NULL, memory_bytes INTEGER NOT NULL, took_s REAL, context_tokens INTEGER, swap TEXT NOT NULL,
    PRIMARY KEY(place, model, started_s)) WITHOUT ROWID;
""", "", f"""
INSERT OR IGNORE INTO sums SELECT '{CLIENTS}' || time, server, model, sums FROM sums WHERE time<'{HOURS}'
""")  # fmt: skip
VERSION = len(MIGRATIONS)
TABLES = {"servers", "places", "words", "requests", "sums", "gaps", "charts"}


class Trouble(Enum):
    """Why a database can't be used: DAMAGED is any file that isn't ours, NEWER one from a newer llamabar."""

    DAMAGED = "damaged"
    NEWER = "newer"


class Unusable(Exception):
    """The file can't be used."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


FAULTS = (OSError, sqlite3.Error, Unusable)  # raised when a database is opened or used


def opened(path: Path, fill: Callable[[sqlite3.Connection], None] = lambda _: None) -> sqlite3.Connection:
    """Return the database for writing, created and filled first if there is none; raise FAULTS."""
    _check_regular(path)
    with suppress(OSError):  # a copy that was put back may be read-only
        os.chmod(path, 0o600)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600))
    return _connected(path, "rw", lambda database: _prepare(database, fill))


def opened_to_read(path: Path) -> Optional[sqlite3.Connection]:
    """Return the database for reading, None if there is none; raise FAULTS."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return None
    _check_regular(path)
    try:
        database = _connected(path, "ro", _check_ours)
    except sqlite3.OperationalError:
        if os.access(path.parent, os.W_OK):
            raise
        database = _connected(path, "ro&immutable=1", _check_ours)  # SQLite can't share it with a writer there
    if _tables(database):
        return database
    database.close()
    return None


def trouble(path: Path) -> Optional[Trouble]:
    """Return why a file can't be used, None if it can or if that is unknown."""
    try:
        database = opened_to_read(path)
        if database is not None:
            with closing(database), understood():
                check(database)
    except Unusable as error:
        return error.trouble
    except (OSError, sqlite3.Error):
        pass
    return None


def check(database: sqlite3.Connection) -> None:
    """Raise Unusable if a page can't be read or a column is missing; a million rows take 0.2 s."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    with closing(sqlite3.connect(":memory:")) as new:
        new.executescript(";".join(MIGRATIONS[:version]))
        missing = _columns(new) - _columns(database)
    if missing or database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise Unusable(Trouble.DAMAGED)


@contextmanager
def understood() -> Iterator[None]:
    """Raise Unusable if SQLite finds the file damaged; errors for a locked, full or read-only one pass through."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError and str(error) != UNKNOWN_FORMAT:
            raise
        raise Unusable(Trouble.DAMAGED) from None


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit everything done within, or nothing; raise Unusable if the file isn't this version's, maybe since now."""
    database.execute("BEGIN IMMEDIATE")
    try:
        _check_ours(database)
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def migrate(database: sqlite3.Connection, fill: Callable[[sqlite3.Connection], None] = lambda _: None) -> None:
    """Migrate a database of ours, or an empty one, to this version."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version >= VERSION or (_tables(database) and not version):
        return
    for statement in ";".join(MIGRATIONS[version:]).split(";"):
        database.execute(statement)
    database.execute(f"PRAGMA application_id={OURS}")
    database.execute(f"PRAGMA user_version={VERSION}")
    if not version:
        fill(database)


def _connected(path: Path, mode: str, check: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    database = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None)
    database.text_factory = lambda found: found.decode("utf-8", "replace")
    try:
        with understood():
            check(database)
        return database
    except BaseException:
        database.close()
        raise


def _prepare(database: sqlite3.Connection, fill: Callable[[sqlite3.Connection], None]) -> None:
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-128"):
        database.execute(f"PRAGMA {setting}")
    with transaction(database):
        migrate(database, fill)


def _check_regular(path: Path) -> None:
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise Unusable(Trouble.DAMAGED)


def _check_ours(database: sqlite3.Connection) -> None:
    tables = _tables(database)
    version, ours = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    if ours == OURS and version > VERSION:
        raise Unusable(Trouble.NEWER)
    if tables and not (ours == OURS and tables >= TABLES):
        raise Unusable(Trouble.DAMAGED)


def _tables(database: sqlite3.Connection) -> "set[str]":
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")}


def _columns(database: sqlite3.Connection) -> "set[tuple[str, str]]":
    found = "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
    return set(database.execute(found))
