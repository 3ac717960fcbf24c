"""Every reader of outside text as a function of bytes that must never raise; some also promise something.

`STRUCTURED` names what text of a target is made of, for hypothesis: JSON of such words, or lines of such words.
"""

import json
import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from llamabar.cli.output import log_line
from llamabar.core import address, decode
from llamabar.core.fields import parse
from llamabar.core.history import History
from llamabar.core.snapshot import apply
from llamabar.core.sse import EventSplitter, PayloadTooLong
from llamabar.core.status import classify
from llamabar.macos import agent_plist, agents, launchctl
from llamabar.plugin import update
from llamabar.settings import load, mistakes
from llamabar.sources.chunked import Dechunker
from llamabar.sources.clicks import LINE_LIMIT_BYTES, ClickReader
from llamabar.sources.faults import fault_of_answer
from llamabar.sources.inbox import Inbox
from llamabar.store import json_history, known_servers, plugin_state, schema
from llamabar.view import text
from llamabar.view.compose import compose
from llamabar.view.scene import Scene, seen
from llamabar.view.swiftbar import FRAME_LIMIT_BYTES, Clicks, render
from llamabar_installer import manifest
from tests.fakes.life import after, live, request, table

FOLDER = Path(tempfile.mkdtemp(prefix="llamabar-fuzz-"))
HISTORY = History()
LIVE = after(live(table(m="ready", n="starting")), request("1"), at_s=1.0)


def _file(data: bytes, name: str) -> Path:
    path = FOLDER / f"{os.getpid()}-{name}"
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def sse(data: bytes) -> None:
    """However a stream is cut, its payloads are the same."""
    found = [_payloads(data, step) for step in (len(data) or 1, 1, 7)]
    assert found[0] == found[1] == found[2]


def chunks(data: bytes) -> None:
    """However a chunked answer is cut, its data are the same, or it is refused."""
    found = [_unchunked(data, step) for step in (len(data) or 1, 1, 7)]
    assert found[0] == found[1] == found[2]


def _unchunked(data: bytes, step: int) -> "Tuple[bytes, bool]":
    dechunker, said = Dechunker(), b""
    try:
        for at in range(0, len(data), step):
            said += dechunker.feed(data[at : at + step])
    except ValueError:
        return b"refused", False
    return said, dechunker.ended


def _payloads(data: bytes, step: int) -> List[bytes]:
    splitter, payloads = EventSplitter(), []
    try:
        for at in range(0, len(data), step):
            payloads += splitter.feed(data[at : at + step])
    except PayloadTooLong:
        pass
    return payloads


def event(data: bytes) -> None:
    """What an event says becomes a state that can be drawn."""
    decode.looks_like_llama_swap(data)
    found = decode.decode_event(data)
    if found is None:
        return
    snapshot = apply(LIVE, found, 2.0)
    classify(snapshot)
    scene = Scene((seen("s", "http://h", snapshot, HISTORY, now_s=3.0),), 3.0)
    assert len(render(compose(scene), Clicks())) <= FRAME_LIMIT_BYTES


def answers(data: bytes) -> None:
    """The answer of any question."""
    value = parse(data)
    for decoder in (
        decode.decode_running, decode.decode_activity_page, decode.decode_profiles, decode.decode_version,
        decode.decode_performance, decode.decode_slots, decode.decode_metrics,
    ):  # fmt: skip
        decoder(value)
    text.reason(decode.error_text(data))


def front(data: bytes) -> None:
    """What stands in front of llama-swap: a status, a place to go, a page."""
    said = data.decode("latin-1")
    for status in (200, 302, 401):
        headers = {"location": said, "www-authenticate": said, "server": said, "content-type": said}
        fault_of_answer(status, headers, url="http://h:1", page=data)


def settings(data: bytes) -> None:
    """Any settings file: mistakes in words, and settings all the same."""
    path = _file(data, "config.toml")
    found = load.load({"LLAMABAR_CONFIG": str(path)}, discover=lambda: ("http://127.0.0.1:1", "x"))
    assert found.servers
    for one in found.mistakes:
        assert "\n" not in mistakes.words(one)
        mistakes.shown(one)


def addresses(data: bytes) -> None:
    """Any text as an address: none, or one that leads to itself and shows no login."""
    found = address.parse(data.decode("utf-8", "replace"))
    if found is not None:
        again = address.parse(found.url)
        assert again is not None and again.url == found.url, (found.url, again)
        found.url.encode("ascii")


def plist(data: bytes) -> None:
    """A LaunchAgent's file."""
    content = agents.parse_plist(data)
    if content is not None:
        agents.agent_of("label", Path("/nowhere"), content)
        agent_plist.service_of(content)


