"""Requests in flight: which bytes are the model's own, what each request is doing, and how many are kept."""

import sys

import pytest

from llamabar.core import events as ev
from llamabar.core import limits, readings
from llamabar.core.decode import decode_inflight, decode_models
from llamabar.core.hysteresis import figures
from llamabar.core.path_kind import PathKind, path_kind
from llamabar.core.phases import Phase, phases
from llamabar.core.snapshot import apply
from llamabar.core.speed import Source
from llamabar.core.state import in_flight
from tests.fakes.life import CHAT, LISTED, after, live, request, row, slots, table


def test_loading_text_neither_counts_as_generating_nor_calibrates():
    snapshot = after(live(table(m="stopped"), LISTED, ev.RequestsFinished(())), table(m="starting"), at_s=1.0)
    snapshot = after(snapshot, request(answered_bytes=90), request(answered_bytes=5000, elapsed_s=4.0), at_s=1.0)
    assert phases(snapshot) == {"1": Phase.LOADING}
    snapshot = after(snapshot, table(m="ready"), request(answered_bytes=5200, elapsed_s=5.2), at_s=6.0, step_s=0.3)
    assert phases(snapshot) == {"1": Phase.PROMPT}
    assert after(snapshot, request(answered_bytes=5200, elapsed_s=8.0), at_s=9.0).requests["1"].answer_bytes == 0
    for quarter in range(1, 21):
        upsert = request(answered_bytes=5200 + 1000 * quarter, elapsed_s=9.0 + quarter / 4)
        snapshot = after(snapshot, upsert, at_s=10.0 + quarter / 4)
    assert phases(snapshot) == {"1": Phase.GENERATING}
    finished = ev.RequestsFinished((row(1, tokens=100),), total=1)
    snapshot = after(snapshot, ev.InflightRemoved("1"), finished, at_s=15.0)
    assert snapshot.models["m"].meter.bytes_per_token[CHAT] == pytest.approx(200.0, rel=0.02)


def test_bytes_that_came_before_any_slot_had_begun_are_no_answer():
    """A connection that opens after a load tells nothing of its text: the prompt was "generating" until it was done."""
    answered = after(live(table(m="ready"), request("0", answered_bytes=20_000)), ev.InflightRemoved("0"), at_s=0.5)
    rows = (ev.RequestsFinished(()), ev.RequestsFinished((row(1, tokens=100),)))  # they tell the bytes of a token
    text = ev.InflightListed((ev.RequestInfo("1", "m", CHAT, "t", 0.2, 1960, True),))
    reading = after(after(answered, *rows, text, at_s=0.6), slots(0), at_s=1.0)
    assert phases(reading) == {"1": Phase.PROMPT}
    assert readings.generation(reading, reading.models["m"], now_s=5.0) is None
    begun = after(reading, request(answered_bytes=2400, elapsed_s=4.5), at_s=1.5)
    assert phases(begun) == {"1": Phase.GENERATING} == phases(after(begun, slots(4), at_s=1.8))


def test_a_request_of_the_configuration_before_a_reload_neither_waits_for_the_new_model_nor_uses_it():
    """v250: what the old model still writes is reported in the new stream, whose first list is empty."""
    reloaded = after(live(table(m="ready"), LISTED), ev.StreamOpened(), table(m="starting"), LISTED, at_s=100.0)
    snapshot = after(reloaded, request("57", answered_bytes=9000, elapsed_s=30.0), request("1"), at_s=101.0)
    assert phases(snapshot) == {"57": Phase.WORKING, "1": Phase.LOADING}
    snapshot = after(snapshot, table(m="ready"), request("57", answered_bytes=9900, elapsed_s=31.0), at_s=102.0)
    assert phases(snapshot) == {"57": Phase.WORKING, "1": Phase.WORKING}
    assert after(snapshot, ev.InflightRemoved("57"), at_s=103.0).models["m"].last_use_s == 102.0
    early = after(live(), request("57", answered_bytes=9000, elapsed_s=30.0), request("58", elapsed_s=9.0), at_s=1.0)
    told = ev.InflightListed((request("58", answered_bytes=9000, elapsed_s=9.0).request,))  # an event may be first
    assert phases(after(early, table(m="ready"), told, at_s=1.0)) == {"58": Phase.GENERATING}


