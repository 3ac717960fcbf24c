"""Back ends people put behind llama-swap, as one small program written from the facts, not from our demo.

    backend.py --port 5801 --style llama|mlx|whisper|images|tts|embed [--load-s 1] [--prompt-s 1] [--tps 40]

`llama`: /slots, streamed chats with timings, an answer of one token timed as 0.001 ms, as llama.cpp does.
`mlx`: no /slots, no /health, no timings; its root is `404: Not Found` in text/plain, as aiohttp answers.
The others answer once, at the end, and tell no tokens.
"""

import argparse
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ONE_TOKEN_MS = 0.001


HUGE = "1e309"  # too large for a float; written without its quotes
# What a server may report as its times: a division by zero, an overflow, a clock that was set back, nothing.
ODD_TIMINGS = {
    "": {},
    "nan": {"predicted_per_second": float("nan"), "prompt_per_second": float("nan"), "predicted_ms": float("nan")},
    "huge": {"predicted_per_second": HUGE, "prompt_per_second": HUGE, "predicted_ms": 0.0},
    "negative": {"predicted_per_second": -41.0, "predicted_ms": -3.0, "prompt_n": -20, "predicted_n": -7},
    "missing": {"predicted_per_second": None, "prompt_per_second": None, "predicted_n": None, "prompt_n": None},
}
SLOT = {"busy": False, "task": 0, "decoded": 0}


class Backend(BaseHTTPRequestHandler):
    """One connection, kept alive as these servers do."""

    protocol_version = "HTTP/1.1"
    options = argparse.Namespace()
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def do_GET(self):
        style = self.options.style
        if self.path == "/slots" and style == "llama":
            token = {"n_decoded": SLOT["decoded"], "n_remain": 10, "has_next_token": True}
            self.answer([{
                "id": 0, "id_task": SLOT["task"], "n_ctx": 8192, "is_processing": SLOT["busy"],
                "n_prompt_tokens": 20, "n_prompt_tokens_processed": 20, "next_token": [token],
            }])  # fmt: skip
        elif self.path in ("/health", "/v1/models") and (style != "mlx" or self.path == "/v1/models"):
            self.answer({"status": "ok", "data": []})
        elif self.path == "/" and style == "llama":
            self.answer("<html>llama.cpp</html>", kind="text/html")
        else:
            self.answer("404: Not Found", status=404, kind="text/plain")

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = json.loads(raw) if raw[:1] == b"{" else {}
        time.sleep(self.options.prompt_s)
        if self.options.style in ("llama", "mlx"):
            self.chat(asked)
        elif self.options.style == "embed":
            self.work(self.options.work_s)
            self.answer({"object": "list", "data": [{"embedding": [0.1, 0.2]}], "model": "embed"})
        else:
            self.work(self.options.work_s)
            self.answer({"text": "said"} if self.options.style == "whisper" else {"created": 1, "data": []})

    def work(self, seconds):
        """Use the processor, as a model server does while it answers."""
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            for _ in range(20000):
                pass
            time.sleep(0.002)

    def chat(self, asked):
        wanted, streamed = int(asked.get("max_tokens", 20)), bool(asked.get("stream"))
        if streamed:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
        began_s = time.monotonic()
        with self.lock:
            SLOT.update(busy=True, task=SLOT["task"] + 1, decoded=0)
        for count in range(wanted):
            self.work(1.0 / self.options.tps)
            SLOT["decoded"] += 1
            if self.options.dies_after and count + 1 >= self.options.dies_after:
                print("ggml_metal: command buffer failed, aborting", flush=True)
                os._exit(134)
            if streamed:
                self.chunk({"choices": [{"index": 0, "delta": {"content": "word "}}]})
        SLOT.update(busy=False)
        took_ms = ONE_TOKEN_MS if wanted == 1 else (time.monotonic() - began_s) * 1000
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        end["usage"] = {"prompt_tokens": 20, "completion_tokens": wanted, "total_tokens": 20 + wanted}
        if self.options.style == "llama":
            end["timings"] = {
                "cache_n": 0, "prompt_n": 20, "prompt_ms": 100.0, "prompt_per_second": 200.0, "predicted_n": wanted,
                "predicted_ms": took_ms, "predicted_per_second": wanted / took_ms * 1000,
                **ODD_TIMINGS[self.options.timings],
            }  # fmt: skip
        if not streamed:
            self.answer({**end, "choices": [{"index": 0, "message": {"role": "assistant", "content": "word"}}]})
            return
        self.chunk(end)
        self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        self.wfile.flush()

    def chunk(self, value):
        line = f"data: {written(value)}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()

    def answer(self, value, *, status=200, kind="application/json"):
        body = value.encode() if isinstance(value, str) else written(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def written(value):
    return json.dumps(value).replace(f'"{HUGE}"', HUGE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--style", default="llama")
    for name, default in (("load-s", 0.3), ("prompt-s", 0.2), ("tps", 40.0), ("work-s", 2.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--timings", choices=sorted(ODD_TIMINGS), default="")
    parser.add_argument("--dies-after", type=int, default=0)
    Backend.options, _ = parser.parse_known_args()  # the demo's llama-swap gives it more
    time.sleep(Backend.options.load_s)
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", Backend.options.port), Backend).serve_forever()


if __name__ == "__main__":
    sys.exit(main())
