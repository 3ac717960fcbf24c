"""Huge numbers of items from a server, or on stdin: what is kept is limited, the excess is counted."""

import os

import pytest

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import decode, limits
from llamabar.core.events import FinishedRequest, RequestsFinished
from llamabar.core.state import in_flight
from llamabar.sources.clicks import ClickReader
from llamabar.sources.inbox import Inbox
from llamabar.view.swiftbar import Clicks, render
from tests.app.test_bad_servers import STREAM, event
from tests.fakes.life import after, live
from tests.fakes.programs import Plugin, Stranger, wait_for

ENDS_WITHIN_S = 0.5


def many(count, state="stopped"):
    return [{"id": f"m{number:06}", "name": "", "state": state} for number in range(count)]


def test_a_hundred_thousand_models_make_a_menu_and_sigterm_still_ends_it_at_once(tmp_path):
    """Lists of 12 MB come one after another (a quarter of that in the daily tests)."""
    count = 100_000 if os.environ.get("LLAMABAR_LONG_TESTS") else 25_000
    said = STREAM + (event("modelStatus", many(count)) + event("modelStatus", many(count, "ready"))) * 3

    def flooding(request):
        return said if b"/api/events" in request else b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"

    with Stranger(flooding, hold_s=60) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        wait_for(lambda: "m0000" in plugin.text, 40)
        code, took_s = plugin.end()
    assert code == 0
    assert took_s < ENDS_WITHIN_S + 0.3  # even on a busy machine


def test_models_requests_rows_profiles_and_running_models_beyond_the_limits_are_left_out_and_counted():
    table = decode.decode_models(many(100_000))
    assert (len(table.models), table.left_out) == (limits.MODELS, 100_000 - limits.MODELS)
    listed = {"operation": "snapshot", "requests": [{"id": str(number), "model": "m"} for number in range(400_000)]}
    snapshot = after(live(), decode.decode_inflight(listed), at_s=1.0)
    assert (len(snapshot.requests), in_flight(snapshot)) == (limits.REQUESTS, 400_000)
    rows = decode.decode_metrics([{"id": number, "model": "m"} for number in range(limits.ROWS_AT_ONCE + 5)])
    assert (len(rows.rows), rows.rows[-1].id) == (limits.ROWS_AT_ONCE, limits.ROWS_AT_ONCE + 4)
    profiles = decode.decode_profiles({"profiles": [{"id": str(number)} for number in range(9000)]})
    assert len(profiles.names) == limits.PROFILES
    running = decode.decode_running({"running": [{"model": str(number), "state": "ready"} for number in range(9000)]})
    assert len(running.models) == limits.MODELS


@pytest.mark.parametrize("line", [b"%012x\n", b"same\n%.0s"])
def test_two_million_lines_on_stdin_are_limited_to_the_maximum_of_clicks(line):
    reading, writing = os.pipe()
    inbox, count = Inbox(), 2_000_000 if os.environ.get("LLAMABAR_LONG_TESTS") else 20_000
    reader = ClickReader(reading, inbox)
    reader.start()
    with os.fdopen(writing, "wb") as pipe:
        for number in range(count):
            pipe.write(line % number if b"x" in line else b"same\n")
    reader.join(60)
    os.close(reading)
    clicks = inbox.take()
    assert len(clicks) == (limits.CLICKS if b"x" in line else 1)
    assert inbox.take() == []


def test_a_click_while_others_wait_is_handled_after_them():
    inbox = Inbox()
    for token in ("a", "b", "a"):
        inbox.click(token)
    assert [click.token for _, _, click in inbox.take()] == ["a", "b"]
    inbox.click("a")
    assert [click.token for _, _, click in inbox.take()] == ["a"]



@pytest.mark.parametrize("kept", [limits.ROWS, 16])
def test_only_the_latest_rows_stay_in_memory(kept):
    rows = tuple(FinishedRequest(number, "m", at_unix_s=1.0 + number) for number in range(limits.ROWS))
    monitor = Monitor({"s": Watched("s", "http://127.0.0.1:1", snapshot=live())}, rows_kept=kept, day_of=str)
    handed = []
    monitor.keep = lambda found: handed.extend(found.rows)
    for _ in range(2):  # it reports all of them again
        monitor.take("s", RequestsFinished(rows), at_s=1.0)
    assert handed == list(rows)
    assert monitor.servers["s"].snapshot.rows == rows[-kept:] and monitor.servers["s"].snapshot.new_rows == ()


def test_the_menu_shows_the_number_of_omitted_models():
    snapshot = after(live(), decode.decode_models(many(5432)), at_s=1.0)
    menu = Monitor({"s": Watched("s", "http://127.0.0.1:1", snapshot=snapshot)}).frame(now_s=2.0)
    assert b"5,432" in render(menu, Clicks())
