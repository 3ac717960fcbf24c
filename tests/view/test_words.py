"""The words of the menu: plain, with names that tell models apart, and nothing added by outside text."""

import re
from pathlib import Path

import pytest
from tools.scenes import scenes

from llamabar.core import events as ev
from llamabar.core.events import FaultKind
from llamabar.core.history import History
from llamabar.core.totals import Totals
from llamabar.view import words
from llamabar.view.compose import compose
from llamabar.view.html import State, page
from llamabar.view.menu import Do
from llamabar.view.names import labels
from llamabar.view.scene import Scene, address_of, seen
from llamabar.view.swiftbar import Clicks, render
from llamabar.view.text import NAME_LIMIT_CHARS
from tests.fakes.life import LISTED, live, request
from tests.fakes.life import row as finished
from tests.fakes.outline import outline

GOLDEN = Path(__file__).parents[1] / "golden"
RETIRED = (
    "no service is known", "keeps crashing", "not answering", "nothing listens", "no answer in time", "needs a key",
    "key is missing", "something else answers", "what answers", "host name is not known", "no secure connection",
    "fell behind", "the machine behind it", "reading a prompt", "reading the prompt", "requests wait\\b",
    "being answered", "Also called", "Watched", "after its last use", "stays loaded", "Copy: ", "Open: its own",
    "Leave the profile", "Load again", "Start this plugin anew", "in its folder", "Earlier days", "To type",
    "Find out why", "Last seen", "is from then", "will be lost", "of them waiting", "asked…", "a fault",
    "In the picture", "anew", "for want of", "\\bmend\\b",
)  # fmt: skip
HUIHUI = "huihui-ai/Huihui-Qwen3-30B-A3B-{}-2507-abliterated-GGUF:Q4_K_M"
CONFIRMED = ev.CapabilitiesFound(confirmed=frozenset({"unload_one", "cancel"}))


def table(*models):
    return ev.ModelsListed(tuple(ev.ModelInfo(*model) for model in models))


def server_of(*said, url="http://127.0.0.1:8080"):
    return seen("llama-swap", url, live(*said), History(), now_s=1.0)


def menu_of(*said, **more):
    return compose(Scene((server_of(*said, **more),), now_s=1.0))


def texts(menu):
    return [row.text for row in menu.rows()]


def test_the_peak_of_a_model_is_of_this_load():
    high, low = (ev.MemoryMeasured(None, {"m": size}) for size in (18_000_000_000, 5_000_000_000))
    busy = [table(("m", "ready")), high, low]
    assert "Memory: 5.0 GB, peak 18.0 GB" in texts(menu_of(*busy))
    loading = [*busy, table(("m", "stopped")), table(("m", "starting")), low]
    for said in (loading, [*loading, table(("m", "ready"))]):
        assert [text for text in texts(menu_of(*said)) if "peak" in text] == []


def test_today_says_how_each_model_did_and_counts_those_that_it_does_not_list():
    totals = Totals()
    told = {"at_unix_s": 1.0, "status": 200, "duration_s": 5.0}
    rows = (finished(number, f"m{number}")._replace(**told) for number in range(1, 8))
    totals.add(rows, lambda _: "today")
    server = seen("mac", "http://h", live(table(("m1", "ready"))), History(), now_s=1.0, totals=totals)
    shown = texts(compose(Scene((server,), 1.0, today="today")))
    assert "Today: 7 requests, 700 tokens" in shown and "Left out: 2 models, 2 requests, 200 tokens" in shown
    assert "m1: 1 request, 100 tokens, 40.1 tok/s, first token 2.5 s" in shown


def test_no_menu_uses_retired_words():
    shown = "\n".join(path.read_text("utf-8") for path in sorted(GOLDEN.glob("*.txt")))
    shown += "\n".join(text for named in scenes() for text in texts(named.state.menu))
    shown += "\n".join(str(value) for value in vars(words).values() if isinstance(value, (str, dict, tuple)))
    assert [found for found in RETIRED if re.search(found, shown)] == []


def test_actions_are_in_title_case():
    small = {"curl", "llama-swap", "in", "a", "the"}
    for named in scenes():
        for row in named.state.menu.rows():
            shown = row.text.partition(" (")[0]
            outside = row.action is not None and row.action.do in (Do.LOAD, Do.PROFILE) and row.text != "Try Again"
            if row.action is not None and not outside and ":" not in shown:
                assert all(word[0].isupper() or word in small for word in shown.split()), row.text


def test_every_fault_has_words_and_every_fixable_one_a_remedy():
    assert set(words.FAULTS) == set(FaultKind)
    assert all(not text.endswith(".") for text in words.FAULTS.values()), "a sentence around it would end twice"


