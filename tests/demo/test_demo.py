"""The made-up llama-swap compared with recordings of real ones: same keys, types and order for all that it serves."""

import http.client
import json

import pytest

from llamabar.demo.load import ask
from tests.fakes import replay
from tests.fakes.play import RECORDINGS
from tests.fakes.programs import llama_swap, wait_for

OPTIONAL = {"aliases", "error_msg", "metadata", "name", "description"}


def shape(value):
    """Return the keys in order, and the types of their values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def events(data):
    """Return the type and shape of every event in a stream, and its framing."""
    found = []
    for block in data.split(b"\n\n"):
        if block:
            first, second = block.split(b"\n")
            assert first == b"event:message"
            assert second.startswith(b'data:{"type":"')
            envelope = json.loads(second[5:])
            assert list(envelope) == ["type", "data"]
            found.append((envelope["type"], json.loads(envelope["data"])))
    return found


def recorded_events(version):
    return events(b"".join(read.data for read in replay.load(RECORDINGS / version).reads))


def demo_life(dialect):
    """Return what a listener of the demo receives over a short run, and the answers of its routes."""
    with llama_swap(dialect) as server:
        connection = http.client.HTTPConnection(server.url[7:], timeout=10)
        connection.request("GET", "/api/events")
        answer = connection.getresponse()
        heard = bytearray()
        address = server.url[7:]
        assert ask(address, "alpha-8b", 30, 10) == 200
        assert ask(address, "beta-3b", 5, 10, stream=False) == 200
        assert ask(address, "broken-1b", 5, 10) == 500
        assert ask(address, "no-such-model", 5, 10) == 404
        routes = {path: get(address, path) for path in ROUTES}
        refusals = {path: get(address, path, "POST") for path in REFUSALS}
        server.world.hang_up()
        while True:
            piece = answer.read1(65536)
            if not piece:
                break
            heard += piece
        connection.close()
        return dict(answer.getheaders()), events(bytes(heard)), routes, refusals


ROUTES = (
    "/running", "/v1/models", "/health", "/wol-health", "/api/version", "/api/profiles", "/api/metrics",
    "/api/metrics/activity", "/api/performance",
)  # fmt: skip
REFUSALS = ("/api/inflight/999999/cancel", "/api/models/unload/nope")


def get(address, path, method="GET"):
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers.get("Content-Type", ""), body


def same(found, real, where):
    """Assert that the real server shows this shape; optional keys may be missing."""
    if isinstance(real, dict) and isinstance(found, dict):
        assert set(found) - set(real) <= OPTIONAL, where
        assert set(real) - set(found) <= OPTIONAL, where
        order = [key for key in real if key in found]
        assert [key for key in found if key in real] == order, (
            f"{where}: {list(found)} is not in the order {list(real)}"
        )
        for key in order:
            same(found[key], real[key], f"{where}.{key}")
    elif isinstance(real, list) and isinstance(found, list):
        if real and found:
            same(found[0], real[0], f"{where}[0]")
    else:
        assert found == real or "NoneType" in (found, real), f"{where}: {found} is not {real}"


HEADERS = ("req_headers", "resp_headers")


def plain(value):
    """Return a shape without the request headers, which depend on the caller."""
    if isinstance(value, dict):
        return {key: "headers" if key in HEADERS else plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236", "v250"])
def test_every_event_has_the_keys_types_and_order_of_the_real_one(dialect):
    headers, heard, _, _ = demo_life(dialect)
    real = recorded_events(dialect)
    assert headers["Content-Type"] == "text/event-stream"
    samples = {}
    for kind, data in real:
        operation = data.get("operation") if isinstance(data, dict) else None
        samples.setdefault((kind, operation), []).append(plain(shape(data)))
    for kind, data in heard:
        key = (kind, data.get("operation") if isinstance(data, dict) else None)
        assert key in samples, f"the real {dialect} never said {key}"
        fullest = max(samples[key], key=lambda sample: len(json.dumps(sample)))
        same(plain(shape(data)), fullest, f"{dialect} {kind}")
    assert {kind for kind, _ in heard} == {kind for kind, _ in real}


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236", "v250"])
def test_a_connection_starts_with_the_same_burst_in_the_same_order(dialect):
    with llama_swap(dialect) as server:
        listener = server.world.listen()
        burst = [events(listener.get())[0] for _ in range(listener.qsize())]
    real = recorded_events(dialect)[: len(burst)]
    assert [kind for kind, _ in burst] == [kind for kind, _ in real]
    if dialect == "v250":
        assert burst[-1] == real[-1] == ("inflight", {"operation": "snapshot"})


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236", "v250"])
def test_every_route_answers_as_the_real_one_does(dialect):
    _, _, routes, refusals = demo_life(dialect)
    calls = replay.load(RECORDINGS / dialect).calls
    for path, (status, kind, body) in {**routes, **refusals}.items():
        real = [call for call in calls if call.url.endswith(f":8080{path}")]
        if not real:
            continue
        best = max(real, key=lambda call: len(call.body))
        assert status == best.status, f"{dialect} {path}"
        if status == 200 and best.body[:1] in b"[{" and path not in ("/v1/models", "/api/performance"):
            same(plain(shape(json.loads(body))), plain(shape(json.loads(best.body))), f"{dialect} {path}")
        elif status != 200 and best.body[:1] == b"{":
            assert json.loads(body) == json.loads(best.body), f"{dialect} {path}"
            assert kind == best.headers["content-type"]


def test_bytes_in_flight_are_reported_at_most_every_quarter_second_and_headers_at_once():
    with llama_swap() as server:
        listener = server.world.listen()
        ask(server.url[7:], "alpha-8b", 80, 10)
        wait_for(lambda: server.world.rows)
        heard = [event for _ in range(listener.qsize()) for event in events(listener.get())]
        upserts = [data["request"] for kind, data in heard if kind == "inflight" and data.get("operation") == "upsert"]
        assert [bool(one["resp_headers"]) for one in upserts[:2]] == [False, True]
        assert upserts[1]["resp_bytes"] == 0
        growing = [one["elapsed_ms"] for one in upserts if one["resp_bytes"]]
        steps = [after - before for before, after in zip(growing, growing[1:])]
        assert 5 <= len(growing) <= 10
        assert all(step >= 240 for step in steps)
        kinds = [kind if kind != "inflight" else data["operation"] for kind, data in heard]
        assert kinds.index("upsert") < kinds.index("activity")


def test_the_model_servers_slots_have_the_keys_of_the_real_ones():
    real = [call for call in replay.load(RECORDINGS / "v250").calls if call.url.endswith("/slots")]
    fullest = json.loads(max(real, key=lambda call: len(call.body)).body)[0]
    with llama_swap() as server:
        ask(server.url[7:], "alpha-8b", 3, 10)
        status, _, body = get(f"127.0.0.1:{server.world.processes['alpha-8b'].port}", "/slots")
    assert status == 200
    used = next(slot for slot in json.loads(body) if "id_task" in slot)
    assert list(used) == list(fullest)
    assert set(used["params"]) <= set(fullest["params"])
    assert list(used["next_token"][0]) == list(fullest["next_token"][0])


def test_a_streamed_answer_ends_with_usage_and_timings_and_takes_about_two_hundred_bytes_a_token():
    with llama_swap() as server:
        ask(server.url[7:], "alpha-8b", 3, 10)
        port = server.world.processes["alpha-8b"].port
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request(
            "POST", "/v1/chat/completions", json.dumps({"stream": True, "max_tokens": 50, "messages": []})
        )
        body = connection.getresponse().read()
        connection.close()
    chunks = [json.loads(line[6:]) for line in body.split(b"\n\n") if line.startswith(b"data: {")]
    assert chunks[-1]["timings"]["predicted_n"] == 50
    assert body.endswith(b"data: [DONE]\n\n")
    assert len(body) / 50 == pytest.approx(206, rel=0.25)