@pytest.mark.parametrize(
    ("said", "phase"),
    [
        (request(), Phase.WORKING), (request(streams=True), Phase.PROMPT), (request(streams=False), Phase.WORKING),
        (request(streams=False, answered_bytes=900), Phase.WORKING), (request(answered_bytes=900), Phase.GENERATING),
        (request(path="/v1/embeddings", streams=False, answered_bytes=900), Phase.WORKING),
        (request(path="/v1/audio/speech", streams=True, answered_bytes=900), Phase.WORKING),
    ],
)  # fmt: skip
def test_a_prompt_counts_as_being_processed_only_with_evidence(said, phase):
    assert phases(live(table(m="ready"), LISTED, said)) == {"1": phase}


def test_a_slot_shows_the_prompt_of_a_text_but_not_of_an_embedding():
    for path, phase in ((CHAT, Phase.PROMPT), ("/v1/embeddings", Phase.WORKING)):
        snapshot = after(live(table(m="ready"), LISTED, request(path=path)), slots(0), at_s=1.0)
        assert phases(snapshot) == {"1": phase}


def test_possible_generation_is_a_gap_in_the_history_and_an_embedding_is_not():
    for path, tps in ((CHAT, None), ("/v1/embeddings", 0.0)):
        snapshot = live(table(m="ready"), LISTED, request(path=path, streams=False))
        assert readings.sample(snapshot, now_s=1.0).server.generation_tps == tps


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/chat/completions", PathKind.TEXT), ("/upstream/a/b/v1/completions?x=1", PathKind.TEXT), ("", PathKind.TEXT),
     ("/v/messages", PathKind.TEXT), ("/v1/audio/transcriptions", PathKind.TRANSCRIPTION),
     ("/v1/audio/speech/", PathKind.SPEECH), ("/sdapi/v1/txt2img", PathKind.IMAGE), ("/rerank", PathKind.RERANKING),
     ("/upstream/tei/embed", PathKind.EMBEDDING), ("/upstream/xtts/v1/tts", PathKind.SPEECH),
     ("/V1/Embeddings", PathKind.EMBEDDING), ("/v1/messages/count_tokens", PathKind.OTHER), ("/props", PathKind.OTHER)],
)  # fmt: skip
def test_a_path_determines_the_kind_of_request(path, kind):
    assert path_kind(path) is kind


def test_models_and_requests_beyond_the_limits_are_counted_but_not_kept():
    many = [{"id": str(one), "model": "m", "state": "ready"} for one in range(limits.MODELS + 7)]
    snapshot = live(decode_models(many), decode_inflight({"requests": many}))
    assert (len(snapshot.models), snapshot.models_left_out) == (limits.MODELS, 7)
    assert (len(snapshot.requests), in_flight(snapshot)) == (limits.REQUESTS, len(many))
    snapshot = live(table(m="ready"), LISTED, *(request(str(one)) for one in range(limits.REQUESTS + 5)))
    assert (len(snapshot.requests), in_flight(snapshot)) == (limits.REQUESTS, limits.REQUESTS + 5)
    ended = after(snapshot, *(ev.InflightRemoved(str(one)) for one in range(limits.REQUESTS + 5)), at_s=1.0)
    assert (len(ended.requests), in_flight(ended)) == (0, 0)


def test_endless_paths_and_clicks_do_not_use_more_memory():
    snapshot = live(table(m="ready"), LISTED, *(ev.ActionAsked(str(one)) for one in range(500)))
    assert len(snapshot.asked) <= limits.CLICKS + 1
    for one in range(100):
        path = f"{CHAT}?{one}"
        for said in (request(path=path, answered_bytes=9000), ev.InflightRemoved("1")):
            snapshot = after(snapshot, said, at_s=float(one))
        page = ev.RequestsFinished((row(one, tokens=100, path=path),), total=one + 1)
        snapshot = after(snapshot, page, at_s=float(one))
    assert len(snapshot.models["m"].meter.bytes_per_token) == limits.PATHS


