"""The size of a frame with everything that can be shown: SwiftBar keeps each one, and a pipe holds 16 kB at first."""

import pytest

from llamabar.view import languages, words
from llamabar.view.compose import compose
from llamabar.view.swiftbar import FRAME_LIMIT_BYTES, Clicks, render
from tests.fakes.full_life import play

PROGRAM = "/Users/me/llamabar.pyz"
MODERN = (Clicks(PROGRAM, badges=True), Clicks(PROGRAM))  # SwiftBar 2.1 on macOS 14 and on an older one
EARLIER = Clicks(PROGRAM, by_stdin=False)  # a click of SwiftBar 2.0 takes 60 bytes more
SHORT = ("qwen3-30b", "gemma-12b", "coder-32b", "llama-70b")
LONG = tuple(f"unsloth/Qwen3-Coder-{size}B-A3B-Instruct-2507-GGUF:Q4_K_M" for size in (30, 80, 235, 480))
MANY = tuple(f"bartowski/Qwen3-Coder-{size}B-A3B-Instruct-2507-GGUF:Q4_K_M" for size in range(50))


def sizes(played, *clicks):
    """Return the size of the menu's frame in each language, the largest of these kinds of clicks."""
    monitor, now_s = played
    try:
        found = {}
        for code in ("en", "de", "ja"):
            languages.speak(code)
            menu = compose(monitor.scene(now_s=now_s))
            frames = [render(menu, one) for one in clicks]
            counted = sum(row.label == words.LEFT_OUT for row in menu.rows())
            assert all(frame.decode().count(f"-{words.LEFT_OUT}") == counted for frame in frames), "nothing is folded"
            found[code] = max(map(len, frames))
        return found
    finally:
        languages.speak(languages.ENGLISH)


@pytest.mark.parametrize("loaded", [1, 2, 3, 4])
@pytest.mark.parametrize("names", [SHORT, LONG], ids=["short", "long"])
def test_a_frame_of_four_models_takes_six_thousand_bytes_however_many_are_loaded(names, loaded):
    """Long names take up to 400 bytes more in other languages, whose words are longer, or letters of three bytes."""
    played = play(names[:loaded], names[loaded:])
    found = sizes(played, *MODERN)
    assert found["en"] <= 6_000 and max(found.values()) <= (6_000 if names is SHORT else 6_400), found
    assert max(sizes(played, EARLIER).values()) <= 8_000


def test_without_the_computers_figures_a_frame_is_smaller():
    assert max(sizes(play(SHORT, host=False), *MODERN).values()) <= 5_500


@pytest.mark.parametrize(("served", "limit_bytes"), [
    ({"loaded": SHORT, "servers": ("mac", "mini")}, 9_000),
    ({"loaded": LONG, "others": MANY[4:]}, 12_000),
    ({"loaded": LONG, "servers": ("mac", "mini", "studio", "rack")}, FRAME_LIMIT_BYTES),
    ({"loaded": MANY[:12], "others": MANY[12:], "at_work": 8}, FRAME_LIMIT_BYTES),
], ids=["two servers", "fifty models", "four servers", "twelve loaded and eight at work"])  # fmt: skip
def test_a_frame_of_many_models_or_servers_stays_small_and_nothing_is_left_out(served, limit_bytes):
    found = sizes(play(**served), *MODERN)
    assert max(found.values()) <= limit_bytes, found


def test_the_more_models_are_loaded_the_fewer_pictures_there_are_and_all_facts_stay():
    found = {}
    for loaded in (1, 2, 3, 4):
        monitor, now_s = play(SHORT[:loaded], SHORT[loaded:])
        menu = compose(monitor.scene(now_s=now_s))
        facts = next(row for row in menu.rows() if row.label == SHORT[0]).children
        charts = [row.label for row in menu.rows() if row.image is not None]
        tooltips = [row.label for row in facts if row.tooltip]
        frame = render(menu, MODERN[0]).decode()
        symbols = "--Prompt|sfimage=" in frame, " sfimage=eject" in frame
        labels = {row.label for row in facts if row.action is None and not row.children} - {"Range", "Requests"}
        found[loaded] = (labels, charts, tooltips, symbols)
    every = ["Speed", "Speed", "Range", "Models", "CPU", "GPU"]
    assert found[1][1:] == (every, ["Speed", "Prompt"], (True, True))
    assert found[2][1:] == (["Speed", "Speed", "Speed", "Models"], [], (True, True))
    assert found[3][1:] == (["Speed"], [], (True, True))
    assert found[4][1:] == (["Speed"], [], (False, True))
    assert found[1][0] == found[2][0] == found[3][0] == found[4][0]
