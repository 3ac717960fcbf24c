"""Requests in flight as llama-swap tracks and reports them, in each version's dialect."""

import threading
import time
from typing import Any, Callable, Dict, List, Optional

from llamabar.demo.world import World, stamp

UPDATE_EVERY_S = 0.25


class Entry:
    """One request in flight."""

    def __init__(self, number: int, model: str, path: str, headers: Dict[str, str]) -> None:
        self.began_s = time.monotonic()
        self.told_s = self.began_s
        self.timer: Optional[threading.Timer] = None
        self.canceled = threading.Event()
        self.on_cancel: Callable[[], None] = lambda: None
        self.body: Dict[str, Any] = {
            "id": str(number), "timestamp": stamp(), "model": model, "req_path": path, "method": "POST",
            "req_headers": headers, "remote_ip": "127.0.0.1", "resp_headers": {}, "resp_bytes": 0,
        }  # fmt: skip

    def as_json(self) -> Dict[str, Any]:
        """Return the entry with the elapsed time."""
        return {**self.body, "elapsed_ms": int((time.monotonic() - self.began_s) * 1000)}


class Inflight:
    """The table of requests in flight; each change is an event, bytes at most every 250 ms."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.Lock()
        self.entries: Dict[str, Entry] = {}
        self.count = 0
        world.current_inflight = self.current

    def add(self, model: str, path: str, headers: Dict[str, str]) -> Entry:
        """Add a request."""
        with self.lock:
            self.count += 1
            entry = Entry(self.count, model, path, headers)
            self.entries[entry.body["id"]] = entry
        self._tell({"operation": "upsert", "request": entry.as_json()})
        return entry

    def headers(self, entry: Entry, headers: Dict[str, str]) -> None:
        """Record the answer's headers."""
        entry.body["resp_headers"], entry.told_s = headers, time.monotonic()
        self._tell({"operation": "upsert", "request": entry.as_json()}, steps_only=True)

    def wrote(self, entry: Entry, count: int) -> None:
        """Record that bytes of the answer were passed on."""
        with self.lock:
            entry.body["resp_bytes"] += count
            rest_s = entry.told_s + UPDATE_EVERY_S - time.monotonic()
            if entry.timer is not None or entry.body["id"] not in self.entries:
                return
            if rest_s > 0:
                entry.timer = threading.Timer(rest_s, self._later, (entry,))
                entry.timer.daemon = True
                entry.timer.start()
                return
        self._later(entry)

    def remove(self, entry: Entry) -> None:
        """Remove a request that has ended."""
        with self.lock:
            self.entries.pop(entry.body["id"], None)
            if entry.timer is not None:
                entry.timer.cancel()
        self._tell({"operation": "remove", "id": entry.body["id"]})

    def cancel(self, number: str) -> bool:
        """Cancel a request from outside; return whether it existed."""
        with self.lock:
            entry = self.entries.get(number)
        if entry is None:
            return False
        entry.canceled.set()
        entry.on_cancel()
        return True

    def current(self) -> Dict[str, Any]:
        """Return the state sent to a new connection; an empty operations snapshot has no list."""
        with self.lock:
            requests: List[Dict[str, Any]] = [entry.as_json() for entry in self.entries.values()]
        if self.world.dialect.inflight == "count":
            return {"total": len(requests)}
        if self.world.dialect.inflight == "list":
            keys = ("id", "timestamp", "model", "req_path", "method")
            return {"requests": [{key: request[key] for key in keys} for request in requests]}
        return {"operation": "snapshot", **({"requests": requests} if requests else {})}

    def _later(self, entry: Entry) -> None:
        with self.lock:
            entry.timer, entry.told_s = None, time.monotonic()
            if entry.body["id"] not in self.entries:
                return
            change = {"operation": "upsert", "request": entry.as_json()}
        self._tell(change, steps_only=True)

    def _tell(self, change: Dict[str, Any], *, steps_only: bool = False) -> None:
        """Publish a change. Older dialects report only starts and ends, with everything in flight."""
        if self.world.dialect.inflight == "operations":
            self.world.publish("inflight", change)
        elif self.world.dialect.inflight != "none" and not steps_only:
            self.world.publish("inflight", self.current())