def test_a_request_that_a_crash_or_a_failed_load_cut_off_does_not_wait():
    began = live(table(m="ready"), LISTED, request("1"), at_s=40.0)
    crashed = after(began, table(m="stopped"), at_s=50.0)
    failed = after(live(LISTED, table(m="starting"), request("1"), at_s=40.0), table(m="stopped"), at_s=50.0)
    for snapshot in (crashed, failed):
        later = after(snapshot, request("2"), at_s=51.0)
        assert phases(later) == {"1": Phase.WORKING, "2": Phase.QUEUED}


def test_a_request_that_has_the_number_of_one_before_a_reload_is_another_one():
    """v250 counts from 1 again, while an older request 1 is still answered."""
    reloaded = after(live(table(m="ready"), LISTED), ev.StreamOpened(), table(m="starting"), LISTED, at_s=100.0)
    old, new = request("1", answered_bytes=900, elapsed_s=20.0, stamp="10:00"), request("1", stamp="10:20")
    snapshot = after(after(reloaded, old, at_s=100.5), new, at_s=101.0)
    assert (phases(snapshot), snapshot.requests["1"].started_s) == ({"1": Phase.LOADING}, 101.0)


def test_a_list_that_ends_many_requests_looks_at_their_phases_once():
    """A thousand that wait for one slot: each time it took a millisecond, and the loop stood still for a second."""
    snapshot = after(live(table(m="ready"), LISTED), *(request(str(one)) for one in range(9)), slots(0), at_s=1.0)
    called = []
    sys.setprofile(lambda frame, what, _: called.append(frame.f_code.co_name) if what == "call" else None)
    try:
        apply(snapshot, ev.InflightListed(()), 2.0)
    finally:
        sys.setprofile(None)
    assert called.count("_phases_of") <= 1


PEERS = ev.ModelsListed((ev.ModelInfo("lab/m", "", peer="lab"),))


def answering(snapshot, *, at_s):
    """Return the snapshot after a peer's model wrote 1,000 bytes per second for four seconds."""
    for tick in range(17):
        said = request("1", "lab/m", answered_bytes=250 * tick, streams=True, elapsed_s=tick / 4)
        snapshot = after(snapshot, said, at_s=at_s + tick / 4)
    return snapshot


def test_a_peers_model_has_an_estimated_speed_once_one_answer_has_calibrated_it():
    first = answering(live(PEERS, LISTED, request("1", "lab/m")), at_s=10.0)
    assert phases(first) == {"1": Phase.GENERATING}
    assert readings.generation(first, first.models["lab/m"], now_s=14.1) is None
    row_of_it = ev.RequestsFinished((row(1, "lab/m", tokens=100),), total=1)
    ended = after(first, ev.InflightRemoved("1"), row_of_it, at_s=14.2)
    again = answering(ended, at_s=20.0)
    reading = readings.generation(again, again.models["lab/m"], now_s=24.1)
    assert reading.source is Source.ESTIMATE and reading.tps == pytest.approx(25.0, rel=0.1)
    assert readings.sample(again, now_s=24.1).server.generation_tps == reading.tps
    assert figures(again, now_s=24.1).speeds == {"lab/m": reading}


@pytest.mark.parametrize(("peers", "listed"), [(("far",), "far/m"), (("far", "near"), "m"), ((), "m")])
def test_a_request_that_names_a_peers_model_without_the_peer_is_that_models(peers, listed):
    table = ev.ModelsListed(tuple(ev.ModelInfo(f"{peer}/m", "", peer=peer) for peer in peers))
    snapshot = live(table, LISTED, request(model="m"), ev.RequestsFinished((row(model="m"),)))
    assert (snapshot.requests["1"].info.model, snapshot.rows[0].model) == (listed, listed)


def test_a_request_is_not_shown_as_one_to_a_peers_model_whose_name_only_ends_like_it():
    table = ev.ModelsListed((ev.ModelInfo("lab/org/m", "", peer="lab"),))
    assert live(table, LISTED, request(model="m")).requests["1"].info.model == "m"
    assert live(table, LISTED, request(model="org/m")).requests["1"].info.model == "lab/org/m"


def test_requests_that_were_listed_together_are_in_the_order_of_their_numbers():
    """v235 to v239 tell no age: the tenth came before the ninth, so the ninth was taken for the one that waits."""
    snapshot = live(table(m="ready"), ev.InflightListed((ev.RequestInfo("10", "m"), ev.RequestInfo("9", "m"))))
    assert [one.info.id for one in snapshot.by_age] == ["9", "10"]
