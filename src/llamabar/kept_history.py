"""The history on disk: what was answered by day and model, and the last minutes of readings.

Laws: one process writes it, by a lock; written at most once a minute, only what changed, put in place whole, never on
the loop's thread. What is not understood is set aside, never overwritten; what a newer version wrote is left alone.
Names of servers and models, counts and readings are in it, and nothing else.
"""

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from llamabar.core.history import BUCKET_S, GAP, Readings, restored
from llamabar.core.ledger import Account, Mark, Sums, kept_since, merged
from llamabar.monitor import Monitor
from llamabar.sources import clock
from llamabar_installer import files
from llamabar_installer.places import data_folder

VERSION = 1
EVERY_S = 60.0
DAY_S = 86_400.0
NAME, LOCK = "history.json", ".history.lock"


@dataclass(frozen=True)
class Kept:
    """What the file says. `readings` are each server's, newest last, the newest taken at `read_unix_s`."""

    accounts: Mapping[str, Account]
    readings: Mapping[str, Tuple[Readings, ...]]
    bucket_s: float = 1.0
    read_unix_s: float = 0.0


class NewerVersion(Exception):
    """The file was written by a version of this program that is newer than this one."""


def parse(content: bytes) -> Kept:
    """Return what a file says; raise ValueError for one that is not understood, NewerVersion for a later one's."""
    try:
        document = json.loads(content)
        if document["llamabar_history"] > VERSION:
            raise NewerVersion
        accounts = {str(server): _account(said) for server, said in document["servers"].items()}
        readings = {
            str(server): tuple(Readings(*map(_number, one)) for one in found)
            for server, found in document["readings"].items()
        }
        return Kept(accounts, readings, float(document["bucket_s"]), float(document["read_unix_s"]))
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise ValueError(f"{NAME} is not understood ({type(error).__name__})") from None


