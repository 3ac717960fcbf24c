"""Each dialect's JSON with arbitrary errors: nothing raises, from the bytes to the frame."""

import copy
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import events as ev
from llamabar.core.decode import decode_event, decode_slots
from llamabar.core.phases import phases
from llamabar.core.readings import decoded_tokens, generation, prompt_position
from llamabar.sources.client import Answer, Unreachable
from llamabar.sources.query_answers import answer
from llamabar.view.swiftbar import FRAME_LIMIT_BYTES, Clicks, render
from tests.fakes.life import LISTED, after, live, request, running, slots, table

LONG = bool(os.environ.get("LLAMABAR_LONG_TESTS"))
STAMP = "2026-08-14T09:00:05.5+02:00"
MODELS = [
    {"id": "m", "name": "M", "description": "d", "state": "ready", "unlisted": False, "peerID": "", "aliases": ["a"]},
    {"id": "n", "name": "M", "description": "", "state": "starting", "unlisted": True, "peerID": "", "aliases": []},
    {"id": "p/q", "name": "", "description": "", "state": "", "unlisted": False, "peerID": "box"},
]
TOKENS = {"input_tokens": 9, "output_tokens": 90, "cache_tokens": 1, "tokens_per_second": 40.0, "prompt_per_second": 9}
FLAT = {"id": 3, "timestamp": STAMP, "model": "m", "duration_ms": 900, **TOKENS}
ROW = {
    "id": 3, "timestamp": STAMP, "model": "m", "req_path": "/v1/x", "resp_status_code": 200, "duration_ms": 9,
    "tokens": TOKENS, "error_msg": "",
}  # fmt: skip
ENTRY = {"id": "1", "timestamp": STAMP, "model": "m", "req_path": "/v1/x", "method": "POST"}
FULL = {**ENTRY, "resp_headers": {"a": "b"}, "resp_bytes": 800, "elapsed_ms": 400, "remote_ip": "127.0.0.1"}
PROFILE = {"active": "coding"}
STREAMS = {
    "v150": [("modelStatus", MODELS), ("metrics", FLAT)],
    "v228": [("modelStatus", MODELS), ("metrics", [ROW, {**ROW, "id": 2}]), ("inflight", {"total": 2})],
    "v236": [
        ("modelStatus", MODELS), ("activity", {"id": 3}), ("inflight", {"requests": [ENTRY, {**ENTRY, "id": "2"}]}),
    ],
    "v250": [
        ("modelStatus", MODELS), ("activity", {"id": 3}), ("profileChanged", PROFILE),
        ("inflight", {"operation": "snapshot", "requests": [FULL]}), ("inflight", {"operation": "snapshot"}),
        ("inflight", {"operation": "upsert", "request": FULL}),
        ("inflight", {"operation": "upsert", "request": {**FULL, "id": "2", "resp_bytes": 5}}),
        ("inflight", {"operation": "remove", "id": "1"}), ("inflight", {"operation": "remove", "id": "never"}),
    ],
}  # fmt: skip
SLOT = {
    "id": 0, "n_ctx": 4096, "is_processing": True, "id_task": 5, "n_prompt_tokens_processed": 9,
    "n_prompt_tokens_cache": 0, "next_token": [{"n_decoded": 40}],
}  # fmt: skip
RUNNING = {"model": "m", "state": "ready", "cmd": "x --port 1", "proxy": "http://localhost:1", "ttl": 5, "name": ""}
ROUTES = {
    "/api/version": {"version": "v250"}, "/running": {"running": [RUNNING]}, "/wol-health": "OK",
    "/api/metrics/activity": {"data": [ROW], "page": 1, "limit": 10, "total": 1}, "/api/metrics": [ROW],
    "/api/profiles": {"active": None, "profiles": [{"id": "coding", "pins": {}}]}, "/slots": [SLOT, {**SLOT, "id": 1}],
}  # fmt: skip
WRONG = (None, True, -1, 0, 1 << 70, 1e308, 0.5, "", "x|\n--y" * 900, "9" * 400, [], [None, [1]], {}, {"id": {"id": 1}})


def places(value, path=()):
    """Return every place in a JSON value, the value itself first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def broken(value, draw):
    """Return the value with one to three places missing or of another type."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(list(places({"": value}))[1:]))
        holder = {"": value}
        at = holder
        for key in way:
            at = at[key]
        if isinstance(at, dict) and last != "" and draw(st.booleans()):
            del at[last]
        else:
            at[last] = copy.deepcopy(draw(st.sampled_from(WRONG)))
        value = holder[""]
    return value


