"""The HTTP side of the built-in llama-swap: its routes, the event stream, and a real proxy to its models."""

import json
import queue
import re
import select
import socket
import threading
import time
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

from llamabar.demo.dialect import DIALECTS, DemoModel, Process, find
from llamabar.demo.forward import Outcome, forward, record
from llamabar.demo.inflight import Entry, Inflight
from llamabar.demo.modelserver import Connection, Server
from llamabar.demo.world import LoadFailed, World, dumps

UNLOGGED = ("/wol-health", "/api/performance")
NEWER = {route for dialect in DIALECTS.values() for route in dialect.routes}  # not every version has these
JSON_TYPE = "application/json"
INFERENCE = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/audio/transcriptions",
    "/v1/audio/speech", "/v1/images/generations",
)  # fmt: skip
SHOWN_HEADERS = ("Accept-Encoding", "Content-Length", "Content-Type", "User-Agent")


class DemoServer(Server):
    """A llama-swap on loopback. `requests` lists every request line it received, for tests."""

    def __init__(self, world: World, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world
        self.inflight = Inflight(world)
        self.requests: List[Tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Return the address to watch."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> "DemoServer":
        """Serve on a separate thread."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """End the streams, the models and the server."""
        self.world.close()
        self.shutdown()
        self.server_close()


class Handler(Connection):
    """One connection."""

    server: DemoServer

    def do_GET(self) -> None:
        """Answer a read-only route, or load a model through /upstream."""
        self._route({
            "/running": lambda: self._json({"running": self.world.running()}),
            "/v1/models": lambda: self._json({"data": self._listed(), "object": "list"}),
            "/health": lambda: self._body(200, "text/plain; charset=utf-8", b"OK"),
            "/wol-health": lambda: self._body(200, "text/plain; charset=utf-8", b"OK"),
            "/api/events": self._events,
            "/api/version": lambda: self._json(
                {"build_date": "unknown", "commit": "abcd1234", "version": self.world.dialect.version}
            ),
            "/api/profiles": lambda: self._json({"active": self.world.profile, "profiles": self.world.profiles}),
            "/api/metrics": lambda: self._json(self.world.rows or (None if self.world.dialect.flat_rows else [])),
            "/api/metrics/activity": self._activity,
            "/api/performance": lambda: self._json(self.world.performance()),
            "/logs/stream/proxy": lambda: self._log("proxy"),
            "/logs/stream/upstream": lambda: self._log("upstream"),
            "/unload": self._unload_all,
            "/ui/": lambda: self._body(200, "text/html", b"<title>llama-swap</title>made up\n"),
        })  # fmt: skip

    def do_POST(self) -> None:
        """Answer an inference route, an unload or a cancel."""
        self._route({
            **dict.fromkeys(INFERENCE, self._infer),
            "/api/models/unload": self._unload_all,
        })  # fmt: skip

    def do_PUT(self) -> None:
        """Choose a profile."""
        self._route({"/api/profiles/active": self._choose_profile})

    @property
    def world(self) -> World:
        """Return the state behind this server."""
        return self.server.world

    def _route(self, routes: Dict[str, Any]) -> None:
        began_s, path = time.monotonic(), urlsplit(self.path).path
        self.server.requests.append((self.command, self.path))
        self.answered = (0, 0)
        self.sent_body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self._dispatch(routes, path)
        except OSError:
            self.close_connection = True
        if path not in UNLOGGED:
            status, count = self.answered
            line = f'"{self.command} {self.path} HTTP/1.1" {status} {count} "{self.headers.get("User-Agent", "")}"'
            self.world.log("proxy", f"[INFO] Request 127.0.0.1 {line} {(time.monotonic() - began_s) * 1000:.3f}ms\n")

    def _dispatch(self, routes: Dict[str, Any], path: str) -> None:
        if path in routes and (path not in NEWER or path in self.world.dialect.routes):
            routes[path]()
        elif self.command == "GET" and path.startswith("/upstream/"):
            self._upstream(path)
        elif self.command == "POST" and path.startswith("/api/models/unload/") and self.world.dialect.unload_one:
            self._unload_one(unquote(path[len("/api/models/unload/") :]))
        elif self.command == "POST" and path.startswith("/api/inflight/") and self.world.dialect.cancel:
            self._cancel(path.split("/")[3])
        else:
            missing = b"404 page not found\n" if self.world.dialect.source_in_errors else b""
            self._body(404, "text/plain; charset=utf-8", missing)

    def _events(self) -> None:
        listener = self.world.listen()
        self.begin_chunks("text/event-stream")
        try:
            while not self.world.ended.is_set():
                try:
                    piece = listener.get(timeout=0.2)
                except queue.Empty:
                    if self._has_hung_up():
                        break
                    continue
                if piece is None:
                    break
                self.send_chunk(piece)
            self.send_chunk(b"")
        finally:
            self.close_connection = True
            self.world.leave(listener)

    def _log(self, source: str) -> None:
        """Send a log, then new text as it comes, until the caller disconnects."""
        self.begin_chunks("text/plain")
        self.close_connection, sent = True, ""
        while not self.world.ended.wait(0.1) and not self._has_hung_up():
            log = self.world.logs[source]
            if log != sent:
                self.send_chunk(log[len(sent) if log.startswith(sent) else 0 :].encode())
                sent = log

    def _has_hung_up(self) -> bool:
        """Tell whether the listener has closed its side, which Go's server also notices at once."""
        ready, _, _ = select.select([self.connection], [], [], 0)
        return bool(ready) and not self.connection.recv(1, socket.MSG_PEEK)

    def _activity(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        limit = max(1, min(999, int(asked.get("limit", ["25"])[0])))
        rows = self.world.rows
        page = {"data": rows[::-1][:limit], "page": 1, "limit": limit, "total": len(rows)}
        self._json({**page, "total_pages": -(-len(rows) // limit)})

    def _listed(self) -> List[Dict[str, Any]]:
        shown = [model for model in sorted(self.world.models, key=lambda m: m.id) if not model.unlisted]
        return [
            {"id": model.id, "object": "model", "created": int(time.time()), "owned_by": "llama-swap"}
            for model in shown
        ]

    def _infer(self) -> None:
        form = re.search(rb'name="model"\r\n\r\n([^\r]*)', self.sent_body)  # sent with a file
        body = {"model": form.group(1).decode()} if form else json.loads(self.sent_body or b"{}")
        wanted = str(body.get("model", ""))
        model = find(self.world.models, wanted)
        sent = {key: self.headers[key] for key in SHOWN_HEADERS if self.headers.get(key)}
        entry = self.server.inflight.add(model.id if model else wanted, urlsplit(self.path).path, sent)
        began_s, outcome = time.monotonic(), Outcome()
        process = None
        try:
            process = self._acquire(wanted, entry)
            outcome = forward(self, process, entry, self.server.inflight)
            self.answered = (outcome.status, entry.body["resp_bytes"])
        except (KeyError, LoadFailed) as error:
            missing = isinstance(error, KeyError)
            outcome.status = 404 if missing else 500
            outcome.error = "no router for requested model" if missing else str(error)
            self.server.inflight.headers(entry, {"Content-Type": JSON_TYPE})
            self._error(outcome.status, outcome.error)
        finally:
            self.server.inflight.remove(entry)
            if process is not None:
                self.world.release(process)
            record(self.world, entry, outcome, time.monotonic() - began_s)

    def _acquire(self, wanted: str, _entry: Entry) -> Process:
        return self.world.acquire(wanted)

    def _upstream(self, path: str) -> None:
        rest = path[len("/upstream/") :]
        wanted = unquote(rest.split("/")[0]) if self.world.dialect.unload_one else unquote(rest).split("/")[0]
        try:
            process = self.world.acquire(wanted)
        except KeyError:
            self._error(404, "no router for requested model")
        except LoadFailed as error:
            self._error(500, str(error))
        else:
            self.world.release(process)
            missing = {"message": "File Not Found", "type": "not_found_error", "code": 404}
            self._body(404, "application/json; charset=utf-8", dumps({"error": missing}))

    def _unload_one(self, wanted: str) -> None:
        model: Optional[DemoModel] = find(self.world.models, wanted)
        if model is None:
            self._error(404, "model not found")
            return
        self.world.unload(self.world.processes[model.id])
        self._body(200, "text/plain; charset=utf-8", b"OK")

    def _unload_all(self) -> None:
        for process in self.world.processes.values():
            self.world.unload(process)
        if self.command == "GET":
            self._body(200, "text/plain; charset=utf-8", b"OK")
        else:
            self._json({"msg": "ok"})

    def _cancel(self, number: str) -> None:
        if self.server.inflight.cancel(number):
            self._json({"msg": "ok"})
        else:
            self._error(404, "inflight request not found")

    def _choose_profile(self) -> None:
        name = json.loads(self.sent_body or b"{}").get("name") or None
        if name is not None and name not in [profile["id"] for profile in self.world.profiles]:
            self._error(404, "profile not found")
            return
        self.world.profile = name
        self.world.publish("profileChanged", {"active": name})
        self.world.publish("modelStatus", self.world.status())
        self._json({"active": name})

    def _error(self, status: int, message: str, **headers: str) -> None:
        source = {"src": "llama-swap"} if self.world.dialect.source_in_errors else {}
        self._body(status, JSON_TYPE, dumps({"error": message, **source}), **headers)

    def _json(self, value: Any) -> None:
        self._body(200, JSON_TYPE, dumps(value) + b"\n")

    def _body(self, status: int, kind: str, body: bytes, **more: str) -> None:
        self.answered = (status, len(body))
        self.send_body(status, kind, body, **more)