def prints(data: bytes) -> None:
    """What `launchctl print` says."""
    job = launchctl.parse("label", data.decode("utf-8", "replace"))
    assert job.kind and job.crashes >= 0 and job.exit_timeout_s > 0


def history(data: bytes) -> None:
    """The history of earlier versions, and a database that may be none."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        schema.migrate(database)
        json_history.take_over(database, _file(data, "history.json"))
    schema.trouble(_file(data, "history.sqlite"))


def kept(data: bytes) -> None:
    """The small files that the program keeps."""
    plugin_state.parse(data)
    known_servers._read(_file(data, "servers.json"))
    manifest.load(_file(data, "manifest.json"))
    update.version_in(data)


def clicks(data: bytes) -> None:
    """Whatever comes on stdin: short lines of text, and none of it kept."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        pipe.write(data[:60_000])
    inbox = Inbox()
    ClickReader(reading, inbox).run()
    os.close(reading)
    assert all(0 < len(click.token) <= LINE_LIMIT_BYTES for _, _, click in inbox.take())


def shown(data: bytes) -> None:
    """Text of others: nothing of it moves a cursor, turns the writing, or ends a line."""
    said = data.decode("utf-8", "replace")
    for made in (text.plain(said), text.name(said), text.reason(said), log_line(said, colour=False)):
        assert not set(made) & set("\x1b\x07\x9b\x9d\n\r\u202e\u2066\u2028"), repr(made)


TARGETS: Dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        sse, chunks, event, answers, front, settings, addresses, plist, prints, history, kept, clicks, shown,
    )
}  # fmt: skip
_MODEL = ("id", "name", "state", "unlisted", "peerID", "aliases", "context_length", "ready", "starting", "stopped", "m")
_REQUEST = (
    "operation", "upsert", "remove", "snapshot", "request", "requests", "id", "model", "m", "req_path", "timestamp",
    "resp_bytes", "elapsed_ms", "resp_headers", "content-type", "text/event-stream", "total", "active",
)  # fmt: skip
_ROW = (
    "data", "total", "id", "timestamp", "2026-08-14T09:00:05.5+02:00", "model", "tokens", "input_tokens",
    "output_tokens", "cache_tokens", "tokens_per_second", "prompt_per_second", "duration_ms", "resp_status_code",
)  # fmt: skip
_ANSWER = (
    *_ROW, "running", "state", "proxy", "cmd", "ttl", "profiles", "version", "gpu_stats", "gpu_util_pct", "id_task",
    "next_token", "n_decoded", "n_ctx", "is_processing", "error", "message",
)  # fmt: skip
_KEPT = (
    "llamabar_watcher", "pid", "started_unix_s", "llamabar_known_servers", "servers", "address", "build", "can",
    "cannot", "at_unix_s", "llamabar_manifest", "items", "kind", "path", "version", "tag_name",
)  # fmt: skip
_HISTORY = (
    "llamabar_history", "servers", "charts", "mark", "name", "days", "gaps", "readings", "bucket_s", "read_unix_s",
    "2026-11-24", "http://127.0.0.1:8080", "m",
)  # fmt: skip
STRUCTURED: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "event": ("event", (*_MODEL, *_REQUEST, *_ROW)),
    "answers": ("json", _ANSWER),
    "kept": ("json", _KEPT),
    "history": ("json", _HISTORY),
    "settings": ("lines", (
        "[[server]]", "[menu]", "[history]", "url", "name", "api_key", "title", '"x"', "=", "1", "true", "days", "-1",
        "http://a:b@h:1/v1", "[", "]", "{", "}", '"""', "'", "#", "pinned", "1e400",
    )),
    "sse": ("lines", (
        "event:message", "data:", 'data:{"type":"logData"', "data: x", "", "\r", ": c", "id:1", "\ufeff",
    )),
    "chunks": ("lines", ("5", "5;a=b", "0", "hello", "", "\r", "-1", "1_0", " 5", "ffffffffffffffff", "x: y")),
    "prints": ("lines", (
        "x = {", "\tstate = running", "\tpid = 1", "\tpid = ²", "\truns = 99999999999999999999", "\t}",
        "\targuments = {", "\t\t--listen", "\tlast exit code = 78: EX_CONFIG", "\texit timeout = -1",
    )),
    "clicks": ("lines", ("0123456789ab", "x" * 300, " ", "\x00", "load m")),
}  # fmt: skip


def dumps(kind: str, value: Any) -> bytes:
    """Return a value as a target's bytes: JSON, or an event of llama-swap, whose data is JSON in a string."""
    if kind != "event":
        return json.dumps(value).encode()
    types = ("modelStatus", "inflight", "metrics", "activity", "profileChanged")
    return json.dumps({"type": types[len(str(value)) % len(types)], "data": json.dumps(value)}).encode()
