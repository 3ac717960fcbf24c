"""A stand-in for llama.cpp's llama-server: it loads, answers and reports its slots. It runs as a separate file, with
only the standard library, as a child of the demo or of a real llama-swap:

    modelserver.py --port 5801 --load-s 2 --tps 40 --prompt-tps 600 --slots 2 [--fail]

A request may carry {"demo": {"tps": [40, 250], "switch_s": 3}}: its speed then changes midway.
"""

import argparse
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator, List, Optional

FINGERPRINT = "b1-demo"
BATCH_TOKENS = 2048


class Slot:
    """One slot for a request. /slots reads its counters while it works."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.task: Optional[int] = None
        self.busy = False
        self.decoded = 0
        self.prompt_done = 0
        self.prompt_held = 0
        self.params: Dict[str, Any] = {}
        self.remaining = -1

    def as_json(self, context: int) -> Dict[str, Any]:
        """Return the slot as /slots reports it; one that never worked has only four fields."""
        body: Dict[str, Any] = {"id": self.number, "n_ctx": context, "speculative": False, "is_processing": self.busy}
        if self.task is None:
            return body
        token: Dict[str, Any] = {"has_next_token": self.busy and self.decoded > 0, "has_new_line": False}
        token.update(n_remain=self.remaining, n_decoded=self.decoded)
        body.update(id_task=self.task, n_prompt_tokens=self.prompt_held + self.decoded)
        body.update(n_prompt_tokens_processed=self.prompt_done, n_prompt_tokens_cache=0)
        return {**body, "params": self.params, "next_token": [token]}


class Model:
    """The model: slots, a queue for them, speeds and totals."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ready_s = time.monotonic() + options.load_s
        self.slots = [Slot(number) for number in range(options.slots)]
        self.free = threading.Semaphore(options.slots)
        self.lock = threading.Lock()
        self.tasks = itertools.count()

    def take_slot(self) -> Slot:
        """Wait for a free slot and return it."""
        self.free.acquire()
        with self.lock:
            slot = next(slot for slot in self.slots if not slot.busy)
            slot.busy, slot.decoded, slot.prompt_done, slot.task = True, 0, 0, next(self.tasks)
        return slot

    def give_back(self, slot: Slot) -> None:
        """Free a slot; its counters go back to zero."""
        with self.lock:
            slot.busy, slot.decoded, slot.prompt_done = False, 0, 0
        self.free.release()

    def generate(self, slot: Slot, answer: "Answer", pace: Dict[str, Any]) -> Iterator[str]:
        """Yield the words of an answer, one per token, at the requested speed."""
        slot.prompt_held, slot.remaining = answer.prompt_tokens, answer.wanted
        began_s = time.monotonic()
        while slot.prompt_done < answer.prompt_tokens:
            step = min(BATCH_TOKENS, answer.prompt_tokens - slot.prompt_done)
            time.sleep(step / self.options.prompt_tps)
            slot.prompt_done += step
        start_s = due_s = first_s = time.monotonic()
        answer.prompt_s = start_s - began_s
        speeds = pace.get("tps") or [self.options.tps]
        for _ in range(answer.wanted):
            index = int((due_s - start_s) // pace.get("switch_s", 1e9))
            due_s += 1.0 / speeds[min(index, len(speeds) - 1)]
            time.sleep(max(0.0, due_s - time.monotonic()))
            slot.decoded += 1
            slot.remaining -= 1
            first_s = time.monotonic() if slot.decoded == 1 else first_s  # the first one comes free with the prompt
            answer.count, answer.predicted_s = slot.decoded, time.monotonic() - first_s
            yield random.choice(WORDS)


class Answer:
    """One answer: its content, and how long it took."""

    def __init__(self, prompt_tokens: int, wanted: int) -> None:
        self.name = f"chatcmpl-{random.getrandbits(96):024x}"
        self.prompt_tokens = prompt_tokens
        self.wanted = wanted
        self.count = 0
        self.prompt_s = self.predicted_s = 0.0

    def body(self, kind: str, choices: List[Any], *, ended: bool = False) -> Dict[str, Any]:
        """Return an answer or a chunk of one; usage and timings come at its end."""
        body: Dict[str, Any] = {"choices": choices, "created": int(time.time()), "id": self.name}
        body.update(model="demo.gguf", system_fingerprint=FINGERPRINT, object=kind)
        return {**body, **self.ending()} if ended else body

    def ending(self) -> Dict[str, Any]:
        """Return usage and timings as llama-server ends an answer."""
        usage: Dict[str, Any] = {"completion_tokens": self.count, "prompt_tokens": self.prompt_tokens}
        usage.update(total_tokens=self.prompt_tokens + self.count, prompt_tokens_details={"cached_tokens": 0})
        timings: Dict[str, Any] = {"cache_n": 0}
        parts = (("prompt", self.prompt_tokens, self.prompt_s), ("predicted", self.count, self.predicted_s))
        for part, count, took_s in parts:
            took_s = max(took_s, 1e-6)
            timings.update({f"{part}_n": count, f"{part}_ms": took_s * 1e3})
            timings.update({f"{part}_per_token_ms": took_s * 1e3 / max(1, count), f"{part}_per_second": count / took_s})
        return {"usage": usage, "timings": timings}


WORDS = [" the", " a", " model", " token", " reads", " light", " and", ",", " of", " slowly", " answer", "."]


EMBEDDING: Dict[str, Any] = {
    "object": "list", "data": [{"index": 0, "embedding": [0.0] * 8}],
    "usage": {"prompt_tokens": 12, "total_tokens": 12},
}  # fmt: skip


class Connection(BaseHTTPRequestHandler):
    """A connection of either server of the demo: answers of known length, and chunks."""

    protocol_version = "HTTP/1.1"
    sent_body = b""

    def begin(self, status: int, headers: Dict[str, str]) -> None:
        """Send the status and headers of an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_body(self, status: int, kind: str, body: bytes, **more: str) -> None:
        """Send a whole answer; `more` are further headers."""
        self.begin(status, {"Content-Type": kind, "Content-Length": str(len(body)), **more})
        self.wfile.write(body)

    def begin_chunks(self, kind: str, status: int = 200) -> None:
        """Send the headers of an answer of unknown length."""
        self.begin(status, {"Content-Type": kind, "Transfer-Encoding": "chunked", "X-Accel-Buffering": "no"})

    def send_chunk(self, data: bytes) -> None:
        """Send a chunk of an answer; an empty one ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing on stderr: llama-server doesn't either, and llama-swap's access log is an event."""


class Handler(Connection):
    """llama-server's routes, as far as a monitor and a chat client use them."""

    server_version = "llama.cpp"
    sys_version = ""
    model: Model

    def do_GET(self) -> None:
        """Answer the read-only routes."""
        route, options = self.path.split("?")[0], self.model.options
        if time.monotonic() < self.model.ready_s:
            self.send_json(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
        elif route == "/health":
            self.send_json(200, {"status": "ok"})
        elif route == "/slots":
            self.send_json(200, [slot.as_json(options.context) for slot in self.model.slots])
        elif route == "/props":
            self.send_json(200, self.props())
        else:
            self.send_json(404, {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}})

    def do_POST(self) -> None:
        """Answer a chat, streamed or whole, or an embedding."""
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/embeddings"):
            self.send_json(200, EMBEDDING)
        else:
            self.chat(json.loads(sent or b"{}"))

    def chat(self, body: Dict[str, Any]) -> None:
        """Generate the requested number of tokens; a client that disconnects frees the slot."""
        words = sum(len(str(message.get("content", "")).split()) for message in body.get("messages", []))
        answer = Answer(words + 9, int(body.get("max_tokens") or 64))
        slot = self.model.take_slot()
        slot.params = {"max_tokens": answer.wanted, "n_predict": answer.wanted, "stream": bool(body.get("stream"))}
        try:
            tokens = self.model.generate(slot, answer, body.get("demo") or {})
            if body.get("stream"):
                self.stream(tokens, answer)
            else:
                message = {"role": "assistant", "content": "".join(tokens)}
                choice = {"finish_reason": "length", "index": 0, "message": message}
                self.send_json(200, answer.body("chat.completion", [choice], ended=True))
        except OSError:
            self.close_connection = True
        finally:
            self.model.give_back(slot)

    def stream(self, tokens: Iterator[str], answer: Answer) -> None:
        """Send chunks like llama-server: headers at once, the role, words, the end, usage and timings."""
        self.begin_chunks("text/event-stream")
        for word in tokens:
            if answer.count == 1:
                self.chunk(answer, {"delta": {"role": "assistant", "content": None}})
            self.chunk(answer, {"delta": {"content": word}})
        self.chunk(answer, {"finish_reason": "length", "delta": {}})
        self.chunk(answer, None)
        self.send_chunk(b"data: [DONE]\n\n")
        self.send_chunk(b"")

    def chunk(self, answer: Answer, choice: Optional[Dict[str, Any]]) -> None:
        """Send one event of a streamed answer; without a choice, the one with usage and timings."""
        choices = [] if choice is None else [{"finish_reason": None, "index": 0, **choice}]
        body = answer.body("chat.completion.chunk", choices, ended=choice is None)
        self.send_chunk(b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n")

    def props(self) -> Dict[str, Any]:
        """Return the content of /props."""
        static = {"model_path": "demo.gguf", "build_info": FINGERPRINT, "is_sleeping": False, "endpoint_slots": True}
        settings = {"n_ctx": self.model.options.context}
        return {"default_generation_settings": settings, "total_slots": len(self.model.slots), **static}

    def send_json(self, status: int, body: Any) -> None:
        """Send a JSON answer."""
        self.send_body(status, "application/json; charset=utf-8", json.dumps(body, separators=(",", ":")).encode())


def end_with(parent: int) -> None:
    """Exit when the parent process is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


class Server(ThreadingHTTPServer):
    """A server whose clients may disconnect at any time."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: a client that disconnects is no news."""


def main(arguments: Optional[List[str]] = None) -> int:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description="a made-up llama-server")
    parser.add_argument("--port", type=int, required=True)
    for name, usual in (("load-s", 1.0), ("tps", 40.0), ("prompt-tps", 600.0), ("slots", 2), ("context", 4096)):
        parser.add_argument(f"--{name}", type=type(usual), default=usual)
    parser.add_argument("--fail", action="store_true")
    options = parser.parse_args(arguments)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    print(f"srv    load_model: loading model 'demo.gguf', {options.slots} slots", flush=True)
    if options.fail:
        time.sleep(options.load_s)
        print("llama_model_load: error loading model: the made-up file is broken", flush=True)
        return 1
    handler = type("BoundHandler", (Handler,), {"model": Model(options)})
    Server(("127.0.0.1", options.port), handler).serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
