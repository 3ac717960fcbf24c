"""How the built-in llama-swap forwards a request to a model's server, and what it records."""

import http.client
import json
import re
from typing import Any, Dict

from llamabar.demo.dialect import Process
from llamabar.demo.inflight import Entry, Inflight
from llamabar.demo.modelserver import Connection
from llamabar.demo.world import World, stamp

ANSWER_S = 600.0
TAIL_BYTES = 8192
EVENT_STREAM = "text/event-stream"
SHOWN_HEADERS = ("Content-Type", "Content-Length", "Server")


class Outcome:
    """How a forwarded request ended."""

    def __init__(self) -> None:
        self.status = 200
        self.kind = "application/json"
        self.tail = b""
        self.whole = False
        self.error = ""

    def tokens(self, *, draft: bool) -> Dict[str, Any]:
        """Return the row's figures from the answer's timings, else from its usage, else all zero, like llama-swap."""
        found: Dict[str, Any] = {}
        at = self.tail.rfind(b'"timings":{')
        usage = re.search(rb'"usage":{"prompt_tokens":(\d+)', self.tail)
        if self.whole and at >= 0:
            found = json.loads(self.tail[at + 10 : self.tail.index(b"}", at) + 1])
        elif self.whole and usage:
            speeds = {"prompt_per_second": -1, "predicted_per_second": -1}
            found = {"cache_n": -1, "prompt_n": int(usage.group(1)), **speeds}
        unknown = -1 if found else 0
        return {
            "cache_tokens": found.get("cache_n", 0),
            **({"draft_tokens": unknown, "draft_acc_tokens": unknown} if draft else {}),
            "input_tokens": found.get("prompt_n", 0),
            "output_tokens": found.get("predicted_n", 0),
            "prompt_per_second": found.get("prompt_per_second", 0),
            "tokens_per_second": found.get("predicted_per_second", 0),
        }


def forward(caller: Connection, process: Process, entry: Entry, inflight: Inflight) -> Outcome:
    """Forward a request to the model's server and its answer back, as the bytes come; canceling closes both."""
    outcome = Outcome()
    upstream = http.client.HTTPConnection("127.0.0.1", process.port, timeout=ANSWER_S)
    try:
        upstream.connect()
        entry.on_cancel = lambda: upstream.sock.shutdown(2) if upstream.sock else None
        if entry.canceled.is_set():
            raise OSError
        upstream.request("POST", caller.path, caller.sent_body, {"Content-Type": "application/json"})
        answer = upstream.getresponse()
        inflight.headers(entry, {key: str(value) for key, value in answer.getheaders() if key in SHOWN_HEADERS})
        outcome.status, outcome.kind = answer.status, answer.headers.get("Content-Type", "")
        _pass_on(caller, answer, entry, inflight, outcome)
    except (OSError, http.client.HTTPException):
        caller.close_connection = True  # the caller, the model or a cancellation ended it
    finally:
        upstream.close()
    return outcome


def _pass_on(
    caller: Connection, answer: http.client.HTTPResponse, entry: Entry, inflight: Inflight, outcome: Outcome
) -> None:
    streamed = EVENT_STREAM in outcome.kind
    if streamed:
        caller.begin_chunks(outcome.kind, outcome.status)
    else:
        caller.begin(outcome.status, {"Content-Type": outcome.kind, "Content-Length": str(answer.length or 0)})
    while True:
        piece = answer.read1(65536)
        if not piece:
            break
        outcome.tail = (outcome.tail + piece)[-TAIL_BYTES:]
        (caller.send_chunk if streamed else caller.wfile.write)(piece)
        inflight.wrote(entry, len(piece))
    if streamed:
        caller.send_chunk(b"")
    outcome.whole = True


def record(world: World, entry: Entry, outcome: Outcome, took_s: float) -> None:
    """Store the row of a finished request and report it, in the dialect's way."""
    dialect = world.dialect
    tokens = outcome.tokens(draft=dialect.draft_tokens)
    with world.change:
        row: Dict[str, Any] = {"id": len(world.rows) + (0 if dialect.finished == "metrics" else 1)}
        row.update(timestamp=stamp(), model=entry.body["model"])
        if dialect.flat_rows:
            if not outcome.whole:
                return
            row.update(input_tokens=tokens["input_tokens"], output_tokens=tokens["output_tokens"])
            row.update(tokens_per_second=tokens["tokens_per_second"], duration_ms=int(took_s * 1000))
        else:
            row.update(req_path=entry.body["req_path"], resp_content_type=outcome.kind, resp_status_code=outcome.status)
            row.update(tokens=tokens, duration_ms=int(took_s * 1000), has_capture=outcome.whole)
            if outcome.error:
                row["error_msg"] = outcome.error
            else:
                row["metadata"] = {"fifo_priority": "0"}
        world.rows.append(row)
    if dialect.finished == "metrics":
        world.publish("metrics", row if dialect.flat_rows else [row])
    else:
        world.publish("activity", {"id": row["id"]})
