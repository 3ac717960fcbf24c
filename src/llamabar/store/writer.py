"""Write the history's database, on the history's thread.

Laws: rows that can't be written wait, and the totals continue in memory. An invalid file is set aside and a new one
created; one from a newer version is left alone. If the file is removed, a new one is created and nothing counts twice;
if the program is removed, nothing is written.
"""

import fcntl
import os
import sqlite3
from contextlib import suppress
from typing import Dict, FrozenSet, List, Mapping, Optional, Tuple, Union

from llamabar.core.totals import Charts, Rows, Tell, Told
from llamabar.macos import files
from llamabar.macos.paths import HISTORY_FILE, data_folder
from llamabar.sources import clock
from llamabar.store import database as db
from llamabar.store import json_history, reports, schema
from llamabar.store.database import Mark
from llamabar.store.places import place_of
from llamabar.store.schema import FAULTS, Trouble, Unusable

MANY_ROWS = 1000  # in one commit; then there may be too many rows in the database
MOST_WAITING = 500  # batches of rows, while they can't be written


class Writer:
    """The database as one watch writes it; `rows` wait for the next commit. `shown`: whether the watch shows days and
    charts; otherwise neither is read."""

    def __init__(
        self, environment: Mapping[str, str], tell: Tell, *, days: Optional[int],
        only_here: FrozenSet[str] = frozenset(), shown: bool = True,
    ) -> None:  # fmt: skip
        self.rows: List[Rows] = []
        self._folder = data_folder(environment)
        self._path = self._folder / HISTORY_FILE
        self._plugin = environment.get("LLAMABAR_FILE", "")
        self._tell = tell
        self._days, self._only_here, self._shown = days, only_here, shown
        self._database: Optional[sqlite3.Connection] = None
        self._file: Tuple[int, int] = (0, 0)  # device and inode of the open file
        self._charts: Charts = {}
        self._marks: Dict[str, Tuple[str, Mark]] = {}  # by location: the server's name, and what has been counted there
        self._pruned = ""  # the last day on which old rows were deleted

    def begin(self, servers: Mapping[str, str]) -> None:
        """Report the stored history of servers, given as name → address."""
        if not (os.path.lexists(self._path) or os.path.lexists(self._folder / json_history.NAME)):
            return
        with suppress(*FAULTS), schema.understood():  # `write` handles it
            database = self._opened()
            for name, url in servers.items():
                for chart in reports.charts_of(database, place_of(url)) if self._shown else ():
                    self._tell(name, chart)
                self._tell_day(database, Rows(name, url, ()), known=reports.newest(database, place_of(url)))

    @property
    def is_full(self) -> bool:
        """Tell whether enough is waiting to write it now: a row takes 600 bytes."""
        return sum(len(rows.rows) for rows in self.rows) >= MANY_ROWS

    def take(self, arrived: Union[Rows, Charts]) -> None:
        """Keep what arrived for the next commit."""
        if isinstance(arrived, Rows):
            self.rows = [*self.rows[-MOST_WAITING:], arrived]
        else:
            self._charts = arrived

    def write(self) -> None:
        """Commit what is waiting, as far as possible."""
        gone = bool(self._plugin) and not os.path.exists(self._plugin)
        if gone or not (self.rows or (self._charts and self._database is not None)):
            return
        with suppress(*FAULTS):  # a full disk must not disturb the menu; doctor reports it
            if not any(self._file):
                files.private_folder(self._folder)
            try:
                self._commit()
            except Unusable as error:
                if error.trouble is Trouble.DAMAGED:
                    self._set_aside()
                    self._commit()

    def close(self) -> None:
        """Close the file; SQLite deletes its -wal and -shm files when the last process closes it."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _commit(self) -> None:
        database, today = self._opened(), clock.local_day(clock.unix_s())
        marks = {}
        new_day = bool(self.rows) and today != self._pruned  # readings alone are written at the end, which is soon
        if new_day:
            with schema.understood():
                schema.check(database)
        with schema.understood(), schema.transaction(database):
            for rows in self.rows:
                mark = db.add(database, rows)
                if mark is not None:
                    marks[place_of(rows.url)] = (rows.name, mark)
                db.put_loads(database, place_of(rows.url), rows.loads)
            for url, charts in self._charts.items():
                db.put_charts(database, place_of(url), charts)
            if new_day or self.is_full:
                db.prune(database, self._days)
        self._pruned, self._charts = today, {}
        self._marks.update(marks)
        written, self.rows = {rows.name: rows for rows in self.rows}, []
        for newest in written.values():
            self._tell_day(database, newest)

    def _tell_day(self, database: sqlite3.Connection, rows: Rows, *, known: Tuple[Tuple[int, int], ...] = ()) -> None:
        day = clock.local_day(clock.unix_s())
        name = "" if rows.name in self._only_here else rows.name
        told = reports.told(database, place=place_of(rows.url), name=name, day=day) if self._shown else Told(day, {})
        self._tell(rows.name, told._replace(number=rows.number, known=known))

    def _opened(self) -> sqlite3.Connection:
        """Return the database; reopen it if its path now holds another file."""
        if self._database is None or self._found() != self._file:
            self.close()
            self._database = schema.opened(self._path, self._fill)
            self._file = self._found()
        return self._database

    def _found(self) -> Tuple[int, int]:
        try:
            found = os.lstat(self._path)
            return found.st_dev, found.st_ino
        except FileNotFoundError:
            return 0, 0

    def _fill(self, database: sqlite3.Connection) -> None:
        """Fill a new database with the JSON history, or with the marks of the previous database."""
        if not any(self._file):
            json_history.take_over(database, self._folder / json_history.NAME)
        for place, (name, mark) in self._marks.items():
            db.put_server(database, place, name, mark)

    def _set_aside(self) -> None:
        """Rename an invalid file to an unused name, unless another watcher has done so."""
        self.close()
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)  # closing releases the lock; if it is held: next time
            if schema.trouble(self._path) is not Trouble.DAMAGED:
                return
            names = (f"history-damaged-{number}.sqlite" for number in range(1, 1000))
            name = next(one for one in names if not os.path.lexists(self._folder / one))
            for ending in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    os.replace(f"{self._path}{ending}", self._folder / f"{name}{ending}")
        finally:
            os.close(folder)
