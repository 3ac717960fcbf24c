"""What a loaded model is doing: each answer, from what shows it."""

import pytest

from llamabar.core import events as ev
from llamabar.core.doing import Doing, doing
from tests.fakes.life import LISTED, live, request, table

COUNTED = (ev.CapabilitiesFound(frozenset({"inflight_count"})), ev.InflightCounted(2))
ONE, TWO = table(m="ready"), table(m="ready", n="ready")


@pytest.mark.parametrize(("said", "has_speed", "found"), [
    ((ONE, LISTED), False, Doing.NOTHING),
    ((ONE, LISTED), True, Doing.GENERATING),
    ((ONE, LISTED, request(answered_bytes=9)), False, Doing.GENERATING),
    ((ONE, LISTED, request(streams=True)), False, Doing.PROMPT),
    ((ONE, LISTED, request(streams=False)), True, Doing.WORKING),
    ((ONE, LISTED, request(model="other")), False, Doing.NOTHING),
    ((ONE, *COUNTED), False, Doing.BUSY),
    ((TWO, *COUNTED), False, Doing.PERHAPS),
    ((TWO, *COUNTED), True, Doing.GENERATING),
])  # fmt: skip
def test_what_a_model_is_doing(said, has_speed, found):
    snapshot = live(*said)
    assert doing(snapshot, snapshot.models["m"], has_speed=has_speed) is found
