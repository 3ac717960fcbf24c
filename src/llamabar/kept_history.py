"""The history on disk: what was answered by day and model, and the last minutes of readings.

Laws: written at most once a minute, and only where more was counted than stands there already; one process at a time,
by a lock, and each takes up what the others counted; put in place whole, never on the loop's thread. What is not
understood is set aside, never overwritten; what a newer version wrote is left alone; a file that was removed meanwhile
is not made again.
"""

import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterable, Iterator, Mapping, Optional

from llamabar.core.history import BUCKETS, GAP, restored
from llamabar.core.ledger import NOTHING, Account, merged, newest_days, requests
from llamabar.history_file import FOUND, NAME, Chart, Kept, NewerVersion, dump, key_of, parse
from llamabar.monitor import Monitor
from llamabar.sources import clock
from llamabar_installer import files
from llamabar_installer.places import data_folder

EVERY_S = 60.0
LOCK_S, LOCK_EVERY_S = 1.0, 0.02


class Keeper:
    """Keeps the history of one monitor. `days`: of how many totals are kept; None: of all, since nobody can tell."""

    def __init__(
        self, monitor: Monitor, environment: Mapping[str, str], *, days: Optional[float],
        discovered: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self._monitor = monitor
        self._path = data_folder(environment) / NAME
        self._plugin = environment.get("LLAMABAR_FILE", "")
        self._days = days
        self._next_s = clock.now_s() + EVERY_S
        self._thread: Optional[threading.Thread] = None
        self._there = False  # the file was: if it is gone, it was taken off
        self._written: Mapping[str, Account] = {}
        self._seen_ns = 0  # when the file was last changed, as far as it was read
        self._news: Optional[Mapping[str, Account]] = None  # what others wrote, for the loop to take up
        for watched in monitor.servers.values():
            watched.key = FOUND if watched.name in discovered else key_of(watched.url)

    def load(self) -> None:
        """Take up the history where it was left."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return
        content, self._seen_ns = files.read(self._path), self._changed_ns()
        self._there = content is not None
        try:
            if content is not None:
                self._take(parse(content))
        except (NewerVersion, ValueError):
            pass  # `_put` judges it
        self._written = self._accounts()

    def note(self) -> bool:
        """Write down what changed, if it is time to; False, so that a loop goes on."""
        if clock.now_s() >= self._next_s and not self._is_writing():
            self._next_s = clock.now_s() + EVERY_S
            self._take_up_news()
            if self._accounts() != self._written or self._changed_ns() != self._seen_ns:
                self._write(end=False)
        return False

    def end(self) -> None:
        """Begin to write down everything, after what is being written now; `finish` waits for it."""
        self._write(end=True)

    def finish(self, seconds: float) -> None:
        """Wait until what was begun is written, at most so long."""
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    def _is_writing(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _take(self, kept: Kept) -> None:
        unix_s, now_s = clock.unix_s(), clock.now_s()
        for watched in self._monitor.servers.values():
            watched.kept, watched.account = kept.accounts, kept.accounts.get(watched.key, watched.account)
            chart, history = kept.charts.get(watched.key), watched.history
            age_s = unix_s - chart.read_unix_s if chart is not None else 0.0
            if chart is None or chart.bucket_s != history.bucket_s or history.newest is not None:
                continue
            if 0 <= age_s < history.span_s:
                watched.history = restored(history, chart.readings, newest_s=now_s - age_s)

    def _take_up_news(self) -> None:
        """Take up what another process has counted more than this one, before more is counted here."""
        news, self._news = self._news, None
        for watched in self._monitor.servers.values() if news is not None else ():
            watched.kept = news or {}
            theirs = watched.kept.get(watched.key, NOTHING)
            if requests(theirs) > requests(watched.account):
                watched.account = theirs

    def _changed_ns(self) -> int:
        try:
            return os.stat(self._path).st_mtime_ns
        except OSError:
            return 0

    def _accounts(self) -> Dict[str, Account]:
        servers = self._monitor.servers.values()
        return {watched.key: replace(watched.account, name=watched.name) for watched in servers}

    def _write(self, *, end: bool) -> None:
        words = (self._thread, self._kept(), end)
        self._thread = threading.Thread(target=self._put, args=words, name="history", daemon=True)
        self._thread.start()

    def _kept(self) -> Kept:
        charts: Dict[str, Chart] = {}
        unix_s, now_s = clock.unix_s(), clock.now_s()
        for watched in self._monitor.servers.values():
            history = watched.history
            behind = int(now_s // history.bucket_s) - (history.newest or 0)
            if history.newest is not None and behind < history.length:
                readings = (*history.buckets, *(GAP,) * behind)[-history.length :]
                charts[watched.key] = Chart(unix_s, history.bucket_s, readings)
        return Kept(self._accounts(), charts, unix_s)

    def _put(self, before: Optional[threading.Thread], kept: Kept, end: bool) -> None:
        if before is not None:
            before.join()
        try:
            with _alone(self._path.parent) as alone:
                if alone and self._put_together(kept, end=end):
                    self._written = kept.accounts
        except (OSError, ValueError):
            files.discard_quietly(files.beside(self._path))  # a full disk is no reason to disturb the menu

    def _put_together(self, kept: Kept, *, end: bool) -> bool:
        """Write what is kept together with what stands there; tell whether all of it stands there now."""
        content = files.read(self._path)
        removed = content is None and (self._there or os.path.lexists(self._path))
        if removed or (self._plugin and not os.path.exists(self._plugin)):
            return False
        try:
            before = parse(content) if content is not None else Kept({}, {})
        except NewerVersion:
            self._seen_ns = self._changed_ns()
            return False
        except ValueError:
            _set_aside(self._path)
            before = Kept({}, {})
        both = merged(kept.accounts, before.accounts)
        self._news = both
        if not end and both == before.accounts:
            self._seen_ns = self._changed_ns()
            return True
        if self._days is not None:
            both = {key: newest_days(account, int(self._days)) for key, account in both.items()}
        files.sweep(self._path)
        fresh = {
            key: chart for key, chart in {**before.charts, **kept.charts}.items()
            if 0 <= kept.written_unix_s - chart.read_unix_s < chart.bucket_s * BUCKETS
        }  # fmt: skip
        content = dump(Kept(both, fresh, kept.written_unix_s))
        parse(content)  # what could not be read again is not put in place of what can
        files.write_new(files.beside(self._path), content, mode=files.PRIVATE_MODE)
        os.replace(files.beside(self._path), self._path)
        self._seen_ns = self._changed_ns()
        self._there = True
        return True


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Lock a folder for a moment; yields whether nobody else holds it. The lock is its own: no file is left of it."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        ends_s = clock.now_s() + LOCK_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if clock.now_s() >= ends_s:
                    yield False
                    return
                clock.wait(LOCK_EVERY_S)
        yield True
    finally:
        os.close(descriptor)


def _set_aside(path: Path) -> None:
    """Rename a file that is not understood to a name that was never used; raise OSError where that cannot be done."""
    names = (path.with_name(f"{path.stem}-damaged-{number}{path.suffix}") for number in range(1, 1000))
    os.replace(path, next(name for name in names if not os.path.lexists(name)))