class Liar:
    """Answers every request with broken bodies, other status codes, or not at all."""

    def __init__(self, draw, url="http://127.0.0.1:1"):
        self.draw, self.url = draw, url

    def at(self, url):
        return Liar(self.draw, url)

    def unix_s(self):
        return 1786690810.0

    def call(self, _, path, **__):
        said = ROUTES.get(path.split("?")[0], {"error": "model not found", "src": "llama-swap"})
        code = self.draw(st.sampled_from((200, 200, 200, 404, 204, 401, 500, 0)))
        if code == 0:
            raise Unreachable(ev.Fault(ev.FaultKind.TIMEOUT))
        return Answer(code, json.dumps(broken(said, self.draw)).encode(), {})


@pytest.mark.parametrize("dialect", STREAMS)
def test_whatever_is_wrong_in_a_dialects_words_a_frame_comes_out(dialect):
    @settings(max_examples=200 if LONG else 30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def life(data):
        draw, now_s = data.draw, 100.0
        monitor = Monitor({"s": Watched("s", "http://127.0.0.1:1", snapshot=live(table(m="ready", n="starting")))})
        for _ in range(draw(st.integers(1, 8))):
            now_s += draw(st.sampled_from((0.0, 0.2, 1.1, 30.0, -500.0, 1e6)))
            kind, said = draw(st.sampled_from(STREAMS[dialect]))
            event = decode_event(json.dumps({"type": kind, "data": json.dumps(broken(said, draw))}).encode())
            for one in (event, *((ev.StreamOpened(),) if draw(st.integers(0, 9)) == 0 else ())):
                if one is not None:
                    monitor.take("s", one, at_s=now_s)
            for _, query in monitor.due(now_s=now_s):
                monitor.mark_sent("s", query, now_s=now_s)
                monitor.take("s", answer(Liar(draw), query), at_s=now_s)
            monitor.tick(now_s=now_s)
            menu = monitor.frame(now_s=now_s)
            if menu is not None:
                assert len(render(menu, Clicks())) <= FRAME_LIMIT_BYTES

    life()


def test_two_models_may_share_a_name_and_a_repeated_id_is_one_model():
    snapshot = live(ev.ModelsListed((ev.ModelInfo("a", "ready", "Same"), ev.ModelInfo("b", "ready", "Same"))))
    assert list(snapshot.models) == ["a", "b"]
    twice = live(ev.ModelsListed((ev.ModelInfo("a", "stopped"), ev.ModelInfo("a", "ready"))))
    assert [model.state for model in twice.models.values()] == ["ready"]


def test_a_stuck_request_keeps_its_age_until_an_empty_list_or_a_new_stream():
    snapshot = after(live(table(m="ready")), request("1", elapsed_s=5.0), at_s=10.0)
    assert snapshot.requests["1"].started_s == 5.0
    later = after(snapshot, table(m="ready"), at_s=90_000.0)
    assert later.requests["1"].started_s == 5.0
    assert after(later, LISTED, at_s=90_001.0).requests == {}
    assert after(later, ev.StreamOpened(), at_s=90_001.0).requests == {}


def test_duplicate_and_out_of_order_upserts_are_one_request_that_never_goes_backwards():
    snapshot = live(table(m="ready"))
    for answered_bytes, elapsed_s in ((0, 0.1), (900, 1.0), (900, 1.0), (400, 0.5), (1200, 1.5)):
        snapshot = after(snapshot, request("1", answered_bytes=answered_bytes, elapsed_s=elapsed_s), at_s=elapsed_s)
    assert len(snapshot.requests) == 1
    trail = snapshot.requests["1"].trail
    assert all(old.at_s <= new.at_s and old.total <= new.total for old, new in zip(trail, trail[1:]))


def test_a_remove_before_its_upsert_is_corrected_by_the_next_list():
    snapshot = after(live(table(m="ready")), ev.InflightRemoved("1"), request("1"), at_s=1.0)
    assert set(phases(snapshot)) == {"1"}
    assert after(snapshot, LISTED, at_s=2.0).requests == {}


@pytest.mark.parametrize("count", [10**7, 10**8, 10**15, 1 << 61])
def test_impossible_counts_are_not_shown(count):
    snapshot = live(table(m="ready"), running(), request("1"))
    for at_s, decoded in ((1.0, 1), (2.0, count)):
        told = decode_slots([{"id": 0, "is_processing": True, "id_task": 1, "next_token": [{"n_decoded": decoded}],
                              "n_prompt_tokens_processed": 1 << 60, "n_ctx": 1 << 60}])  # fmt: skip
        snapshot = after(snapshot, ev.SlotsAnswered("m", told), at_s=at_s)
    model = snapshot.models["m"]
    assert generation(snapshot, model, now_s=2.0) is None
    assert prompt_position(model) is None
    assert model.context_tokens is None
    assert (decoded_tokens(snapshot, model) or 0) <= 10**8


def test_thousands_of_slots_are_ignored():
    assert decode_slots([{"id": n} for n in range(300)]) is None
    assert slots(5).slots is not None
