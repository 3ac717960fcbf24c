"""The size of a frame with everything that can be shown: SwiftBar keeps each one, and a pipe holds 16 kB at first."""

import pytest

from llamabar.view import languages, words
from llamabar.view.compose import compose
from llamabar.view.menu import SEPARATOR
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


@pytest.mark.parametrize("used", [1, 2, 3, 4])
@pytest.mark.parametrize("names", [SHORT, LONG], ids=["short", "long"])
def test_a_frame_of_four_models_takes_six_thousand_bytes_however_many_are_loaded_and_used(names, used):
    """Names of fifty characters take up to 400 bytes more; in other languages it is another 600."""
    most = 6_000 if names is SHORT else 6_400
    for loaded in range(used, 5):
        played = play(names[:loaded], names[loaded:], used=used)
        found = sizes(played, *MODERN)
        assert found["en"] <= most and max(found.values()) <= most + 600, (loaded, found)
        assert max(sizes(played, EARLIER).values()) <= 8_500


def test_without_the_computers_figures_a_frame_is_smaller():
    assert sizes(play(SHORT, host=False), *MODERN)["en"] <= 5_800


@pytest.mark.parametrize(("served", "limit_bytes"), [
    ({"loaded": SHORT, "servers": ("mac", "mini")}, 9_600),
    ({"loaded": LONG, "others": MANY[4:]}, 12_000),
    ({"loaded": LONG, "servers": ("mac", "mini", "studio", "rack")}, FRAME_LIMIT_BYTES),
    ({"loaded": MANY[:12], "others": MANY[12:], "at_work": 8}, FRAME_LIMIT_BYTES),
], ids=["two servers", "fifty models", "four servers", "twelve loaded and eight at work"])  # fmt: skip
def test_a_frame_of_many_models_or_servers_stays_small_and_nothing_is_left_out(served, limit_bytes):
    found = sizes(play(**served), *MODERN)
    assert max(found.values()) <= limit_bytes, found


def test_the_more_models_are_loaded_and_used_the_fewer_pictures_there_are_and_all_facts_stay():
    facts, pictures = {}, {}
    for loaded, used in ((1, 1), (2, 1), (2, 2), (3, 1), (4, 1), (3, 2), (4, 4)):
        monitor, now_s = play(SHORT[:loaded], SHORT[loaded:], used=used)
        menu = compose(monitor.scene(now_s=now_s))
        inside = next(row for row in menu.rows() if row.label == SHORT[0]).children
        labels = {row.label for row in inside if row.action is None and not row.children} - {"Range", "Requests"}
        facts[loaded, used] = labels
        charts = [row.label for row in menu.rows() if row.image is not None]
        pictures[loaded, used] = (charts, [row.label for row in inside if row.tooltip])
        assert all(row.symbol or row.image for row in menu.rows() if row is not SEPARATOR), "every row has a symbol"
    spreads, of_models = ["Speed", "Prompt"], ["Speed", "Speed", "Range", "Models"]
    assert pictures == {
        (1, 1): ([*of_models, "CPU", "GPU"], spreads),
        (2, 1): (of_models, spreads),
        (2, 2): (["Speed", *of_models], []),
        (3, 1): (of_models, []),
        (4, 1): (of_models, []),
        (3, 2): (["Speed"], []),
        (4, 4): (["Speed"], []),
    }
    assert all(labels == facts[1, 1] for labels in facts.values())
