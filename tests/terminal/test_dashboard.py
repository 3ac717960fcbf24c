"""The dashboard as a user sees it: eight states at two sizes as golden screens, and rules for any size."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tools.scenes import scenes

from llamabar.core import events as ev
from llamabar.core import units
from llamabar.core.apply_models import SHOWN_S
from llamabar.core.history import History
from llamabar.core.hysteresis import figures
from llamabar.core.pressure import Pressure
from llamabar.core.snapshot import apply
from llamabar.core.speed import Source
from llamabar.core.state import Snapshot
from llamabar.core.status import Cause, Status
from llamabar.terminal.cells import Size, Style, columns
from llamabar.terminal.dashboard import draw
from llamabar.terminal.facts import WARNING, Thing
from llamabar.terminal.paint import Characters, shown_with
from llamabar.terminal.state import Page, View, settled
from llamabar.view import words as menu_words
from llamabar.view.compose import compose
from llamabar.view.menu import SEPARATOR
from llamabar.view.palette import GLYPHS
from llamabar.view.scene import Remembered, Scene, seen
from tests.fakes.life import LISTED, live, request

GOLDEN = Path(__file__).parents[1] / "golden" / "terminal"
STATES = ("generating", "queued-behind", "prompt", "loading", "ready", "failed", "offline", "several-servers")
SIZES = ((120, 40), (80, 24))
SCENES = {named.name: named for named in scenes()}


def screen(scene, width, height, view=None):
    """Return the lines of a screen as text."""
    view = settled(view or View(), scene)
    return [line.text for line in draw(scene, view, Size(width, height)).lines]


@pytest.mark.parametrize("size", SIZES)
def test_eight_states_match_their_golden_screens(size):
    parts = [
        "\n".join((f"── {name} {'─' * (size[0] - len(name) - 4)}", *map(str.rstrip, screen(SCENES[name].scene, *size))))
        for name in STATES
    ]
    shown = "\n".join(parts) + "\n"
    path = GOLDEN / f"{size[0]}x{size[1]}.txt"
    if os.environ.get("LLAMABAR_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8")


@pytest.mark.parametrize("page", [Page.TABLES, Page.DETAILS, Page.HELP, Page.PROFILES])
@pytest.mark.parametrize(("width", "height"), [
    (200, 50), (120, 40), (97, 27), (80, 24), (60, 20), (41, 9), (40, 4), (39, 24), (20, 6), (80, 3), (1, 1),
])  # fmt: skip
def test_every_state_fills_any_window_exactly(width, height, page):
    for named in SCENES.values():
        lines = screen(named.scene, width, height, View(page=page))
        assert len(lines) == height
        assert max(map(columns, lines)) <= width


def many(count, *, names=lambda number: f"model-{number:03}", ready=()):
    """Return a server with that many models."""
    listed = tuple(ev.ModelInfo(names(one), "ready" if one in ready else "stopped") for one in range(count))
    snapshot = Snapshot()
    for event in (ev.StreamOpened(), ev.CapabilitiesFound(frozenset({"inflight_list"})), ev.ModelsListed(listed)):
        snapshot = apply(snapshot, event, 1.0)
    return Scene((seen("mac", "http://127.0.0.1:8080", snapshot, History(), now_s=2.0),), 2.0)


def moved(scene, view, *keys, height=24):
    """Return the view after some keys, with a frame drawn after each."""
    from llamabar.terminal.controls import pressed
    from llamabar.terminal.keys import Pressed

    view = draw(scene, settled(view, scene), Size(80, height)).view
    for key in keys:
        view = draw(scene, pressed(view, Pressed(key), scene).view, Size(80, height)).view
    return view


def test_two_hundred_models_scroll_and_the_selected_one_is_always_seen():
    scene = many(200)
    for keys, wanted in ((("G",), "model-199"), (("G", "g"), "model-000"), (("page down",) * 3, "model-042"),
                         (("page down",) * 3 + ("page up",), "model-028"), (("j",) * 30, "model-030")):  # fmt: skip
        view = moved(scene, View(), *keys)
        shown = screen(scene, 80, 24, view)
        assert [text.split()[1] for text in shown if text.startswith(" ▸")] == [wanted]
    assert any("MODEL  ↑16 ↓169" in text for text in shown)


def test_rows_that_are_left_out_are_counted():
    assert any("MODEL  ↓185" in text for text in screen(many(200), 80, 24))


def test_requests_get_rows_next_to_two_hundred_models():
    scene = many(200, ready=(0,))
    server = scene.servers[0]
    listed = tuple(ev.RequestInfo(str(one), "model-000", "/v1/chat/completions") for one in range(30))
    snapshot = apply(server.snapshot, ev.InflightListed(listed), 1.5)
    scene = replace(scene, servers=(seen("mac", server.url, snapshot, History(), now_s=2.0),))
    shown = screen(scene, 80, 24)
    assert sum("#" in text for text in shown) >= 5
    assert sum("model-" in text and "#" not in text for text in shown) >= 8


NAMES = (
    "模型-7b",
    "نموذج",
    "👩‍💻👩‍💻",
    "e\u0301" * 40,
    "x" * 300,
    "a\x1b[31m\x1b]52;c;eA==\x07b",
    "a|b\n~~~",
    "",
    "\u202egpj",
)


@pytest.mark.parametrize("width", [200, 80, 60, 41, 30])
def test_names_in_any_script_keep_the_columns_aligned_and_drive_nothing(width):
    scene = many(len(NAMES) - 1, names=lambda number: NAMES[number], ready=(0, 1, 2, 3, 4, 5))
    lines = screen(scene, width, 30)
    assert max(map(columns, lines)) <= width
    text = "".join(lines)
    assert not any(char in text for char in "\x1b\x07\n\x9b\u202e")
    assert shown_with(text, Characters.ASCII).isascii()
    if width >= 60:
        rows = [one for one in lines if "ready" in one and "◉" in one and not one.startswith(" llamabar")]
        assert len({columns(one.partition("◉")[0]) for one in rows}) == 1


LONG = "unsloth/Huihui-Qwen3-30B-A3B-{}-2507-abliterated-GGUF:Q4_K_M"
JAPANESE = "日本語の長い名前のモデル{}番目の版の量子化されたファイル"


@pytest.mark.parametrize("width", [200, 120, 80, 60])
def test_two_long_names_never_look_alike(width):
    kinds = [LONG.format("Instruct"), LONG.format("Thinking"), JAPANESE.format("一"), JAPANESE.format("二")]
    rows = [row for row in screen(many(4, names=kinds.__getitem__), width, 24)[1:] if "○" in row]
    assert len({row[3:] for row in rows}) == 4


def test_memory_of_models_that_is_not_known_is_not_zero():
    known = SCENES["ready"].scene
    server = known.servers[0]
    unknown = replace(server, figures=replace(server.figures, memory_bytes={}))
    shown = "\n".join(screen(replace(known, servers=(unknown,)), 120, 40))
    assert "in use " in shown and "models 0" not in shown


@pytest.mark.parametrize("pressure", Pressure)
def test_memory_pressure_is_shown_next_to_used_memory(pressure):
    ready = SCENES["ready"].scene
    snapshot = ready.servers[0].snapshot
    snapshot = replace(snapshot, host=replace(snapshot.host, pressure=pressure, gpu_ratio=0.5))
    scene = replace(ready, servers=(replace(ready.servers[0], snapshot=snapshot),))
    said, short = f"{pressure.value.replace('warning', 'high')} pressure", pressure is not Pressure.NORMAL
    for size in ((200, 50), (120, 40), (96, 30), (80, 24), (70, 20)):
        drawn = draw(scene, settled(View(), scene), Size(*size)).lines
        row = next(line for line in drawn if "Memory" in line.text)
        assert (said in row.text) is short and columns(row.text) == size[0]
        assert any(one in row.text for one in ("41.0 of 64.0 GB", "41.0 GB"))
        styles = {span.style for span in row.spans if "pressure" in span.text}
        assert styles == ({Style.BAD if pressure is Pressure.CRITICAL else Style.WARN} if short else set())


@pytest.mark.parametrize(("age_s", "there"), [(5.0, True), (60.0, False)])
def test_the_gpus_use_and_power_are_shown_only_while_they_are_new(age_s, there):
    scene = SCENES["ready"].scene
    server = scene.servers[0]
    gpu = replace(server.snapshot.host, gpu_ratio=0.96, gpu_power_w=38.0, gpu_at_s=scene.now_s - age_s)
    snapshot = replace(server.snapshot, host=gpu)
    server = replace(server, snapshot=snapshot, figures=figures(snapshot, now_s=scene.now_s))
    shown = "\n".join(screen(replace(scene, servers=(server,)), 120, 40))
    assert ("GPU" in shown, "38 W" in shown) == (there, there)


@pytest.mark.parametrize("width", range(96, 125, 4))
def test_what_memory_is_used_for_is_said_whole_or_not_at_all(width):
    row = next(text for text in screen(SCENES["ready"].scene, width, 40) if "models 1" in text)
    assert "…" not in row and "other 21.3 GB" in row
    assert ("free 23.0 GB" in row) is (width > 104)


def test_a_filter_counts_what_is_shown():
    listed = tuple(ev.ModelInfo(one, "stopped", unlisted=one == "b") for one in "abc")
    snapshot = apply(many(0).servers[0].snapshot, ev.ModelsListed(listed), 1.5)
    scene = Scene((seen("mac", "http://127.0.0.1:8080", snapshot, History(), now_s=2.0),), 2.0)
    assert "Filter: a  (1 of 2)" in "\n".join(screen(scene, 80, 24, View(filter="a")))


def test_working_models_are_above_unloaded_ones():
    scene = many(9, ready=(7, 4))
    rows = [text.split()[-8:] and text for text in screen(scene, 80, 24) if "model-" in text]
    assert ["model-004" in rows[0], "model-007" in rows[1], "model-000" in rows[2]] == [True] * 3


def test_a_server_without_models_says_what_to_do():
    assert "llamabar open config" in "\n".join(screen(many(0), 80, 24))


@pytest.mark.parametrize(("routes", "said"), [
    ({"inflight_list"}, "No requests in flight."), ({"inflight_count"}, "3 requests in flight."),
    (set(), "This llama-swap version doesn't list requests."),
])  # fmt: skip
def test_requests_that_are_not_listed_are_not_said_to_be_none(routes, said):
    snapshot = Snapshot()
    listed = ev.ModelsListed((ev.ModelInfo("chat", "ready"),))
    for event in (ev.StreamOpened(), ev.CapabilitiesFound(frozenset(routes)), listed, ev.InflightCounted(3)):
        snapshot = apply(snapshot, event, 1.0)
    scene = Scene((seen("mac", "http://127.0.0.1:8080", snapshot, History(), now_s=2.0),), 2.0)
    assert said in "\n".join(screen(scene, 80, 24))


def test_the_cause_and_remedy_of_an_outage_are_in_the_middle():
    shown = "\n".join(screen(SCENES["offline"].scene, 80, 24))
    assert "No service installed." in shown
    assert "Last update 2 min ago: bge-m3, qwen3-30b" in shown
    assert "Press D" in shown


def test_a_known_cause_replaces_what_it_explains():
    offline = SCENES["offline"].scene
    cause = Cause("Connection refused at http://h:1", "curl -m 5 http://h:1/health")
    lost = replace(offline.servers[0].snapshot, fault=ev.Fault(ev.FaultKind.REFUSED), service=None)
    server = replace(offline.servers[0], snapshot=lost, status=Status.UNREACHABLE, cause=cause)
    shown = [text.strip() for text in screen(replace(offline, servers=(server,)), 80, 24)]
    assert "Connection refused at http://h:1." in shown and "Connection refused." not in shown
    assert cause.remedy in shown


def test_shape_and_words_show_the_state_without_colour():
    drawn = draw(SCENES["failed"].scene, View(), Size(120, 40)).lines
    row = next(line for line in drawn if "coder-32b" in line.text)
    state = next(span for span in row.spans if span.style is Style.BAD)
    assert state.text.startswith("⚠ failed to load")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_state_is_cut_where_fewer_words_say_it(width):
    signs = (*GLYPHS.values(), WARNING)
    for scene in (named.scene for named in SCENES.values()):
        spans = [span.text for line in draw(scene, View(), Size(width, 30)).lines[:-2] for span in line.spans]
        assert [text for text in spans if text.startswith(signs) and text.endswith("…") and text != "…"] == []


def test_in_a_narrow_window_a_peers_model_is_elsewhere_and_a_busy_one_busy():
    told = ev.ModelsListed((ev.ModelInfo("lab/m", "", peer="lab"), ev.ModelInfo("paints", "ready")))
    paints = request("1", "paints", path="/v1/images/generations")
    server = seen("mac", "http://h", live(told, LISTED, paints), History(), now_s=2.0)
    shown = "\n".join(screen(Scene((server,), 2.0), 60, 20))
    assert "○ elsewhere " in shown and "≋ busy " in shown
    shown = "\n".join(screen(Scene((server,), 2.0), 120, 20))
    assert "○ on another host " in shown and "≋ making an image " in shown


def test_a_speed_chart_without_values_has_no_top():
    axis = [text[1:6].strip() for text in screen(SCENES["starting"].scene, 120, 40) if text.startswith("│")]
    assert set(axis) == {"", "0"}


def test_a_long_label_without_a_value_does_not_move_the_values_of_a_models_page():
    scene = SCENES["generating"].scene
    shown = screen(scene, 80, 24, View(selected=Thing("model", "qwen3-30b"), page=Page.DETAILS))
    assert any(text.startswith("   Context         1,212 of 8,192") for text in shown)
    assert any(text.startswith("   Unloads after 10 min idle") for text in shown)
    idle = screen(SCENES["ready"].scene, 80, 24, View(selected=Thing("model", "qwen3-30b"), page=Page.DETAILS))
    assert any("Unloads after 10 min idle  " in text for text in idle)


def test_only_keys_that_work_are_shown():
    foot = screen(SCENES["offline"].scene, 120, 40)[-1]
    assert "load" not in foot.split()
    assert "D doctor" in foot
    assert "? help  q quit" in screen(SCENES["generating"].scene, 60, 20)[-1]
    assert "Tab server" in screen(SCENES["several-servers"].scene, 120, 40)[-1]


def test_below_forty_columns_there_are_plain_lines():
    lines = screen(SCENES["generating"].scene, 38, 10)
    assert lines[0].startswith("mac: generating 41.0 tok/s")
    assert "  qwen3-30b: generating 41.0 tok/s" in lines


def test_an_estimated_speed_is_marked_everywhere():
    scene = SCENES["several-servers"].scene
    busy = next(one for one in scene.servers if one.figures.speeds)
    guessed = {model: reading._replace(source=Source.ESTIMATE) for model, reading in busy.figures.speeds.items()}
    estimate = replace(busy, figures=replace(busy.figures, speeds=guessed))
    scene = replace(scene, servers=tuple(estimate if one is busy else one for one in scene.servers))
    speed = units.rate(estimate.figures.total.tps)
    for lines in (screen(scene, 120, 40, View(server=busy.name))[:2], screen(scene, 38, 10)):
        for line in lines:
            assert line.count(f"~{speed}") == line.count(speed), line
    assert f"~{speed}" in str(lines)


def facts_of(rows):
    """Return the labels and values of rows that do nothing when clicked."""
    return [(row.label, row.value) for row in rows if row is not SEPARATOR and row.action is None and not row.children]


def test_the_page_of_a_model_or_request_says_what_the_menu_says_of_it_in_the_same_words():
    seen = set()
    for named in SCENES.values():
        scene = named.scene
        for row in compose(replace(scene, remembered=Remembered())).rows():
            if row.subject is None or not row.children:
                continue
            server = next(one for one in scene.servers if one.name == row.subject.server)
            one = Thing(row.subject.kind, row.subject.target, row.subject.mark)
            page = screen(scene, 200, 60, View(server=server.name, page=Page.DETAILS, selected=one))
            for label, value in facts_of(row.children):
                seen.add(label)
                shown = any(re.search(rf"{re.escape(label)} +{re.escape(value)}(  |$)", line) for line in page)
                assert shown or label == menu_words.RANGE, (named.name, label, value, page)
    assert seen > {"Speed", "Last speed", "Prompt", "Memory", "Context", "Load time", "Reason", "From"}, seen


def test_the_menu_and_the_dashboard_show_a_failure_equally_long():
    failed = SCENES["failed"].scene
    for after_s, shown in ((SHOWN_S - 60.0, True), (SHOWN_S + 60.0, False)):
        scene = replace(failed, now_s=failed.now_s + after_s, remembered=Remembered())
        assert any(row.warning for row in compose(scene).rows()) is shown
        assert any("⚠" in line for line in screen(scene, 120, 40)) is shown


def test_a_peers_answering_model_is_generating_not_waiting():
    said = ev.ModelsListed((ev.ModelInfo("lab/m", "", peer="lab"),)), LISTED, request("1", "lab/m", answered_bytes=900)
    scene = Scene((seen("mac", "http://127.0.0.1:8080", live(*said), History(), now_s=2.0),), 2.0)
    row = next(line for line in screen(scene, 120, 40) if "lab/m" in line)
    assert "generating" in row.lower() and "waiting" not in row.lower(), row
    assert "Generating" in str([line for line in compose(scene).rows() if line.label == "lab/m"]).title()
