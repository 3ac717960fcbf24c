"""A server whose clock differs, through a forwarded port: days and ages are those of this computer."""

import csv
import io
import json
import time

import pytest

from llamabar.sources.clock import local_day, unix_s
from tests.fakes.other_clock import through_another_clock
from tests.fakes.programs import Plugin, chat, llama_swap, run, wait_for

HOUR_S = 3600


@pytest.mark.parametrize(("dialect", "ahead_s"), [
    ("v250", -25 * HOUR_S), ("v250", 26 * HOUR_S), ("v150", -25 * HOUR_S), ("v150", 26 * HOUR_S), ("v236", 50 * HOUR_S),
])  # fmt: skip
def test_requests_count_for_the_day_here_and_once(tmp_path, dialect, ahead_s):
    with llama_swap(dialect) as server, through_another_clock(server, ahead_s) as there:
        chat(server, "alpha-8b", tokens=5).join(10)  # before the start
        for expected in (2, 3):
            with Plugin(there.url, tmp_path) as plugin:
                plugin.wait_for_row(f"Today: {expected - 1} request")
                chat(server, "alpha-8b", tokens=5).join(10)
                plugin.wait_for_row(f"Today: {expected} requests")
                plugin.end()
        shown = run(tmp_path, "history", "--csv", LLAMABAR_URL=there.url).stdout
    days = {(row["day"], row["requests"]) for row in csv.DictReader(io.StringIO(shown))}
    assert days == {(local_day(unix_s()), "3")}


@pytest.mark.parametrize("ahead_s", [-HOUR_S, HOUR_S])
def test_a_last_request_is_as_old_as_it_is_behind_a_tunnel_on_loopback_too(tmp_path, ahead_s):
    with llama_swap("v250") as server, through_another_clock(server, ahead_s) as there:
        chat(server, "alpha-8b", tokens=60).join(10)
        time.sleep(2.0)  # old enough to tell from "just now" of a row in the future
        with Plugin(there.url, tmp_path) as plugin:
            plugin.wait_for_row("Last request: alpha-8b, ")
            assert plugin.row("Last request: ") == "Last request: alpha-8b, just now"
            assert "alpha-8b: ready" in plugin.row("alpha-8b")
        document = json.loads(run(tmp_path, "status", "--json", LLAMABAR_URL=there.url).stdout)
    left_s = next(one["unloads_in_s"] for one in document["servers"][0]["models"] if one["id"] == "alpha-8b")
    assert 280 < left_s < 299, "its TTL is 300 s"


def test_a_proxys_clock_is_outweighed_by_rows_that_come(tmp_path):
    with (
        llama_swap("v150") as server,
        through_another_clock(server, -25 * HOUR_S, header=False) as there,
        Plugin(there.url, tmp_path) as plugin,
    ):
        plugin.wait_for_row("llama-swap: no model loaded")
        for _ in range(5):
            chat(server, "alpha-8b", tokens=5).join(10)
        assert wait_for(lambda: plugin.row("Today: ")[7:8].isdigit()), "once two agree"
