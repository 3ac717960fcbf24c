"""The made-up llama-swap's HTTP side: the routes of its dialect, the event stream, and a real proxy to its models."""

import http.client
import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

from llamabar.demo.dialect import DemoModel, find
from llamabar.demo.inflight import Entry, Inflight
from llamabar.demo.world import LoadFailed, Process, World, dumps, stamp

UNLOGGED = ("/wol-health", "/api/performance", "/metrics")
PUBLIC = ("/health", "/wol-health")
JSON_TYPE = "application/json"
SHOWN_HEADERS = ("Accept-Encoding", "Content-Length", "Content-Type", "User-Agent")


class DemoServer(ThreadingHTTPServer):
    """A llama-swap on loopback. `requests` is every request line it got, for tests."""

    daemon_threads = True

    def __init__(self, world: World, port: int = 0, api_key: str = "") -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world
        self.inflight = Inflight(world)
        self.api_key = api_key
        self.requests: List[Tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Return the address to watch."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> "DemoServer":
        """Serve on a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """End the streams, the models and the server."""
        self.world.close()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: DemoServer

    def do_GET(self) -> None:
        """Answer a reading route, or load a model through /upstream."""
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
            "/api/performance": lambda: self._json({"enabled": True, "gpu_stats": None, "sys_stats": None}),
            "/metrics": lambda: self._body(200, "text/plain; version=0.0.4; charset=utf-8", b""),
            "/api/hardware": lambda: self._json({"schema_version": 1, "captured_at": stamp(), "accelerators": []}),
            "/logs": lambda: self._body(200, "text/plain", self.world.logs["proxy"].encode()),
            "/unload": self._unload_all,
            "/ui/": lambda: self._body(200, "text/html", b"<title>llama-swap</title>made up\n"),
        })  # fmt: skip

    def do_POST(self) -> None:
        """Answer an inference route, an unload or a cancel."""
        self._route({
            "/v1/chat/completions": self._infer,
            "/v1/completions": self._infer,
            "/v1/embeddings": self._infer,
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
        if self.server.api_key and path not in PUBLIC and not self._has_key():
            self._error(401, "unauthorized: invalid or missing API key", {"WWW-Authenticate": 'Basic realm="llama-swap"'})
        elif path in routes and self._speaks(path):
            routes[path]()
        elif self.command == "GET" and path.startswith("/upstream/"):
            self._upstream(path)
        elif self.command == "POST" and path.startswith("/api/models/unload/") and self.world.dialect.unload_one:
            self._unload_one(unquote(path[len("/api/models/unload/") :]))
        elif self.command == "POST" and path.startswith("/api/inflight/") and self.world.dialect.cancel:
            self._cancel(path.split("/")[3])
        else:
            self._body(404, "text/plain; charset=utf-8", b"404 page not found\n" if self.world.dialect.source_in_errors else b"")

    def _speaks(self, path: str) -> bool:
        known = ("/health", "/wol-health", "/api/version", "/api/performance", "/metrics", "/api/metrics",
                 "/api/metrics/activity", "/api/profiles", "/api/profiles/active", "/api/hardware")  # fmt: skip
        return path not in known or path.replace("/active", "") in self.world.dialect.routes

    def _has_key(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.server.api_key}"

    def _events(self) -> None:
        listener = self.world.listen()
        self.send_response(200)
        for key, value in (("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"),
                           ("X-Accel-Buffering", "no"), ("Transfer-Encoding", "chunked")):  # fmt: skip
            self.send_header(key, value)
        self.end_headers()
        try:
            while not self.world.ended.is_set():
                try:
                    piece = listener.get(timeout=0.2)
                except queue.Empty:
                    continue
                if piece is None:
                    break
                self._chunk(piece)
            self.wfile.write(b"0\r\n\r\n")
        finally:
            self.close_connection = True
            self.world.leave(listener)

    def _activity(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        limit = max(1, min(999, int(asked.get("limit", ["25"])[0])))
        rows = self.world.rows
        page = {"data": rows[::-1][:limit], "page": 1, "limit": limit, "total": len(rows)}
        self._json({**page, "total_pages": -(-len(rows) // limit)})

    def _listed(self) -> List[Dict[str, Any]]:
        shown = [model for model in sorted(self.world.models, key=lambda m: m.id) if not model.unlisted]
        return [{"id": model.id, "object": "model", "created": int(time.time()), "owned_by": "llama-swap"} for model in shown]

    def _infer(self) -> None:
        body = json.loads(self.sent_body or b"{}")
        wanted = str(body.get("model", ""))
        model = find(self.world.models, wanted)
        sent = {key: self.headers[key] for key in SHOWN_HEADERS if self.headers.get(key)}
        entry = self.server.inflight.add(model.id if model else wanted, urlsplit(self.path).path, "POST", sent)
        began_s, outcome = time.monotonic(), Outcome()
        process = None
        try:
            process = self.world.acquire(wanted)
            if not entry.cancelled.is_set():
                self._forward(process, entry, outcome)
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
            self._record(entry, outcome, time.monotonic() - began_s)

    def _forward(self, process: Process, entry: Entry, outcome: "Outcome") -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", process.port, timeout=600)
        upstream.connect()
        entry.on_cancel = lambda: upstream.sock.shutdown(2) if upstream.sock else None
        try:
            upstream.request("POST", self.path, self.sent_body, {"Content-Type": JSON_TYPE})
            answer = upstream.getresponse()
            shown = {key: value for key, value in answer.getheaders() if key in ("Content-Type", "Content-Length", "Server")}
            self.server.inflight.headers(entry, shown)
            outcome.status, outcome.kind = answer.status, answer.headers.get("Content-Type", "")
            self._pass_on(answer, entry, outcome)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # the caller, the model or a cancel ended it
        finally:
            upstream.close()

    def _pass_on(self, answer: http.client.HTTPResponse, entry: Entry, outcome: "Outcome") -> None:
        streamed = "event-stream" in outcome.kind
        self.send_response(outcome.status)
        self.send_header("Content-Type", outcome.kind)
        self.send_header(*(("Transfer-Encoding", "chunked") if streamed else ("Content-Length", str(answer.length or 0))))
        self.end_headers()
        while True:
            piece = answer.read1(65536)
            if not piece:
                break
            outcome.tail = (outcome.tail + piece)[-8192:]
            if streamed:
                self._chunk(piece)
            else:
                self.wfile.write(piece)
            self.server.inflight.wrote(entry, len(piece))
        if streamed:
            self.wfile.write(b"0\r\n\r\n")
        outcome.whole = True
        self.answered = (outcome.status, entry.body["resp_bytes"])

    def _record(self, entry: Entry, outcome: "Outcome", took_s: float) -> None:
        tokens = outcome.tokens()
        row: Dict[str, Any] = {"id": len(self.world.rows) + (0 if self.world.dialect.finished == "metrics" else 1)}
        row.update(timestamp=stamp(), model=entry.body["model"])
        if self.world.dialect.flat_rows:
            if not outcome.whole:
                return
            row.update(input_tokens=tokens["input_tokens"], output_tokens=tokens["output_tokens"])
            row.update(tokens_per_second=tokens["tokens_per_second"], duration_ms=int(took_s * 1000))
        else:
            row.update(req_path=entry.body["req_path"], resp_content_type=outcome.kind, resp_status_code=outcome.status)
            row.update(tokens=tokens, duration_ms=int(took_s * 1000), has_capture=outcome.whole)
            row.update({"error_msg": outcome.error} if outcome.error else {"metadata": {"fifo_priority": "0"}})
        self.world.rows.append(row)
        if self.world.dialect.finished == "metrics":
            self.world.publish("metrics", row if self.world.dialect.flat_rows else [row])
        else:
            self.world.publish("activity", {"id": row["id"]})

    def _upstream(self, path: str) -> None:
        rest = path[len("/upstream/") :]
        wanted = unquote(rest.split("/")[0])
        try:
            process = self.world.acquire(wanted)
        except KeyError:
            self._error(404, "no router for requested model")
        except LoadFailed as error:
            self._error(500, str(error))
        else:
            self.world.release(process)
            error = {"message": "File Not Found", "type": "not_found_error", "code": 404}
            self._body(404, "application/json; charset=utf-8", dumps({"error": error}))

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

    def _error(self, status: int, message: str, headers: Optional[Dict[str, str]] = None) -> None:
        source = {"src": "llama-swap"} if self.world.dialect.source_in_errors else {}
        self._body(status, JSON_TYPE, dumps({"error": message, **source}), headers)

    def _json(self, value: Any) -> None:
        self._body(200, JSON_TYPE, dumps(value) + b"\n")

    def _body(self, status: int, kind: str, body: bytes, headers: Optional[Dict[str, str]] = None) -> None:
        self.answered = (status, len(body))
        self.send_response(status)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def _chunk(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """The access log is an event, not a line on stderr."""


class Outcome:
    """How a forwarded request ended."""

    def __init__(self) -> None:
        self.status = 200
        self.kind = JSON_TYPE
        self.tail = b""
        self.whole = False
        self.error = ""

    def tokens(self) -> Dict[str, Any]:
        """Return the row's figures from the answer's timings; all zero where it has none, as llama-swap does."""
        found: Dict[str, Any] = {}
        at = self.tail.rfind(b'"timings":{')
        if self.whole and at >= 0:
            found = json.loads(self.tail[at + 10 : self.tail.index(b"}", at) + 1])
        return {
            "cache_tokens": found.get("cache_n", 0),
            "draft_tokens": -1 if found else 0,
            "draft_acc_tokens": -1 if found else 0,
            "input_tokens": found.get("prompt_n", 0),
            "output_tokens": found.get("predicted_n", 0),
            "prompt_per_second": found.get("prompt_per_second", 0),
            "tokens_per_second": found.get("predicted_per_second", 0),
        }
