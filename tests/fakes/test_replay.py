"""Real bytes of real servers through the real pipeline; golden menus that a person can read in a diff."""

import os
from pathlib import Path

import pytest

from llamabar.view.compose import compose
from tests.fakes.outline import outline
from tests.fakes.play import NAME, Player, moments

GOLDEN = Path(__file__).parents[1] / "golden"

V250 = (
    (1.5, "nothing loaded"),
    (2.9, "the first model is loading"),
    (4.4, "ready"),
    (5.5, "processing a long prompt"),
    (9.2, "generating one answer"),
    (13.6, "three at once on two slots: one waits"),
    (17.0, "all three have ended"),
    (19.6, "the client hung up in mid-answer"),
    (20.03, "a swap: one model is unloading for another"),
    (20.9, "the other model is ready"),
    (22.3, "a model whose server exits"),
    (23.2, "loaded by a click"),
    (24.6, "unloaded by a click"),
    (26.0, "a request that will be canceled"),
    (26.9, "it was canceled"),
    (29.0, "everything unloaded"),
    (35.0, "the server has gone"),
)
V236 = (
    (1.5, "nothing loaded"), (2.3, "loading or processing a prompt"), (6.3, "one answer"),
    (8.9, "one answer, no slots seen"),
    (12.3, "three at once"), (22.3, "a model whose server exited"), (30.0, "the server has gone"),
)  # fmt: skip
V228 = (
    (1.5, "nothing loaded"), (6.3, "one answer"), (9.5, "one answer, no slots seen"), (13.9, "three at once"),
    (24.2, "a model whose server exited"), (52.0, "the server has gone"),
)  # fmt: skip
V150 = (
    (1.5, "nothing loaded"),
    (4.0, "loading"),
    (14.0, "one answer"),
    (16.2, "it has ended"),
    (60.0, "the server has gone"),
)


def drawing(player):
    return "\n".join(outline(compose(player.monitor.scene(now_s=player.now_s))))


@pytest.mark.parametrize(("version", "times"), [("v250", V250), ("v236", V236), ("v228", V228), ("v150", V150)])
def test_the_menu_of_every_moment_is_the_golden_one(version, times):
    shown = "\n\n".join(
        f"=== {at_s:g} s: {name}\n\n{drawing(p)}" for (at_s, name), (_, p) in zip(times, moments(version, times))
    )
    path = GOLDEN / f"{version}.txt"
    if os.environ.get("LLAMABAR_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown + "\n", "utf-8")
    assert shown + "\n" == path.read_text("utf-8"), "if this is meant: LLAMABAR_WRITE_GOLDEN=1, and read the diff"


@pytest.mark.parametrize("version", ["v150", "v228", "v236", "v250"])
def test_however_the_bytes_are_cut_the_snapshot_is_the_same(version):
    whole = Player(version).play(24.0)
    for size in (1, 7):
        cut = Player(version, piece_bytes=size).play(24.0)
        assert cut.snapshot == whole.snapshot, size
        assert cut.monitor.servers[NAME].history == whole.monitor.servers[NAME].history, size


@pytest.mark.parametrize("version", ["v150", "v228", "v236", "v250"])
def test_watching_a_recording_asks_only_what_watching_may_ask(version):
    player = Player(version).play(60.0)
    routes = {path.split("?")[0] for method, path in player.client.asked if method == "GET"}
    assert routes <= {
        "/api/version", "/running", "/wol-health", "/api/metrics/activity", "/api/metrics", "/api/profiles",
            "/slots", "/api/performance",
    }  # fmt: skip
    posts = {path.rstrip("0123456789abcdef") for method, path in player.client.asked if method == "POST"}
    assert posts == {"/api/inflight/0/cancel", "/api/models/unload/no-model-"}