def dump(kept: Kept) -> bytes:
    """Return the file."""
    servers = {
        server: {
            "mark": account.mark,
            "gaps": sorted(account.gaps),
            "days": {day: {model: [*sums[:4], round(sums[4], 3)] for model, sums in models.items()}
                     for day, models in account.days.items()},
        }
        for server, account in kept.accounts.items()
    }  # fmt: skip
    document = {
        "llamabar_history": VERSION, "read_unix_s": kept.read_unix_s, "bucket_s": kept.bucket_s,
        "servers": servers, "readings": kept.readings,
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode("utf-8") + b"\n"


class Keeper:
    """Keeps the history of one monitor, if no other process does."""

    def __init__(self, monitor: Monitor, environment: Mapping[str, str], *, days: float) -> None:
        self._monitor = monitor
        self._folder = data_folder(environment)
        self._plugin = environment.get("LLAMABAR_FILE", "")
        self._days = days
        self._others: Mapping[str, Account] = {}  # servers that the settings do not name any more, or not here
        self._lock: Optional[int] = None
        self._spoiled = False
        self._next_s = clock.now_s() + EVERY_S
        self._written: Optional[Mapping[str, Account]] = None
        self._thread: Optional[threading.Thread] = None

    def load(self) -> None:
        """Take up the history where it was left."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return
        self._own()
        self._take_up()
        self._written = self._accounts()

    def note(self) -> bool:
        """Write down what changed, if it is time to; False, so that a loop goes on."""
        if clock.now_s() < self._next_s or (self._thread is not None and self._thread.is_alive()):
            return False
        self._next_s = clock.now_s() + EVERY_S
        if self._lock is None and self._own():
            self._take_up()
        accounts = self._accounts()
        if accounts != self._written:
            self._write(accounts)
        return False

    def end(self) -> None:
        """Begin to write down everything; `finish` waits for it."""
        if self._thread is None or not self._thread.is_alive():
            self._write(self._accounts())

    def finish(self, seconds: float) -> None:
        """Wait until what was begun is written, at most so long, and let others write from now on."""
        if self._thread is not None:
            self._thread.join(seconds)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _own(self) -> bool:
        """Try to become the one who writes; tell whether that succeeded."""
        try:
            import fcntl

            descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT, files.PRIVATE_MODE)
        except (ImportError, OSError):
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _take_up(self) -> None:
        path = self._folder / NAME
        content = files.read(path)
        self._spoiled = content is None and os.path.lexists(path)
        if content is None:
            return
        try:
            self._take(parse(content))
        except NewerVersion:
            self._spoiled = True
        except ValueError:
            self._spoiled = self._lock is None or not _set_aside(path)

    def _take(self, kept: Kept) -> None:
        servers = self._monitor.servers
        accounts = merged({name: watched.account for name, watched in servers.items()}, kept.accounts)
        self._others = {name: account for name, account in accounts.items() if name not in servers}
        age_s, now_s = clock.unix_s() - kept.read_unix_s, clock.now_s()
        for name, watched in servers.items():
            watched.account, history = accounts.get(name, watched.account), watched.history
            if kept.bucket_s == history.bucket_s and 0 <= age_s < history.span_s and history.newest is None:
                watched.history = restored(history, kept.readings.get(name, ()), newest_s=now_s - age_s)

    def _accounts(self) -> Dict[str, Account]:
        oldest = clock.local_day(clock.unix_s() - self._days * DAY_S)
        mine = {name: watched.account for name, watched in self._monitor.servers.items()}
        return {name: kept_since(account, oldest) for name, account in {**self._others, **mine}.items()}

    def _write(self, accounts: Mapping[str, Account]) -> None:
        if self._lock is None or self._spoiled:
            return
        self._written = accounts
        words = (self._folder / NAME, self._kept(accounts), self._plugin)
        self._thread = threading.Thread(target=_put, args=words, name="history", daemon=True)
        self._thread.start()

    def _kept(self, accounts: Mapping[str, Account]) -> Kept:
        readings: Dict[str, Tuple[Readings, ...]] = {}
        bucket_s, now_s = BUCKET_S, clock.now_s()
        for name, watched in self._monitor.servers.items():
            history, bucket_s = watched.history, watched.history.bucket_s
            behind = int(now_s // bucket_s) - (history.newest or 0)
            if history.newest is not None and behind < history.length:
                readings[name] = (*history.buckets, *(GAP,) * behind)[-history.length :]
        return Kept(accounts, readings, bucket_s, clock.unix_s())


def _put(path: Path, kept: Kept, plugin: str) -> None:
    if plugin and not os.path.exists(plugin):
        return  # uninstall took it off, and the history with it if that was wanted
    try:
        files.write_new(files.beside(path), dump(kept), mode=files.PRIVATE_MODE)
        os.replace(files.beside(path), path)
    except OSError:
        pass  # a disk that is full or read-only is no reason to disturb the menu; doctor says so


def _set_aside(path: Path) -> bool:
    """Rename a file that is not understood to a name that was never used; tell whether that could be done."""
    for number in range(1, 100):
        aside = path.with_name(f"{path.stem}-damaged-{number}{path.suffix}")
        if not os.path.lexists(aside):
            try:
                os.replace(path, aside)
                return True
            except OSError:
                return False
    return False


def _account(said: Any) -> Account:
    mark = None if said["mark"] is None else Mark(float(said["mark"][0]), int(said["mark"][1]))
    days = {
        str(day): {str(model): _sums(sums) for model, sums in models.items()}
        for day, models in said["days"].items()
    }
    return Account(mark, days, frozenset(map(str, said["gaps"])))


def _sums(said: Any) -> Sums:
    requests, prompt_tokens, generated_tokens, timed_tokens, generation_s = said
    return Sums(int(requests), int(prompt_tokens), int(generated_tokens), int(timed_tokens), float(generation_s))


def _number(value: Any) -> Optional[float]:
    return None if value is None else float(value)
