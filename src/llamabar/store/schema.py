"""The history's database as a file: its tables, how it is opened, and why it cannot be used.

Only a regular file is opened, no link is followed, and it is its owner's alone. In WAL mode a reader waits for no
writer, and what was committed outlives the end of the process at any moment (sqlite.org/wal.html).
"""

import os
import sqlite3
import stat
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from typing import Callable, Iterator, Optional
from urllib.parse import quote

OURS = 0x6C626172
BUSY_S = 2.0

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
CREATE TABLE days(
    day TEXT NOT NULL, server INTEGER NOT NULL, model INTEGER NOT NULL, sums TEXT NOT NULL,
    PRIMARY KEY(day, server, model)) WITHOUT ROWID;
CREATE TABLE gaps(day TEXT NOT NULL, server INTEGER NOT NULL, PRIMARY KEY(day, server)) WITHOUT ROWID;
CREATE TABLE charts(place TEXT PRIMARY KEY, read_unix_s REAL NOT NULL, chart TEXT NOT NULL) WITHOUT ROWID;
""", """
CREATE TABLE loads(
    place TEXT NOT NULL, model TEXT NOT NULL, started_s INTEGER NOT NULL, command INTEGER NOT NULL,
    memory TEXT NOT NULL, memory_bytes INTEGER NOT NULL, took_s REAL, context_tokens INTEGER, swap TEXT NOT NULL,
    PRIMARY KEY(place, model, started_s)) WITHOUT ROWID;
""")  # fmt: skip
VERSION = len(MIGRATIONS)
TABLES = {"servers", "places", "words", "requests", "days", "gaps", "charts"}


class NewerVersion(Exception):
    """The database was written by a version of this program that is newer than this one."""


class Damaged(Exception):
    """The file is no database, a damaged one or somebody else's."""


class Trouble(Enum):
    """Why a database cannot be used."""

    DAMAGED = "damaged"
    NEWER = "newer"


def opened(path: Path, fill: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """Return the database to write to, a new one made and filled first if there is none; raise OSError, sqlite3.Error,
    Damaged, NewerVersion.
    """
    _check_regular(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600))
    os.chmod(path, 0o600)
    database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        with understood():
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute("PRAGMA cache_size=-512")
            with transaction(database):
                _migrate(database, fill)
            _check_ours(database)
    except BaseException:
        database.close()
        raise
    return database


def opened_to_read(path: Path) -> Optional[sqlite3.Connection]:
    """Return the database to read from, None if there is none; raise as `opened` does."""
    if not os.path.lexists(path):
        return None
    _check_regular(path)
    for more in ("", "&immutable=1"):  # in a folder that cannot be written SQLite cannot share it with a writer
        database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro{more}", uri=True, timeout=BUSY_S,
                                   isolation_level=None, check_same_thread=False)  # fmt: skip
        try:
            with understood():
                empty = not _check_ours(database)
            if empty:
                database.close()
            return None if empty else database
        except sqlite3.OperationalError:
            database.close()
            if more or os.access(path.parent, os.W_OK):
                raise
        except BaseException:
            database.close()
            raise
    return None


def trouble(path: Path) -> Optional[Trouble]:
    """Return why a file cannot be used, None if it can or if that is not known."""
    try:
        with understood():
            database = opened_to_read(path)
            if database is not None:
                with closing(database):
                    if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                        return Trouble.DAMAGED
    except Damaged:
        return Trouble.DAMAGED
    except NewerVersion:
        return Trouble.NEWER
    except (OSError, sqlite3.Error):
        pass
    return None


def _check_regular(path: Path) -> None:
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise Damaged(f"{path} is not a regular file")


@contextmanager
def understood() -> Iterator[None]:
    """Raise Damaged where SQLite finds the file damaged; what is locked, full or read-only stays what it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.DatabaseError:
            raise Damaged(str(error)) from None
        raise


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _migrate(database: sqlite3.Connection, fill: Callable[[sqlite3.Connection], None]) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION or (_tables(database) and not version):
        return
    for step in MIGRATIONS[version:]:
        for statement in filter(str.strip, step.split(";")):
            database.execute(statement)
    database.execute(f"PRAGMA application_id={OURS}")
    database.execute(f"PRAGMA user_version={VERSION}")
    if not version:
        fill(database)


def _check_ours(database: sqlite3.Connection) -> bool:
    """Return False for an empty database; raise NewerVersion, Damaged."""
    tables, version = _tables(database), database.execute("PRAGMA user_version").fetchone()[0]
    ours = database.execute("PRAGMA application_id").fetchone()[0] == OURS
    if ours and version > VERSION:
        raise NewerVersion
    if tables and not (ours and tables >= TABLES):
        raise Damaged("its tables are not ours")
    return bool(tables)


def _tables(database: sqlite3.Connection) -> "set[str]":
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")}
