"""The history on disk: what was answered by day and model, and the last minutes of readings.

Laws: written at most once a minute, and only where more was counted than stands there already; one process at a time,
by a lock, and each takes up what the others wrote; put in place whole, never on the loop's thread. What is not
understood is set aside, never overwritten; what a newer version wrote is left alone; a file that was removed meanwhile
is not made again. Names of servers and models, counts and readings are in it; of an address only a digest.
"""

import hashlib
import json
import math
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from llamabar.core.asks import is_local
from llamabar.core.history import BUCKET_S, GAP, Readings, restored
from llamabar.core.ledger import Account, Mark, Sums, merged, newest_days
from llamabar.monitor import Monitor
from llamabar.sources import clock
from llamabar_installer import files
from llamabar_installer.places import data_folder

VERSION = 1
NAME = "history.json"
EVERY_S = 60.0
LOCK_S, LOCK_EVERY_S = 1.0, 0.02
MOST = 2**53  # of a count: more is damage


@dataclass(frozen=True)
class Kept:
    """What the file says, by key of the server. `readings` are newest last, the newest taken at `read_unix_s`."""

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
        accounts = {str(key): _account(said) for key, said in document["servers"].items()}
        readings = {
            str(key): tuple(Readings(*map(_number, one)) for one in found)
            for key, found in document["readings"].items()
        }
        return Kept(accounts, readings, float(document["bucket_s"]), float(document["read_unix_s"]))
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise ValueError(f"{NAME} is not understood ({type(error).__name__})") from None


def dump(kept: Kept) -> bytes:
    """Return the file."""
    servers = {
        key: {
            "name": account.name,
            "mark": account.mark,
            "gaps": sorted(account.gaps),
            "days": {day: {model: [*sums[:4], round(sums[4], 3)] for model, sums in models.items()}
                     for day, models in account.days.items()},
        }
        for key, account in kept.accounts.items()
    }  # fmt: skip
    document = {
        "llamabar_history": VERSION, "read_unix_s": kept.read_unix_s, "bucket_s": kept.bucket_s,
        "servers": servers, "readings": kept.readings,
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode("utf-8") + b"\n"


def key_of(url: str) -> str:
    """Return what names a server in the file: a digest of where it is; this computer has one, however it is called."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    place = f"here:{port}" if is_local(url) else f"{(parts.hostname or '').lower()}:{port}{parts.path}"
    return hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:16]


class Keeper:
    """Keeps the history of one monitor. `days`: of how many totals are kept; None: of all, since nobody can tell."""

    def __init__(self, monitor: Monitor, environment: Mapping[str, str], *, days: Optional[float]) -> None:
        self._monitor = monitor
        self._path = data_folder(environment) / NAME
        self._plugin = environment.get("LLAMABAR_FILE", "")
        self._days = days
        self._next_s = clock.now_s() + EVERY_S
        self._thread: Optional[threading.Thread] = None
        self._there = False  # the file was: if it is gone, it was taken off
        self._written: Mapping[str, Account] = {}

    def load(self) -> None:
        """Take up the history where it was left."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return
        content = files.read(self._path)
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
            if self._accounts() != self._written:
                self._write(end=False)
        return False

    def end(self) -> None:
        """Begin to write down everything; `finish` waits for it."""
        if not self._is_writing():
            self._write(end=True)

    def finish(self, seconds: float) -> None:
        """Wait until what was begun is written, at most so long."""
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    def _is_writing(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _take(self, kept: Kept) -> None:
        age_s, now_s = clock.unix_s() - kept.read_unix_s, clock.now_s()
        for watched in self._monitor.servers.values():
            key, history = key_of(watched.url), watched.history
            watched.account = kept.accounts.get(key, watched.account)
            if kept.bucket_s == history.bucket_s and 0 <= age_s < history.span_s and history.newest is None:
                watched.history = restored(history, kept.readings.get(key, ()), newest_s=now_s - age_s)

    def _accounts(self) -> Dict[str, Account]:
        servers = self._monitor.servers.values()
        return {key_of(watched.url): replace(watched.account, name=watched.name) for watched in servers}

    def _write(self, *, end: bool) -> None:
        self._thread = threading.Thread(target=self._put, args=(self._kept(), end), name="history", daemon=True)
        self._thread.start()

    def _kept(self) -> Kept:
        readings: Dict[str, Tuple[Readings, ...]] = {}
        bucket_s, now_s = BUCKET_S, clock.now_s()
        for watched in self._monitor.servers.values():
            history, bucket_s = watched.history, watched.history.bucket_s
            behind = int(now_s // bucket_s) - (history.newest or 0)
            if history.newest is not None and behind < history.length:
                readings[key_of(watched.url)] = (*history.buckets, *(GAP,) * behind)[-history.length :]
        return Kept(self._accounts(), readings, bucket_s, clock.unix_s())

    def _put(self, kept: Kept, end: bool) -> None:
        try:
            with _alone(self._path.parent) as alone:
                if alone and self._put_together(kept, end=end):
                    self._written = kept.accounts
        except OSError:
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
            return False
        except ValueError:
            _set_aside(self._path)
            before = Kept({}, {})
        both = merged(kept.accounts, before.accounts)
        if not end and both == before.accounts:
            return True
        if self._days is not None:
            both = {key: newest_days(account, int(self._days)) for key, account in both.items()}
        files.sweep(self._path)
        whole = Kept(both, {**before.readings, **kept.readings}, kept.bucket_s, kept.read_unix_s)
        files.write_new(files.beside(self._path), dump(whole), mode=files.PRIVATE_MODE)
        os.replace(files.beside(self._path), self._path)
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


def _account(said: Any) -> Account:
    mark = None if said["mark"] is None else Mark(_count(said["mark"][0]), float(said["mark"][1]))
    days = {
        str(day): {str(model): _sums(sums) for model, sums in models.items()}
        for day, models in said["days"].items()
    }
    return Account(str(said["name"]), mark, days, frozenset(map(str, said["gaps"])))


def _sums(said: Any) -> Sums:
    requests, prompt_tokens, generated_tokens, timed_tokens, generation_s = said
    return Sums(
        _count(requests), _count(prompt_tokens), _count(generated_tokens), _count(timed_tokens),
        _number(generation_s) or 0.0,
    )  # fmt: skip


def _count(value: Any) -> int:
    if not -MOST < value < MOST:
        raise ValueError("a count out of bounds")
    return int(value)


def _number(value: Any) -> Optional[float]:
    if value is not None and not math.isfinite(value):
        raise ValueError("a number that is none")
    return None if value is None else float(value)
