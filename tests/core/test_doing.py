"""What a loaded model is doing: each answer, from what shows it."""

import pytest

from llamabar.core import events as ev
from llamabar.core.doing import Doing, doing
from tests.fakes.life import LISTED, after, live, request, table

COUNTED = (ev.CapabilitiesFound(frozenset({"inflight_count"})), ev.InflightCounted(2))
BESIDE_A_LOAD = table(m="ready", n="starting")  # an embedding model that stays, say
ONE, TWO = table(m="ready"), table(m="ready", n="ready")
BESIDE_A_PEER = ev.ModelsListed((ev.ModelInfo("m", "ready"), ev.ModelInfo("far", "", peer="lab")))


@pytest.mark.parametrize(("said", "has_speed", "found"), [
    ((ONE, LISTED), False, Doing.NOTHING),
    ((ONE, LISTED), True, Doing.GENERATING),
    ((ONE, LISTED, request(answered_bytes=9)), False, Doing.GENERATING),
    ((ONE, LISTED, request(streams=True)), False, Doing.PROMPT),
    ((ONE, LISTED, request(streams=False)), False, Doing.WORKING),
    ((ONE, LISTED, request(streams=False)), True, Doing.GENERATING),
    ((ONE, LISTED, request(model="other")), False, Doing.NOTHING),
    ((ONE, *COUNTED), False, Doing.BUSY),
    ((BESIDE_A_LOAD, *COUNTED), False, Doing.PERHAPS),
    ((BESIDE_A_LOAD, *COUNTED, ev.ConnectionsSeen({"m": ()})), False, Doing.NOTHING),
    ((TWO, *COUNTED), False, Doing.PERHAPS),
    ((TWO, *COUNTED), True, Doing.GENERATING),
    ((BESIDE_A_PEER, *COUNTED), False, Doing.PERHAPS),
    ((BESIDE_A_PEER, *COUNTED, ev.ConnectionsSeen({"m": ()})), False, Doing.NOTHING),
])  # fmt: skip
def test_what_a_model_is_doing(said, has_speed, found):
    snapshot = live(*said)
    assert doing(snapshot, snapshot.models["m"], has_speed=has_speed) is found


@pytest.mark.parametrize(("listed", "used_s"), [(ONE, 9.0), (TWO, None), (BESIDE_A_LOAD, None), (BESIDE_A_PEER, None)])
def test_when_a_counted_request_ends_the_only_model_it_can_have_been_for_counts_as_used(listed, used_s):
    snapshot = after(live(listed, *COUNTED), ev.InflightCounted(1), at_s=9.0)
    assert snapshot.models["m"].last_use_s == used_s
