"""llama-swap's JSON in every dialect, and everything that isn't llama-swap's JSON."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llamabar.core import decode, fields
from llamabar.core import events as ev
from llamabar.core.snapshot import apply
from llamabar.core.state import Snapshot

LONG = bool(os.environ.get("LLAMABAR_LONG_TESTS"))


def event(kind, data):
    return decode.decode_event(json.dumps({"type": kind, "data": json.dumps(data)}).encode())


def test_the_three_in_flight_dialects_are_told_apart_by_their_shape():
    request = {
        "id": "3",
        "model": "m",
        "req_path": "/v1/x",
        "resp_headers": {},
        "resp_bytes": 0,
        "elapsed_ms": 1500,
        "timestamp": "t",
    }
    seen = ev.RequestInfo("3", "m", "/v1/x", "t", elapsed_s=1.5, resp_bytes=0, streams=None)
    assert event("inflight", {"total": 2}) == ev.InflightCounted(2)
    assert event("inflight", {"requests": [request]}) == ev.InflightListed((seen,))
    assert event("inflight", {"operation": "snapshot", "requests": [request]}) == ev.InflightListed((seen,))
    assert event("inflight", {"operation": "upsert", "request": request}) == ev.InflightUpserted(seen)
    assert event("inflight", {"operation": "remove", "id": "3"}) == ev.InflightRemoved("3")


def test_an_empty_snapshot_without_a_list_means_no_requests():
    assert event("inflight", {"operation": "snapshot"}) == ev.InflightListed(())


def test_a_version_without_byte_counts_leaves_them_unknown_not_zero():
    listed = event("inflight", {"requests": [{"id": "1", "model": "m"}]})
    assert listed.requests[0].resp_bytes is None
    assert listed.requests[0].streams is None


def test_rows_of_every_age_give_the_same_figures():
    flat = {
        "id": 4,
        "model": "m",
        "input_tokens": 13,
        "output_tokens": 16,
        "tokens_per_second": 87.1,
        "duration_ms": 203,
    }
    nested = {**flat, "tokens": {key: flat[key] for key in ("input_tokens", "output_tokens", "tokens_per_second")}}
    one, many = event("metrics", flat), event("metrics", [nested])
    for found in (one, many):
        row = found.rows[0]
        assert (row.prompt_tokens, row.generated_tokens, row.generation_tps, row.duration_s) == (13, 16, 87.1, 0.203)


def test_minus_one_and_zero_speeds_and_absurd_durations_are_unknown():
    row = event(
        "metrics", {"id": 0, "tokens_per_second": -1, "prompt_per_second": 0, "duration_ms": 9223372036854}
    ).rows[0]
    assert (row.generation_tps, row.prompt_tps, row.duration_s) == (None, None, None)


def test_unreported_counts_and_rates_of_few_tokens_are_unknown():
    nothing = event("metrics", {"id": 0, "input_tokens": 0, "output_tokens": 0, "cache_tokens": 0}).rows[0]
    assert (nothing.prompt_tokens, nothing.generated_tokens, nothing.cached_tokens) == (None, None, None)
    embedding = event("metrics", {"id": 0, "input_tokens": 12, "output_tokens": 0, "cache_tokens": -1}).rows[0]
    assert (embedding.prompt_tokens, embedding.generated_tokens, embedding.cached_tokens) == (12, 0, None)
    cached = {"id": 0, "input_tokens": 1, "output_tokens": 400, "prompt_per_second": 35714.0, "tokens_per_second": 41.0}
    row = event("metrics", {**cached, "duration_ms": 9800}).rows[0]
    assert (row.prompt_tps, row.generation_tps) == (None, 41.0)
    assert event("metrics", {**cached, "input_tokens": 2000, "prompt_per_second": 1e6}).rows[0].prompt_tps is None


@pytest.mark.parametrize("kind", [("output_tokens", "tokens_per_second"), ("input_tokens", "prompt_per_second")])
def test_tokens_that_took_less_than_the_clock_can_tell_have_no_rate_however_long_the_request_took(kind):
    """A slow load or prompt lengthens the request, but not the time in which the rate was measured."""
    counted, told = kind
    for tokens, tps, known in ((60, 15_000.0, False), (16, 4_000.0, False), (64, 900.0, True), (16, 1_600.0, True)):
        row = event("metrics", {"id": 0, "prompt_per_second": -1, counted: tokens, told: tps, "duration_ms": 9800})
        found = row.rows[0]
        assert (found.generation_tps or found.prompt_tps) == (tps if known else None)


def test_pages_are_reversed_to_oldest_first():
    page = decode.decode_activity_page({"data": [{"id": 9}, {"id": 7}], "total": 31})
    assert [row.id for row in page.rows] == [7, 9]
    assert page.total == 31
    assert decode.decode_activity_page(None) == ev.RequestsFinished(())
    rows = decode.decode_activity_page(json.loads('[{"id": 1, "model": "m 1"}, {"id": 2, "model": "m 1"}]')).rows
    assert rows[0].model is rows[1].model, "a thousand rows don't have a thousand copies of a name"


def test_only_the_sleep_option_of_a_models_command_is_kept():
    body = {
        "running": [
            {
                "model": "m",
                "state": "ready",
                "cmd": "srv --api-key SECRET --sleep-idle-seconds 60",
                "proxy": "http://localhost:5801",
                "ttl": 0,
            }
        ]
    }
    found = decode.decode_running(body)
    assert found.models == (ev.RunningModel("m", "ready", "http://localhost:5801", 0.0, may_sleep=True),)
    assert "SECRET" not in repr(found)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("v250", "250"),
        ("217", "217"),
        ("v250-3-gabcdef", "250-3-gabcdef"),
        ("0", ""),
        ("local_ab", ""),
        ("unknown", ""),
        (None, ""),
    ],
)
def test_versions_are_numbers_or_unknown(said, version):
    assert decode.decode_version({"version": said}).version == version


def test_slots_of_every_age_are_read():
    new = [{"id": 0, "is_processing": True, "id_task": 5, "n_prompt_tokens_processed": 9000, "n_prompt_tokens_cache": 0,
            "next_token": [{"n_decoded": 40}], "n_ctx": 16384}]  # fmt: skip
    old = [{"id": 0, "state": 1, "id_task": 5, "next_token": {"n_decoded": 40}, "prompt": "secret words"}]
    assert decode.decode_slots(new)[0] == ev.Slot(0, 5, True, 40, 9000, 0, 16384)
    assert decode.decode_slots(old)[0] == ev.Slot(0, 5, True, 40)
    assert "secret" not in repr(decode.decode_slots(old))
    assert decode.decode_slots({"error": {}}) is None
    assert decode.decode_slots([1, 2]) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"model not found","src":"llama-swap"}', "model not found"),
        (b'{"src":"llama-swap","error":{"message":"new shape","code":404}}', "new shape"),
        (b"llama-swap: plain words\nmore", "llama-swap: plain words"),
        (b"<html>no</html>", ""),
        (b'{"error":', ""),
        (b"", ""),
    ],
)
def test_error_bodies_of_every_shape_give_their_message(body, message):
    assert decode.error_text(body) == message


@pytest.mark.parametrize(
    ("stamp", "fraction"),
    [
        ("2026-08-14T09:00:00.123456789+02:00", 0.123456789),
        ("2026-08-14T07:00:00Z", 0.0),
        ("2026-08-14T07:00:00.5Z", 0.5),
    ],
)
def test_times_with_any_fraction_are_the_same_instant(stamp, fraction):
    assert fields.unix_s(stamp) == pytest.approx(1786690800 + fraction)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ENTRY_KEYS = (
    "id", "state", "model", "operation", "request", "requests", "total", "data", "tokens", "resp_bytes", "elapsed_ms",
    "running", "proxy", "ttl", "cmd", "active", "profiles", "next_token", "n_decoded", "timestamp", "resp_headers",
)  # fmt: skip
shaped = st.recursive(
    json_values,
    lambda inner: st.dictionaries(st.sampled_from(ENTRY_KEYS), inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=20,
)
KINDS = ("modelStatus", "inflight", "metrics", "activity", "profileChanged", "uiConfig", "logData", "surprise")


@settings(max_examples=400 if LONG else 40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KINDS), shaped, st.booleans()), max_size=6))
def test_no_stream_content_raises_or_breaks_the_snapshot(said):
    snapshot = Snapshot()
    for at_s, (kind, data, twice) in enumerate(said):
        inner = json.dumps(data) if twice else data
        found = decode.decode_event(json.dumps({"type": kind, "data": inner}).encode())
        if found is not None:
            snapshot = apply(snapshot, found, float(at_s))
    assert isinstance(snapshot, Snapshot)


@settings(max_examples=400 if LONG else 60, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_not_an_event_give_none(data):
    assert decode.decode_event(data) is None or data.startswith(b"{")
    decode.error_text(data)


@settings(max_examples=400 if LONG else 40, deadline=None)
@given(shaped)
def test_every_answer_of_every_route_is_decoded_or_rejected(value):
    for reader in (
        decode.decode_running,
        decode.decode_activity_page,
        decode.decode_profiles,
        decode.decode_slots,
        decode.decode_version,
    ):
        reader(value)


def test_broken_json_inside_json_and_deep_nesting_give_none():
    assert decode.decode_event(b'{"type":"modelStatus","data":"[{"}') is None
    assert decode.decode_event(b'{"type":"modelStatus","data":"' + b"[" * 100_000 + b'"}') is None


def test_numbers_may_come_as_strings_and_fields_may_be_missing():
    listed = event(
        "inflight", {"operation": "upsert", "request": {"id": 7, "model": "m", "resp_bytes": "12", "elapsed_ms": "250"}}
    )
    assert listed.request == ev.RequestInfo("7", "m", elapsed_s=0.25, resp_bytes=12)
    assert event("modelStatus", [{"id": "m"}, {"state": "ready"}, 3]).models == (ev.ModelInfo("m", ""),)
    assert event("modelStatus", [{"id": "m", "description": "For code"}]).models[0].description == "For code"


def test_a_gpu_is_read_from_its_newest_sample_and_a_power_of_zero_is_unknown():
    sample = {"id": 0, "gpu_util_pct": 20, "power_draw_w": 0}
    body = {"enabled": True, "gpu_stats": [sample, {**sample, "gpu_util_pct": 90}]}
    assert decode.decode_performance(body) == ev.GpuMeasured(0.9, None)
    two = {"gpu_stats": [{**sample, "power_draw_w": 11.5}, {"id": 1, "gpu_util_pct": 40}]}
    assert decode.decode_performance(two) == ev.GpuMeasured(0.3, 11.5)
    for nothing in (None, [], {}, {"gpu_stats": None}, {"gpu_stats": [3, {}]}, {"gpu_stats": [{"gpu_util_pct": "x"}]}):
        assert decode.decode_performance(nothing) is None


@pytest.mark.parametrize(
    ("row", "tps"),
    [
        # v140: (20 + 60 tokens) / 3.607 s of loading, prompt and answer
        ({"input_tokens": 20, "output_tokens": 60, "tokens_per_second": 80 / 3.6074, "duration_ms": 3607}, None),
        # v141 to v150: the server's own rate, and its own time for prompt and answer
        ({"input_tokens": 20, "output_tokens": 60, "tokens_per_second": 40.0, "duration_ms": 1600}, 40.0),
        ({"input_tokens": 20, "output_tokens": 60, "tokens_per_second": -1, "duration_ms": 1600}, None),
    ],
)
def test_a_rate_of_prompt_and_answer_together_is_not_a_generation_speed(row, tps):
    found = event("metrics", {"id": 0, "model": "m", "timestamp": "2026-01-01T00:00:00Z", **row})
    assert found.rows[0].generation_tps == tps


@pytest.mark.parametrize("said", [
    "unspecific error: failed to start command 'srv -m it's.gguf --api-key SECRET': exec: \"srv\": not found",  # v250
    "unable to start process: start() failed for command 'srv --api-key SECRET': exec: \"srv\": not found",  # v200
    "start() failed for command 'srv --api-key SECRET " + 9_000 * "x" + "': not found",
], ids=["v250", "v200", "long"])  # fmt: skip
def test_a_command_line_in_an_error_is_dropped_for_it_may_hold_secrets(said):
    body = json.dumps({"src": "llama-swap", "error": {"message": said}}).encode()
    page = decode.decode_activity_page([{"id": 1, "model": "m", "resp_status_code": 500, "error_msg": said}])
    for error in (decode.error_text(body), decode.error_text(said.encode()), page.rows[0].error):
        assert "SECRET" not in error and error.endswith(": not found")
