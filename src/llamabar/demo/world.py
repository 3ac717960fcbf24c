"""The state of the built-in llama-swap: models and their processes, event listeners, logs, finished requests."""

import json
import os
import queue
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Tuple

from llamabar.demo.dialect import DIALECTS, MODELS, DemoModel, Dialect, Process, find

HEALTH_EVERY_S = 0.1
STOP_S = 5.0
QUEUE_LENGTH = 1024
LOG_LIMIT = 100_000


class LoadFailed(Exception):
    """The model's server couldn't be started; the text is llama-swap's own."""


class World:
    """All state, thread-safe: one lock, never held during slow work."""

    def __init__(self, dialect: str = "v250", models: Tuple[DemoModel, ...] = MODELS) -> None:
        self.dialect: Dialect = DIALECTS[dialect]
        self.models = models
        self.processes = {model.id: Process(model, free_port()) for model in models}
        self.change = threading.Condition()
        self.ended = threading.Event()
        self.listeners: List[queue.Queue[Optional[bytes]]] = []
        self.rows: List[Dict[str, Any]] = []
        self.has_gpu = False
        self.profile: Optional[str] = None
        self.profiles: List[Dict[str, Any]] = [
            {"id": "coding", "description": "Code first", "pins": {"llm": "coder-32b"}}
        ]
        self.logs = {"proxy": "", "upstream": ""}
        self.current_inflight: Callable[[], Dict[str, Any]] = dict
        threading.Thread(target=self._watch_ttl, daemon=True).start()

    # events

    def listen(self) -> "queue.Queue[Optional[bytes]]":
        """Return a queue that starts with the burst of a new connection; None in it is the end."""
        listener: queue.Queue[Optional[bytes]] = queue.Queue(QUEUE_LENGTH)
        with self.change:
            for source in ("proxy", "upstream"):
                listener.put(frame("logData", {"data": self.logs[source], "source": source}))
            for kind in self.dialect.burst:
                listener.put(frame(kind, self._now(kind)))
            self.listeners.append(listener)
        return listener

    def publish(self, kind: str, data: Any) -> None:
        """Send an event to every listener; one that doesn't read loses it."""
        piece = frame(kind, data)
        with self.change:
            for listener in self.listeners:
                try:
                    listener.put_nowait(piece)
                except queue.Full:
                    continue

    def leave(self, listener: "queue.Queue[Optional[bytes]]") -> None:
        """Stop sending to a listener."""
        with self.change:
            if listener in self.listeners:
                self.listeners.remove(listener)

    def hang_up(self) -> None:
        """End every event stream, as a reload of the configuration does."""
        with self.change:
            for listener in self.listeners:
                listener.put_nowait(None)
            self.listeners.clear()

    def log(self, source: str, text: str) -> None:
        """Add to a log; each write is an event."""
        with self.change:
            self.logs[source] = (self.logs[source] + text)[-LOG_LIMIT:]
        self.publish("logData", {"data": text, "source": source})

    def status(self) -> List[Dict[str, Any]]:
        """Return the model table."""
        found = []
        for model in sorted(self.models, key=lambda model: model.id):
            entry: Dict[str, Any] = {
                "id": model.id, "name": model.name, "description": model.description,
                "state": self.processes[model.id].state, "unlisted": model.unlisted, "peerID": "",
            }  # fmt: skip
            if model.aliases:
                entry["aliases"] = list(model.aliases)
            found.append({key: value for key, value in entry.items() if key in self.dialect.model_fields})
        return found

    def performance(self) -> Dict[str, Any]:
        """Return the content of /api/performance, with a GPU only if `has_gpu`."""
        busy = any(process.in_flight for process in self.processes.values())
        gpu = {"timestamp": stamp(), "id": 0, "name": "made up", "gpu_util_pct": 96 if busy else 2, "power_draw_w": 0}
        return {"enabled": True, "gpu_stats": [gpu] if self.has_gpu else None, "sys_stats": None}

    def running(self) -> List[Dict[str, Any]]:
        """Return the list of /running."""
        found = []
        for model_id, process in sorted(self.processes.items()):
            if process.state == "stopped" or (self.dialect.running_ready_only and process.state != "ready"):
                continue
            entry: Dict[str, Any] = {
                "model": model_id, "state": process.state, "cmd": " ".join(process.command),
                "proxy": f"http://localhost:{process.port}", "ttl": process.model.ttl_s,
                "name": process.model.name, "description": process.model.description,
            }  # fmt: skip
            found.append({key: entry[key] for key in self.dialect.running_fields})
        return found

    # models

    def acquire(self, wanted: str) -> Process:
        """Return a ready model for one request, swapping out others when they are idle; raise LoadFailed."""
        model = find(self.models, wanted)
        if model is None:
            raise KeyError(wanted)
        process = self.processes[model.id]
        while True:
            with self.change:
                if process.state == "ready":
                    process.in_flight += 1
                    return process
                others = [p for p in self.processes.values() if p is not process and p.state != "stopped"]
                victims = [] if model.stays else [p for p in others if not p.model.stays]
                busy = process.state != "stopped" or any(p.in_flight or p.state != "ready" for p in victims)
                if busy:
                    self.change.wait(0.1)
                    continue
                for victim in victims:
                    victim.state = "stopping"
                if not victims:
                    process.state = "starting"
            if victims:
                self.publish("modelStatus", self.status())
                for victim in victims:
                    self._end(victim)
            else:
                self._start(process)

    def release(self, process: Process) -> None:
        """Record that a request ended, which counts as use of the model."""
        with self.change:
            process.in_flight -= 1
            process.last_use_s = time.monotonic()
            self.change.notify_all()

    def unload(self, process: Process) -> None:
        """Stop a model, whatever it is doing; returns when its server is gone."""
        with self.change:
            if process.state in ("stopped", "stopping"):
                return
            process.state = "stopping"
        self.publish("modelStatus", self.status())
        self._end(process)

    def crash(self, model_id: str) -> None:
        """Kill a model's server, as if it had ended by itself."""
        child = self.processes[model_id].child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """Stop the models and end the streams."""
        self.ended.set()
        self.hang_up()
        for process in self.processes.values():
            self._kill(process)

    def _start(self, process: Process) -> None:
        self.publish("modelStatus", self.status())
        with open(os.devnull, "rb") as nothing:
            child = subprocess.Popen(process.command, stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        process.child = child
        threading.Thread(target=self._follow, args=(process, child), daemon=True).start()
        healthy = self._wait_for_health(process, child)
        with self.change:
            still = process.state == "starting"
            process.state = ("ready" if healthy else "stopped") if still else process.state
            process.last_use_s = time.monotonic()
            self.change.notify_all()
        if healthy and still:
            self.log(
                "proxy", f"[INFO] <{process.model.id}> Health check passed on http://localhost:{process.port}/health\n"
            )
        if healthy or not still or not self.dialect.silent_failures:
            self.publish("modelStatus", self.status())
        if not still:
            raise LoadFailed("unspecific error: group: model unloaded")
        if not healthy:
            self.log(
                "proxy", f"[WARN] group: starting {process.model.id} failed: upstream command exited prematurely\n"
            )
            raise LoadFailed("unspecific error: upstream command exited prematurely")

    def _wait_for_health(self, process: Process, child: "subprocess.Popen[bytes]") -> bool:
        while child.poll() is None and process.state == "starting" and not self.ended.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{process.port}/health", timeout=1) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                time.sleep(HEALTH_EVERY_S)
        return False

    def _end(self, process: Process) -> None:
        self._kill(process)
        with self.change:
            process.state = "stopped"
            self.change.notify_all()
        self.publish("modelStatus", self.status())

    def _kill(self, process: Process) -> None:
        child, process.child = process.child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _follow(self, process: Process, child: "subprocess.Popen[bytes]") -> None:
        """Copy a server's log until it ends; one that ends by itself goes to "stopped" without "stopping"."""
        assert child.stdout is not None
        with child.stdout as lines:
            for line in lines:
                self.log("upstream", line.decode("utf-8", "replace"))
        with self.change:
            crashed = process.state == "ready" and process.child is child
            if crashed:
                process.state, process.child = "stopped", None
                self.change.notify_all()
        if crashed:
            child.wait()
            if not self.dialect.silent_failures:
                self.publish("modelStatus", self.status())

    def _watch_ttl(self) -> None:
        while not self.ended.wait(0.25):
            now_s = time.monotonic()
            for process in self.processes.values():
                ttl_s = process.model.ttl_s
                idle = process.state == "ready" and not process.in_flight and ttl_s > 0
                if idle and now_s - process.last_use_s > ttl_s:
                    self.log("proxy", f"[INFO] <{process.model.id}> Unloading model, TTL of {ttl_s}s reached\n")
                    self.unload(process)

    def _now(self, kind: str) -> Any:
        if kind == "modelStatus":
            return self.status()
        if kind == "uiConfig":
            return {"activity": {"session_id": ["X-Session-ID", "X-Litellm-Session-Id"]}}
        if kind == "profileChanged":
            return {"active": self.profile}
        return list(self.rows) if kind == "metrics" else self.current_inflight()


def frame(kind: str, data: Any) -> bytes:
    """Return an event as llama-swap frames it: JSON within JSON, no blank after the colons."""
    envelope = dumps({"type": kind, "data": dumps(data).decode()})
    return b"event:message\ndata:" + envelope + b"\n\n"


def dumps(value: Any) -> bytes:
    """Return JSON as Go writes it: no blanks, and <, >, & escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8")


def stamp() -> str:
    """Return the time as Go writes it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
