"""Recordings of real servers, played into the real pipeline: bytes, split points and times as they were.

Format: events.jsonl is the event stream (a first line with status and headers, then a line a read); calls.jsonl is
every other request with its answer, and marks that say what happened next.
"""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from llamabar.core.events import Fault, FaultKind
from llamabar.core.fields import unix_s
from llamabar.sources.client import Answer, Unreachable

NEAR_S = 2.0  # a query is answered by the recorded answer of its route at about that time
SLOTS_NEAR_S = 0.02
EMPTY_ACTIVITY = {"data": [], "page": 1, "limit": 25, "total": 0, "total_pages": 0}


class Read(NamedTuple):
    """Bytes of the event stream, and when they came."""

    at_s: float
    data: bytes


class Call(NamedTuple):
    """One recorded request."""

    at_s: float
    method: str
    url: str
    status: int
    body: bytes
    headers: Dict[str, str]


@dataclass(frozen=True)
class Recording:
    """One scripted run of one server."""

    reads: Tuple[Read, ...]
    calls: Tuple[Call, ...]
    marks: Tuple[Tuple[float, str], ...]
    ends_s: float
    began_unix_s: Optional[float]


def load(folder: Path) -> Recording:
    """Return the recording in a folder."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]
    calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text("utf-8").splitlines()]
    reads = tuple(Read(line["at_s"], _bytes(line)) for line in events if "status" not in line)
    return Recording(
        reads=tuple(read for read in reads if read.data),
        calls=tuple(_call(line) for line in calls if "url" in line and "text" in line),
        marks=tuple((line["at_s"], line["mark"]) for line in calls if "mark" in line),
        ends_s=max(read.at_s for read in reads),
        began_unix_s=_began(calls),
    )


def _bytes(line: Dict[str, Any]) -> bytes:
    return base64.b64decode(line["base64"]) if "base64" in line else str(line.get("text", "")).encode("utf-8")


def _call(line: Dict[str, Any]) -> Call:
    headers = {name.lower(): value for name, value in line.get("headers", {}).items()}
    return Call(line["start_s"], line["method"], line["url"], line["status"], line["text"].encode("utf-8"), headers)


def _began(calls: List[Dict[str, Any]]) -> Optional[float]:
    """Return the wall clock of the recording's time 0, by the stamp of its first finished request."""
    for line in calls:
        if "/api/metrics" in line.get("url", "") and line.get("status") == 200:
            body = json.loads(line["text"]) or {}
            rows = body.get("data", []) if isinstance(body, dict) else body
            moment = unix_s(rows[-1]["timestamp"]) if rows else None
            first_s = next((one["end_s"] for one in calls if "/chat/completions" in one.get("url", "")), None)
            if moment is not None and first_s is not None:
                return moment - float(first_s)
    return None


def pieces(recording: Recording, size: Optional[int] = None) -> Iterator[Read]:
    """Yield the reads as recorded, or split again into pieces of `size` bytes."""
    for read in recording.reads:
        step = size or len(read.data)
        for at in range(0, len(read.data), step):
            yield Read(read.at_s, read.data[at : at + step])


@dataclass
class RecordedClient:
    """Answers queries as the recorded server did at that time; the player sets `now_s`."""

    recording: Recording
    url: str = "http://127.0.0.1:8080"
    now_s: float = 0.0
    noted_id: int = 0  # the newest finished request that the stream reported
    asked: List[Tuple[str, str]] = field(default_factory=list)

    def at(self, url: str) -> "RecordedClient":
        """Return the client of another address in the same recording."""
        return RecordedClient(self.recording, url, self.now_s, asked=self.asked)

    def unix_s(self) -> float:
        """Return the recording's time."""
        return (self.recording.began_unix_s or 0.0) + self.now_s

    def call(self, method: str, path: str, *, body: bytes = b"", answer_s: Optional[float] = None) -> Answer:
        """Return the recorded answer nearest in time; raise Unreachable if there is none nearby."""
        self.asked.append((method, path))
        route = path.split("?")[0]
        if method == "POST":
            return self._refusal(route)
        near_s = SLOTS_NEAR_S if route == "/slots" else NEAR_S if route != "/running" else 1e9
        same = [call for call in self.recording.calls if call.method == method and self._is(call, route)]
        if route == "/running":  # queried only while a model is ready: an empty list is from another time
            same = [call for call in same if call.body.strip() != b'{"running":[]}']
        if route.startswith("/api/metrics") and same:
            return self._rows(same[-1])
        known = sorted(same, key=lambda call: abs(call.at_s - self.now_s))
        if not known or (abs(known[0].at_s - self.now_s) > near_s and route == "/slots"):
            raise Unreachable(Fault(FaultKind.TIMEOUT))
        return Answer(known[0].status, known[0].body, known[0].headers)

    def next_slots_s(self, url: str, within_s: float) -> Optional[float]:
        """Return when the recording next queried a model server's slots; None if not soon."""
        port = urlsplit(url).port
        times = [c.at_s for c in self.recording.calls if c.url.endswith("/slots") and urlsplit(c.url).port == port]
        return min((at_s for at_s in times if self.now_s <= at_s <= self.now_s + within_s), default=None)

    def _is(self, call: Call, route: str) -> bool:
        parts, mine = urlsplit(call.url), urlsplit(self.url)
        return parts.path == route and (parts.port == mine.port)

    def _refusal(self, route: str) -> Answer:
        """Answer a probe with the recorded refusal of such a route, else 404."""
        kind = "/api/inflight/" if route.startswith("/api/inflight/") else "/api/models/unload/nope"
        for call in self.recording.calls:
            if call.method == "POST" and kind in call.url and call.status == 404:
                return Answer(call.status, call.body, call.headers)
        return Answer(404, b"", {})

    def _rows(self, call: Call) -> Answer:
        """Return only the rows of requests that had finished by then."""
        body = json.loads(call.body) if call.status == 200 else None
        if call.status != 200 or self.recording.began_unix_s is None:
            return Answer(call.status, call.body, call.headers)
        rows = (body or {}).get("data", []) if isinstance(body, dict) else body or []
        until = self.recording.began_unix_s + self.now_s + 0.5
        if isinstance(body, dict):
            kept = [row for row in rows if row["id"] <= self.noted_id]
        else:
            kept = [row for row in rows if (unix_s(row["timestamp"]) or 0.0) <= until]
        shown: Any = {**EMPTY_ACTIVITY, "data": kept, "total": len(kept)} if isinstance(body, dict) else kept
        return Answer(200, json.dumps(shown).encode(), call.headers)
