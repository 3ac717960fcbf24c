"""A stand-in for llama.cpp's llama-server: loads, answers, tells its slots. It runs as a file of its own,
with the standard library alone, as a child of the demo or of a real llama-swap.

    modelserver.py --port 5801 --load-s 2 --tps 40 --prompt-tps 600 --slots 2 [--fail]

A request may carry {"demo": {"tps": [40, 250], "switch_s": 3}}: its speed then changes in its midst.
"""

import argparse
import json
import random
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator, List, Optional, Tuple

FINGERPRINT = "b1-demo"
BATCH_TOKENS = 2048
SAMPLING: Dict[str, Any] = {
    "seed": 4294967295, "temperature": 0.8, "dynatemp_range": 0.0, "dynatemp_exponent": 1.0, "top_k": 40,
    "top_p": 0.95, "min_p": 0.05, "top_n_sigma": -1.0, "xtc_probability": 0.0, "xtc_threshold": 0.1,
    "typical_p": 1.0, "repeat_last_n": 64, "repeat_penalty": 1.0, "presence_penalty": 0.0,
    "frequency_penalty": 0.0, "dry_multiplier": 0.0, "dry_base": 1.75, "dry_allowed_length": 2,
    "dry_penalty_last_n": 64, "mirostat": 0, "mirostat_tau": 5.0, "mirostat_eta": 0.1, "adaptive_target": -1.0,
    "adaptive_decay": 0.9, "max_tokens": -1, "n_predict": -1, "n_keep": 0, "n_discard": 0, "ignore_eos": False,
    "stream": False, "n_probs": 0, "min_keep": 0, "chat_format": "peg-native", "reasoning_format": "deepseek",
    "reasoning_in_content": False, "generation_prompt": "",
    "samplers": ["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"],
    "speculative.types": "none", "timings_per_token": False, "post_sampling_probs": False,
    "backend_sampling": False, "lora": [],
}  # fmt: skip


class Slot:
    """One place for a request. Its counters are read by /slots while it works."""

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
        """Return what /slots says; a slot that never worked has only four fields."""
        body: Dict[str, Any] = {"id": self.number, "n_ctx": context, "speculative": False, "is_processing": self.busy}
        if self.task is None:
            return body
        token = {
            "has_next_token": self.busy and self.decoded > 0,
            "has_new_line": False,
            "n_remain": self.remaining,
            "n_decoded": self.decoded,
        }
        body.update(
            id_task=self.task,
            n_prompt_tokens=self.prompt_held + self.decoded,
            n_prompt_tokens_processed=self.prompt_done,
            n_prompt_tokens_cache=0,
            params={**SAMPLING, **self.params},
            next_token=[token],
        )
        return body


