"""The history on disk: what was answered by day and model, and the last minutes of readings.

Laws: written at most once a minute and at the end, and in between only where more was counted than stands there; one
process at a time, by a lock, and each takes up what the others counted; put in place whole. Nothing of it waits for the
disk: a thread reads and writes, the loop hands over and takes up. What is not understood is set aside, never
overwritten; what a newer version wrote is left alone. Where the file is taken away, the totals begin anew; where the
program is, nothing is written any more.
"""

import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, Mapping, Optional

from llamabar.app.monitor import Monitor
from llamabar.core.history import BUCKETS, GAP, record, restored
from llamabar.core.ledger import Account, merged, newest_days
from llamabar.macos import files
from llamabar.macos.paths import data_folder
from llamabar.sources import clock
from llamabar.store.history_file import NAME, Chart, Kept, NewerVersion, dump, key_of, parse

EVERY_S = 60.0
LOAD_S = 0.2  # that a start waits for the disk
EMPTY = Kept({}, {})


class Keeper:
    """Keeps the history of one monitor. `days`: of how many totals are kept; None: of all."""

    def __init__(self, monitor: Monitor, environment: Mapping[str, str], *, days: Optional[int]) -> None:
        self._monitor = monitor
        self._path = data_folder(environment) / NAME
        self._plugin = environment.get("LLAMABAR_FILE", "")
        self._days = days
        self._next_s = clock.now_s() + EVERY_S
        self._thread: Optional[threading.Thread] = None
        self._loaded = False
        self._there = False  # the file was: if it is gone, it was taken away
        self._taken_away = False
        self._written: Mapping[str, Account] = {}
        self._seen_ns = 0  # when the file was last changed, as far as it was read
        self._found: Optional[Kept] = None  # what stands there, for the loop to take up
        for watched in monitor.servers.values():
            watched.key = key_of(watched.url)

    def load(self, seconds: float = LOAD_S, *, for_a_look: bool = False) -> None:
        """Take up the history where it was left; where the disk takes longer, `note` does when it is read.

        `for_a_look`: nothing will be written, so that no folder is made for it.
        """
        self._begin(threading.Thread(target=self._read, args=(not for_a_look,), name="history", daemon=True))
        self.finish(seconds)
        self._take_up()

    def note(self) -> bool:
        """Take up what was read, and write down what changed, if it is time to; False, so that a loop goes on."""
        self._take_up()
        if self._loaded and clock.now_s() >= self._next_s and not self._is_at_work():
            self._next_s = clock.now_s() + EVERY_S
            self._write(end=False)
        return False

    def end(self) -> None:
        """Begin to write down everything, after what is being written now; `finish` waits for it."""
        self._take_up()
        if self._loaded:
            self._write(end=True)

    def finish(self, seconds: float) -> None:
        """Wait until what was begun is done, at most so long."""
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    # on the loop's thread

    def _is_at_work(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _begin(self, thread: threading.Thread) -> None:
        self._thread = thread
        thread.start()

    def _take_up(self) -> None:
        """Take up what stands in the file before more is counted here."""
        if self._taken_away:
            self._taken_away = False
            self._monitor.forget()
        found = self._found
        if found is None:
            return
        self._found = None
        self._monitor.take_up(found.accounts, first=not self._loaded)
        if not self._loaded:
            self._take_charts(found.charts)
        self._loaded = True

    def _take_charts(self, charts: Mapping[str, Chart]) -> None:
        unix_s, now_s = clock.unix_s(), clock.now_s()
        for watched in self._monitor.servers.values():
            chart, since = charts.get(watched.key), watched.history
            age_s = unix_s - chart.read_unix_s if chart is not None else 0.0
            if chart is None or chart.bucket_s != since.bucket_s or not 0 <= age_s < since.span_s:
                continue
            emptied = replace(since, newest=None, buckets=())
            watched.history = restored(emptied, chart.readings, newest_s=now_s - age_s)
            oldest = (since.newest or 0) - len(since.buckets) + 1
            for number, readings in enumerate(since.buckets, oldest):  # that came while the disk was waited for
                watched.history = record(watched.history, readings, now_s=number * since.bucket_s)

    def _write(self, *, end: bool) -> None:
        for watched in self._monitor.servers.values():
            watched.account = newest_days(watched.account, self._days)
        words = (self._thread, self._kept(), end)
        self._begin(threading.Thread(target=self._put, args=words, name="history", daemon=True))

    def _kept(self) -> Kept:
        charts: Dict[str, Chart] = {}
        servers, unix_s, now_s = self._monitor.servers.values(), clock.unix_s(), clock.now_s()
        for watched in servers:
            history = watched.history
            behind = int(now_s // history.bucket_s) - (history.newest or 0)
            if history.newest is not None and behind < history.length:
                readings = (*history.buckets, *(GAP,) * behind)[-history.length :]
                charts[watched.key] = Chart(unix_s, history.bucket_s, readings)
        accounts: Dict[str, Account] = {}
        for watched in servers:
            accounts.update(watched.kept)  # also of where it was before it moved
        accounts.update((watched.key, replace(watched.account, name=watched.name)) for watched in servers)
        return Kept(accounts, charts, unix_s)

    # on a thread of its own

    def _read(self, makes_folder: bool) -> None:
        found = EMPTY
        try:
            if makes_folder:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._seen_ns, content = self._changed_ns(), files.read(self._path)
            found = parse(content) if content is not None else EMPTY
            self._there = content is not None
        except (OSError, NewerVersion, ValueError):
            pass  # `_put` judges it
        self._found = found

    def _put(self, before: Optional[threading.Thread], kept: Kept, end: bool) -> None:
        if before is not None:
            before.join()
        if not end and kept.accounts == self._written and self._changed_ns() == self._seen_ns:
            return
        try:
            with _alone(self._path.parent):
                self._put_together(kept, end=end)
        except NewerVersion:
            self._written, self._seen_ns = kept.accounts, self._changed_ns()
        except (OSError, ValueError):
            files.discard_quietly(files.beside(self._path))  # a full disk is no reason to disturb the menu

    def _put_together(self, kept: Kept, *, end: bool) -> None:
        """Write what is kept together with what stands there."""
        changed_ns, content = self._changed_ns(), files.read(self._path)
        if (content is None and os.path.lexists(self._path)) or (self._plugin and not os.path.exists(self._plugin)):
            return
        if content is None and self._there:
            self._there, self._taken_away = False, True
            return
        there = _understood(content)
        before = there or EMPTY
        both = merged(kept.accounts, before.accounts)
        if end:  # in between, two who call a server by different names would write in turn
            both = {key: replace(one, name=kept.accounts.get(key, one).name) for key, one in both.items()}
        new = end or both != before.accounts
        if new:
            self._replace(Kept(both, {**before.charts, **kept.charts}, kept.written_unix_s), aside=there is None)
            changed_ns = self._changed_ns()
        self._written, self._seen_ns, self._found = kept.accounts, changed_ns, Kept(both, {})
        self._there = new or content is not None

    def _replace(self, kept: Kept, *, aside: bool) -> None:
        """Put a file in place of the one that stands there, which is renamed first if it is not understood."""
        accounts = {key: newest_days(account, self._days) for key, account in kept.accounts.items()}
        fresh = {
            key: chart for key, chart in kept.charts.items()
            if 0 <= kept.written_unix_s - chart.read_unix_s < chart.bucket_s * BUCKETS
        }  # fmt: skip
        content = dump(Kept(accounts, fresh, kept.written_unix_s))
        parse(content)  # what could not be read again is not put in place of what can
        files.sweep(self._path)
        files.write_new(files.beside(self._path), content, mode=files.PRIVATE_MODE)
        if aside:
            _set_aside(self._path)
        os.replace(files.beside(self._path), self._path)

    def _changed_ns(self) -> int:
        try:
            return os.stat(self._path).st_mtime_ns
        except OSError:
            return 0


def _understood(content: Optional[bytes]) -> Optional[Kept]:
    """Return what a file says, nothing if there is none; None for one that is not understood; raise NewerVersion."""
    try:
        return parse(content) if content is not None else EMPTY
    except ValueError:
        return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock a folder for a moment. The lock is its own: no file is left of it."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _set_aside(path: Path) -> None:
    """Rename a file that is not understood to a name that was never used; raise OSError where that cannot be done."""
    names = (path.with_name(f"{path.stem}-damaged-{number}{path.suffix}") for number in range(1, 1000))
    os.replace(path, next(name for name in names if not os.path.lexists(name)))