def test_a_model_goes_by_its_display_name_and_its_id_is_in_the_submenu():
    shown = menu_of(table(("qwen3-30b-a3b", "ready", "Qwen 3"), ("bge", "stopped", "BGE M3"), ("plain", "stopped")))
    model = next(row for row in shown.rows() if row.text == "Qwen 3: ready")
    assert "Copy Model ID (qwen3-30b-a3b)" in [child.text for child in model.children]
    assert (model.tooltip, "BGE M3" in texts(shown), "plain" in texts(shown)) == ("", True, True)
    frame = render(shown, Clicks()).decode()
    line = next(line for line in frame.splitlines() if line.startswith("--BGE M3|"))
    assert "tooltip=bge" in line and "--plain|stdin=" in frame


@pytest.mark.parametrize("ids", [
    (HUIHUI.format("Instruct"), HUIHUI.format("Thinking")),
    ("x" * 60 + "a" + "y" * 60, "x" * 60 + "b" + "y" * 60, "x" * 60 + "bc" + "y" * 59),
    ("m" * 70, "m" * 71, "m" * 72),
    ("same\u200b", "same", "same\u202e"),
    tuple(f"{'a' * 30}{n // 10}{'b' * 30}{n % 10}{'c' * 30}" for n in range(40)),
])  # fmt: skip
def test_names_that_would_look_alike_after_cutting_do_not(ids):
    found = labels(live(table(*((one, "stopped") for one in ids))))
    assert len(set(found.values())) == len(ids)
    assert max(map(len, found.values())) <= NAME_LIMIT_CHARS + 5


def test_two_names_are_cut_where_they_differ():
    found = labels(live(table(*((HUIHUI.format(kind), "ready") for kind in ("Instruct", "Thinking")))))
    assert ["Instruct" in label or "Thinking" in label for label in found.values()] == [True, True]


def test_models_with_the_same_display_name_go_by_their_ids():
    found = labels(live(table(("a-1", "ready", "Chat"), ("a-2", "ready", "Chat"), ("b", "ready", "B"))))
    assert dict(found) == {"a-1": "a-1", "a-2": "a-2", "b": "B"}


def test_a_user_who_wants_ids_sees_ids():
    shown = live(table(("a-1", "ready", "Chat")))
    server = seen("s", "http://127.0.0.1:1", shown, History(), now_s=1.0, by_id=True)
    assert (labels(shown)["a-1"], server.label("a-1"), server.label("gone")) == ("Chat", "a-1", "gone")


def test_look_alikes_are_only_in_swiftbars_text():
    odd = "org/a|b:bolt:c\\n"
    menu = menu_of(table((odd, "ready")), LISTED)
    frame = render(menu, Clicks()).decode()
    shown = "\n".join(outline(menu)) + page([State("", menu)], heading="")
    assert odd in shown and not set("\u2236\u00a6\u2216") & set(shown)
    line = next(line for line in frame.splitlines() if line.startswith("org/"))
    assert line.startswith("org/a\u00a6b:bolt:c\\\\n: ready|") and "symbolize=false emojize=false" in line
    assert "\u2236" not in frame


def test_a_models_page_is_reached_through_llama_swap():
    menu = menu_of(table(("org/m:q4", "ready")), CONFIRMED, url="http://mini.local:8080/llm")
    opened = [action.target for action in menu.actions() if action.do is Do.OPEN]
    assert "http://mini.local:8080/llm/upstream/org%2Fm%3Aq4/" in opened
    assert not any("5801" in target for target in opened)


def test_an_address_cannot_drive_a_terminal_or_reorder_a_row():
    menu = compose(Scene((server_of(LISTED, url="http://h\x1b]52;c;eA==\x07\u202e:1/"),), now_s=1.0))
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(texts(menu)))


def test_long_numbers_are_separated():
    said = menu_of(table(("m", "ready")), ev.RequestsFinished((finished(1, tokens=19_128, tps=19_128.0),), total=1))
    assert any("19,128 tok/s" in text for text in texts(said))


def test_an_unlisted_model_is_shown_only_while_it_is_loaded():
    hidden = ev.ModelInfo("hidden", "stopped", unlisted=True)
    assert "hidden" not in " ".join(texts(menu_of(ev.ModelsListed((hidden,)))))
    assert "hidden: ready" in texts(menu_of(ev.ModelsListed((hidden._replace(state="ready"),))))


def test_a_request_names_its_model_as_its_row_does():
    menu = menu_of(table(("m", "ready", "My Model")), request("7"))
    assert any(text.startswith("#7 My Model: ") for text in texts(menu))


@pytest.mark.parametrize(("url", "said"), [
    ("http://127.0.0.1:8080", "127.0.0.1:8080"), ("https://mac.example.org/llm", "mac.example.org/llm"),
    ("http://me:se/cret@mac:8080/llm", "…@mac:8080/llm"), ("", "(no address)"),
])  # fmt: skip
def test_two_servers_behind_one_gateway_are_told_apart_by_their_paths_and_no_login_is_shown(url, said):
    assert address_of(url) == said