class Model:
    """The model: slots, a queue for them, speeds and totals."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.ready_s = time.monotonic() + options.load_s
        self.slots = [Slot(number) for number in range(options.slots)]
        self.free = threading.Semaphore(options.slots)
        self.lock = threading.Lock()
        self.tasks = 0
        self.waiting = 0
        self.totals = {"prompt": 0, "prompt_s": 0.0, "predicted": 0, "predicted_s": 0.0}

    @property
    def loaded(self) -> bool:
        """Tell whether the weights are in memory."""
        return time.monotonic() >= self.ready_s

    def take_slot(self) -> Slot:
        """Wait for a place and return it."""
        with self.lock:
            self.waiting += 1
        self.free.acquire()
        with self.lock:
            self.waiting -= 1
            slot = next(slot for slot in self.slots if not slot.busy)
            slot.busy, slot.decoded, slot.prompt_done, slot.task = True, 0, 0, self.tasks
            self.tasks += 1
        return slot

    def give_back(self, slot: Slot) -> None:
        """Free a place; a finished slot's counters go to zero."""
        with self.lock:
            slot.busy, slot.decoded, slot.prompt_done = False, 0, 0
        self.free.release()

    def generate(self, slot: Slot, prompt_tokens: int, wanted: int, pace: Dict[str, Any]) -> Iterator[Tuple[str, float, float]]:
        """Yield each token with the prompt's seconds and the generation's seconds so far."""
        slot.prompt_held, slot.remaining = prompt_tokens, wanted
        began = time.monotonic()
        while slot.prompt_done < prompt_tokens:
            step = min(BATCH_TOKENS, prompt_tokens - slot.prompt_done)
            time.sleep(step / self.options.prompt_tps)
            slot.prompt_done += step
        prompt_s = time.monotonic() - began
        speeds = pace.get("tps") or [self.options.tps]
        start = due = time.monotonic()
        for _ in range(wanted):
            index = int((due - start) // pace.get("switch_s", 1e9))
            due += 1.0 / speeds[min(index, len(speeds) - 1)]
            time.sleep(max(0.0, due - time.monotonic()))
            slot.decoded += 1
            slot.remaining -= 1
            yield random.choice(WORDS), prompt_s, time.monotonic() - start
        with self.lock:
            self.totals["prompt"] += prompt_tokens
            self.totals["prompt_s"] += prompt_s
            self.totals["predicted"] += wanted
            self.totals["predicted_s"] += time.monotonic() - start


WORDS = [" the", " a", " model", " token", " reads", " light", " and", ",", " of", " slowly", " answer", "."]


class Handler(BaseHTTPRequestHandler):
    """llama-server's routes, as far as a monitor and a chat client use them."""

    protocol_version = "HTTP/1.1"
    server_version = "llama.cpp"
    sys_version = ""
    model: Model

    def do_GET(self) -> None:
        """Answer the reading routes."""
        route = self.path.split("?")[0]
        if not self.model.loaded:
            self.send_json(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
        elif route in ("/health", "/v1/health"):
            self.send_json(200, {"status": "ok"})
        elif route == "/slots":
            self.send_json(200, [slot.as_json(self.model.options.context) for slot in self.model.slots])
        elif route == "/props":
            self.send_json(200, self.props())
        elif route in ("/v1/models", "/models"):
            self.send_json(200, {"object": "list", "data": [{"id": "demo", "object": "model", "owned_by": "llamacpp"}]})
        elif route == "/metrics":
            self.send_body(200, "text/plain; version=0.0.4", self.metrics().encode())
        else:
            error = {"message": "File Not Found", "type": "not_found_error", "code": 404}
            self.send_json(404, {"error": error})

    def do_POST(self) -> None:
        """Answer a chat, streamed or whole, or an embedding."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if self.path.startswith("/v1/embeddings"):
            usage = {"prompt_tokens": 12, "total_tokens": 12}
            self.send_json(200, {"object": "list", "data": [{"index": 0, "embedding": [0.0] * 8}], "usage": usage})
        else:
            self.chat(body)

    def chat(self, body: Dict[str, Any]) -> None:
        """Generate as many tokens as asked for; a client that hangs up frees the slot."""
        wanted = int(body.get("max_tokens") or 64)
        prompt_tokens = max(1, sum(len(str(m.get("content", "")).split()) for m in body.get("messages", [])) + 9)
        slot = self.model.take_slot()
        slot.params = {"max_tokens": wanted, "n_predict": wanted, "stream": bool(body.get("stream"))}
        name = f"chatcmpl-{random.getrandbits(96):024x}"
        try:
            tokens = self.model.generate(slot, prompt_tokens, wanted, body.get("demo") or {})
            if body.get("stream"):
                self.stream(tokens, name, prompt_tokens)
            else:
                said, timing = [], (0.0, 0.0)
                for word, prompt_s, predicted_s in tokens:
                    said.append(word)
                    timing = (prompt_s, predicted_s)
                self.send_json(200, self.whole("".join(said), name, prompt_tokens, wanted, *timing))
        except OSError:
            self.close_connection = True
        finally:
            self.model.give_back(slot)

    def stream(self, tokens: Iterator[Tuple[str, float, float]], name: str, prompt_tokens: int) -> None:
        """Send chunks as llama-server does: headers at once, the role, words, the end, usage and timings."""
        self.send_response(200)
        for key, value in (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"), ("X-Accel-Buffering", "no")):
            self.send_header(key, value)
        self.end_headers()
        self.wfile.flush()
        count, prompt_s, predicted_s = 0, 0.0, 0.0
        for word, prompt_s, predicted_s in tokens:
            if not count:
                self.chunk(name, [{"finish_reason": None, "index": 0, "delta": {"role": "assistant", "content": None}}])
            count += 1
            self.chunk(name, [{"finish_reason": None, "index": 0, "delta": {"content": word}}])
        self.chunk(name, [{"finish_reason": "length", "index": 0, "delta": {}}])
        self.chunk(name, [], **tail(prompt_tokens, count, prompt_s, predicted_s))
        self.piece(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, name: str, choices: List[Any], **more: Any) -> None:
        """Send one event of a streamed answer."""
        body = {"choices": choices, "created": int(time.time()), "id": name, "model": "demo.gguf",
                "system_fingerprint": FINGERPRINT, "object": "chat.completion.chunk", **more}  # fmt: skip
        self.piece(b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n")

    def piece(self, data: bytes) -> None:
        """Send one HTTP chunk."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def whole(self, said: str, name: str, prompt: int, count: int, prompt_s: float, predicted_s: float) -> Dict[str, Any]:
        """Return an answer that is not streamed."""
        choice = {"finish_reason": "length", "index": 0, "message": {"role": "assistant", "content": said}}
        return {"choices": [choice], "created": int(time.time()), "model": "demo.gguf", "system_fingerprint": FINGERPRINT,
                "object": "chat.completion", "id": name, **tail(prompt, count, prompt_s, predicted_s)}  # fmt: skip

    def props(self) -> Dict[str, Any]:
        """Return what /props says."""
        settings = {"params": SAMPLING, "n_ctx": self.model.options.context}
        return {
            "default_generation_settings": settings, "total_slots": len(self.model.slots), "model_path": "demo.gguf",
            "endpoint_slots": True, "endpoint_metrics": True, "build_info": FINGERPRINT, "is_sleeping": False,
        }  # fmt: skip

    def metrics(self) -> str:
        """Return counters; they move when a request ends."""
        totals, busy = self.model.totals, sum(slot.busy for slot in self.model.slots)
        found = {
            "prompt_tokens_total": totals["prompt"], "prompt_seconds_total": totals["prompt_s"],
            "tokens_predicted_total": totals["predicted"], "tokens_predicted_seconds_total": totals["predicted_s"],
            "requests_processing": busy, "requests_deferred": self.model.waiting,
        }  # fmt: skip
        return "".join(f"llamacpp:{name} {value:g}\n" for name, value in found.items())

    def send_json(self, status: int, body: Any) -> None:
        """Send a JSON answer."""
        self.send_body(status, "application/json; charset=utf-8", json.dumps(body, separators=(",", ":")).encode())

    def send_body(self, status: int, kind: str, body: bytes) -> None:
        """Send an answer of known length."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of requests: llama-server does not either."""


def tail(prompt: int, count: int, prompt_s: float, predicted_s: float) -> Dict[str, Any]:
    """Return usage and timings as llama-server ends an answer."""
    prompt_s, predicted_s = max(prompt_s, 1e-6), max(predicted_s, 1e-6)
    usage = {"completion_tokens": count, "prompt_tokens": prompt, "total_tokens": prompt + count,
             "prompt_tokens_details": {"cached_tokens": 0}}  # fmt: skip
    timings = {"cache_n": 0, "prompt_n": prompt, "prompt_ms": prompt_s * 1e3, "prompt_per_second": prompt / prompt_s,
               "predicted_n": count, "predicted_ms": predicted_s * 1e3, "predicted_per_second": count / predicted_s}  # fmt: skip
    return {"usage": usage, "timings": timings}


class Server(ThreadingHTTPServer):
    """A server whose clients may leave at any time."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news."""


def main(arguments: Optional[List[str]] = None) -> int:
    """Serve until ended by a signal."""
    parser = argparse.ArgumentParser(description="a made-up llama-server")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--load-s", type=float, default=1.0)
    parser.add_argument("--tps", type=float, default=40.0)
    parser.add_argument("--prompt-tps", type=float, default=600.0)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--fail", action="store_true")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"srv    load_model: loading model 'demo.gguf', {options.slots} slots", flush=True)
    if options.fail:
        time.sleep(options.load_s)
        print("llama_model_load: error loading model: the made-up file is broken", flush=True)
        return 1
    handler = type("BoundHandler", (Handler,), {"model": Model(options)})
    Server(("127.0.0.1", options.port), handler).serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
