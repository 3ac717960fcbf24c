"""The layout of the menu: number of rows, their places, what asks first, the title's width."""

import functools
from dataclasses import replace

import pytest
import tools.scenes
from tools.scenes import NOW_S, QWEN, scenes

from llamabar.app.monitor import Monitor, Watched
from llamabar.cli.reports import status_document
from llamabar.core import events as ev
from llamabar.core.cadence import QUIET_S
from llamabar.core.history import History, Readings, record
from llamabar.core.pressure import Pressure
from llamabar.core.status import BUSY
from llamabar.view import doing_words, palette, words
from llamabar.view.compose import busiest, compose, title
from llamabar.view.menu import MODEL, REQUEST, Action, Do
from llamabar.view.scene import MenuOptions, Remembered, Scene, seen
from llamabar.view.swiftbar import Clicks, Renderer, render
from tests.fakes.life import LISTED, after, live, request, running
from tests.fakes.play import Player

SCENES = {named.name: named for named in scenes()}
UNLOADS = ev.CapabilitiesFound(confirmed=frozenset({"unload_one", "cancel"}))
ASKS = {Do.UNLOAD_ALL, Do.CANCEL_ALL, Do.STOP}


def test_a_diagnosis_from_llamabars_own_submenu_is_of_every_server_and_one_from_a_server_is_of_that_one():
    found = [action.target for action in drawn("five-servers").actions() if action.target.startswith("doctor")]
    assert found[-1] == "doctor" and set(found[:-1]) <= {f"doctor --server @{number}" for number in range(1, 6)}


@functools.lru_cache
def drawn(name):
    return compose(SCENES[name].scene)


def top(menu):
    return [row for section in menu.sections for row in section]


def lines(menu):
    """Return how many lines an open menu has, including separators."""
    return sum(map(len, menu.sections)) + len(menu.sections) - 1


def child(menu, label):
    return next(row for row in (*top(menu), *menu.rows()) if row.label == label)


def menu_of(snapshot, *, now_s=5.0, **more):
    server = {name: more.pop(name) for name in ("models",) if name in more}
    return compose(
        Scene((seen("mac", "http://127.0.0.1:8080", snapshot, History(), now_s=now_s, **server),), now_s, **more)
    )


def table(*ids, state="stopped"):
    return ev.ModelsListed(tuple(ev.ModelInfo(one, state) for one in ids))


TWO_READY = table("a", "b", state="ready")
DOWN = ("offline", "stopped", "crashing", "no-service", "needs-key")


def rows_shown(frame):
    """Return how many top-level rows SwiftBar's text has: no submenus, no separators, no Option alternates."""
    body = frame.decode().splitlines()[1:]
    return sum(not line.startswith(("--", "~~~")) and "alternate=true" not in line for line in body)


@pytest.mark.parametrize("clicks", [Clicks(), Clicks("/Users/me/x.pyz", by_stdin=False), Clicks(badges=True)])
@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_menu_is_short(name, clicks):
    scene, frame = SCENES[name].scene, render(drawn(name), clicks)
    busy = any(one.status in BUSY for one in scene.servers)
    most = 30 if len(scene.servers) > 1 else 24 if busy else 16
    shown = rows_shown(frame)
    assert shown <= most and shown == len(top(drawn(name))), frame.decode()
    assert lines(drawn(name)) <= (12 if name in DOWN else 24)


def test_only_rows_are_counted():
    frame = render(drawn("ready"), Clicks())
    assert rows_shown(frame) == 14
    assert rows_shown(frame.replace(b"\nMemory", b"\nAnother\nMemory")) == 15


@pytest.mark.parametrize("shown", ["mac", "mini", "studio", "rack", "attic", ""])
def test_five_servers_have_thirty_rows_whichever_is_shown_in_full(shown):
    five = SCENES["five-servers"].scene
    menu = compose(replace(five, options=MenuOptions(expand=shown), remembered=Remembered()))
    assert rows_shown(render(menu, Clicks())) <= 30


def test_of_many_loaded_models_busy_ones_then_recent_ones_get_up_to_six_rows():
    rows = [row for row in top(drawn("twelve-models")) if row.subject is not None]
    assert len(rows) == 6
    assert sum(row.symbol == palette.SYMBOLS["generating"] for row in rows) == 3
    assert child(drawn("twelve-models"), words.MORE_LOADED).value == "6"
    assert child(drawn("twelve-models"), words.REQUESTS).value == "8 active"


def test_many_models_are_folded_by_owner():
    ids = [f"{owner}/m-{n}" for owner in ("a", "b") for n in range(10)] + ["plain-1", "plain-2"]
    load = child(menu_of(live(table(*ids), LISTED)), words.LOAD)
    assert load.value == "22" and [row.label for row in load.children[:2]] == ["a/m-0", "a/m-1"]
    assert [(row.label, row.value) for row in load.children[11:]] == [("b", "9"), (words.MORE_MODELS, "2")]


@functools.lru_cache
def alone():
    """Return the submenu of a model that is the only one loaded, works, and has taken more memory."""
    working = (tools.scenes._request(41, answer_bytes=90_000, age_s=8.0), *tools.scenes._slots((312, 41)))
    scene = tools.scenes._one(tools.scenes._live({QWEN: "ready"}, *working), busy=True)
    history = record(scene.servers[0].models[QWEN], Readings(41.0, 700.0, 2.0, 20e9), now_s=NOW_S + 1.0)
    server = replace(scene.servers[0], models={QWEN: history})
    return child(compose(replace(scene, servers=(server,))), QWEN).children


def test_a_models_tooltips_show_the_lowest_typical_and_highest_values():
    said = {row.label: row.tooltip for row in alone()}
    assert said["Speed"] == "34.0 to 42.0 tok/s, typical 38.4"
    assert said["Prompt"] == "697 to 849 tok/s, typical 789"
    assert said["Requests"] == "", "all the same, so the figure says it"


def test_pinned_models_come_first_then_those_used_last():
    snapshot = live(table("a", "b", "c", "d"), table("a", "d", state="ready"), step_s=1.0)
    snapshot = after(snapshot, table("a", "b", "c", "d"), at_s=3.0)
    load = child(menu_of(snapshot, options=MenuOptions(("c",))), words.LOAD)
    assert [row.label for row in load.children] == ["c", "a", "d", "b"]
    assert load.children[0].symbol == palette.PIN


def test_the_cost_of_a_load_comes_from_earlier_measurements():
    load = child(drawn("ready"), words.LOAD)
    assert [(row.label, row.value) for row in load.children[:3]] == [
        ("gemma-12b", "8.1 GB, about 4 s"), ("coder-32b", "20 GB, about 8 s"),
        ("llama-70b", "42 GB, about 21 s, 23 GB free: may not fit"),
    ]  # fmt: skip


def test_a_loaded_models_usual_load_time_comes_from_earlier_measurements_too():
    """After a restart of the plugin no load has been seen yet."""
    server, model = SCENES["ready"].scene.servers[0], "coder-32b"
    info = ev.ModelInfo(model, "ready", description="For code,\u202e and long files")
    server = replace(server, snapshot=after(live(LISTED), ev.ModelsListed((info,)), at_s=NOW_S))
    rows = child(compose(replace(SCENES["ready"].scene, servers=(server,))), model).children
    told = {row.label: row.value for row in rows}
    assert (told["Load time"], told["Description"]) == ("8.4 s", "For code, and long files")


def test_counted_requests_wait_while_no_model_can_answer_them():
    counted = (ev.CapabilitiesFound(frozenset({"inflight_count"})), ev.InflightCounted(2))
    for state, said in (("starting", "2 waiting"), ("ready", "2 active")):
        assert child(menu_of(live(table("a", state=state), *counted)), words.REQUESTS).value == said


def test_json_says_how_long_ago_a_model_was_used():
    busy = live(table("a", "b", state="ready"), LISTED, request(model="a"))
    snapshot = after(busy, ev.InflightRemoved("1"), at_s=2.0)
    server = seen("mac", "http://127.0.0.1:8080", snapshot, History(), now_s=5.0)
    models = status_document(Scene((server,), 5.0))["servers"][0]["models"]
    assert {one["id"]: one["last_use_age_s"] for one in models} == {"a": 3.0, "b": None}


@pytest.mark.parametrize("name", sorted(SCENES))
def test_an_interrupting_action_asks_first_with_one_item(name):
    for row in drawn(name).rows():
        for one in row.children:
            if one.action is not None and one.action.do in ASKS | {Do.RESTART}:
                assert row.children == (one,) and row.action is None
        assert row not in top(drawn(name)) or row.action is None or row.action.do not in ASKS


def test_unloading_one_model_takes_one_click_unless_it_interrupts_a_request():
    idle = live(table("m", state="ready"), LISTED, UNLOADS)
    model = next(row for row in menu_of(idle).rows() if row.subject and row.subject.kind == MODEL)
    assert any(row.action and row.action.do is Do.UNLOAD for row in model.children)
    busy = after(idle, request(answered_bytes=900), at_s=1.0)
    model = next(row for row in menu_of(busy).rows() if row.subject and row.subject.kind == MODEL)
    assert not any(row.action and row.action.do is Do.UNLOAD for row in model.children)
    asks = next(row for row in model.children if row.label == words.UNLOAD_BUSY)
    assert (asks.children[0].value, asks.children[0].action.do) == ("interrupts 1 request", Do.UNLOAD)


def test_the_result_of_a_click_is_shown_in_its_row():
    snapshot = live(table("m", state="ready"), LISTED, UNLOADS)
    token = Action(Do.UNLOAD_ALL, server="mac").token
    asked = after(snapshot, ev.ActionAsked(token, "unload all"), at_s=2.0)
    assert child(menu_of(asked), words.UNLOAD_ALL).value == words.ON_ITS_WAY
    refused = after(asked, ev.ActionEnded(token, "it would not"), at_s=3.0)
    assert "Couldn't unload all models: it would not" in [row.label for row in menu_of(refused).rows()]


@pytest.mark.parametrize(("name", "label", "do", "target"), [
    ("no-service", words.INSTALL, Do.TERMINAL, "install"),
    ("no-model", words.ADD_MODEL, Do.SHOW, "config"),
    ("needs-key", words.OPEN_SETTINGS, Do.SHOW, "settings"),
    ("crashing", "Copy Fix: llamabar install", Do.COPY, "llamabar install"),
    ("stopped", words.START, Do.START, None),
])  # fmt: skip
def test_a_first_start_shows_the_one_row_that_helps(name, label, do, target):
    row = next(row for row in top(drawn(name)) if row.label == label)
    assert row.action.do is do and target in (None, row.action.target)


def test_a_service_that_cannot_start_shows_its_fix_where_start_would_be():
    labels = [row.label for row in top(drawn("crashing"))]
    assert labels[:3] == ["llama-swap: crashed 4 times at 127.0.0.1:8080", "Why: The service's config file is missing",
                          "Copy Fix: llamabar install"]  # fmt: skip
    assert words.START not in labels
    assert words.START in [row.label for row in child(drawn("crashing"), words.SERVICE).children]
    assert words.START not in [row.label for row in child(drawn("stopped"), words.SERVICE).children]


def test_a_stopped_service_that_will_not_start_says_what_to_do_first():
    stopped = SCENES["stopped"].scene
    cause = SCENES["crashing"].scene.servers[0].cause
    menu = compose(replace(stopped, servers=(replace(stopped.servers[0], cause=cause),), remembered=Remembered()))
    assert [row.label for row in top(menu)][1:3] == [f"Why: {cause.title}", f"Copy Fix: {cause.remedy}"]


@pytest.mark.parametrize(("kind", "service", "rows"), [
    ("UNKNOWN_HOST", "RUNNING", ["Why: Host not found", words.OPEN_SETTINGS]),
    ("UNTRUSTED", "ELSEWHERE", ["Why: The certificate isn't trusted",
                                "Certificate: set ca_file in the settings to its authority's certificate",
                                words.OPEN_SETTINGS]),
    ("ASLEEP", "RUNNING", ["Why: Asleep. The next request will wake it"]),
    ("TIMEOUT", "RUNNING", ["Why: Timed out", words.RESTART]),
    ("REFUSED", "ELSEWHERE", ["Why: No service installed", words.INSTALL]),
])  # fmt: skip
def test_what_no_service_can_mend_offers_no_service(kind, service, rows):
    snapshot = tools.scenes._lost(ev.FaultKind[kind], getattr(tools.scenes, service), seen=False)
    menu = compose(tools.scenes._one(snapshot))
    assert [row.label for row in menu.sections[0]][1:] == rows


def test_a_gap_in_the_stream_is_said_to_be_one():
    menu = compose(tools.scenes._one(tools.scenes._lost(ev.FaultKind.LAGGING, tools.scenes.ELSEWHERE)))
    assert top(menu)[0].label == "llama-swap: connecting…"
    assert QWEN in [row.label for row in top(menu)]


def test_connecting_is_not_starting():
    assert top(drawn("starting"))[0].label == "llama-swap: connecting…"
    assert words.INSTALL not in [row.label for row in drawn("starting").rows()]


def test_all_busy_titles_are_of_one_width_and_a_quiet_one_has_no_text():
    for named in SCENES.values():
        for kind in ("speed", "model"):
            scene = Scene(named.scene.servers, NOW_S, title=kind)
            wide = len(title(scene).text)
            assert wide == (doing_words.TITLE_CHARS if busiest(scene).status in BUSY else 0), named.name


def test_the_title_warns_of_a_failure_for_ten_minutes_or_until_something_is_loaded():
    failed = live(table("a", "b"), ev.ModelsListed((ev.ModelInfo("a", "starting"), ev.ModelInfo("b", "stopped"))))
    failed = after(failed, table("a", "b"), at_s=10.0)
    busy = live(table("a", state="ready"), LISTED, request(model="a"))
    for snapshot in (failed, after(busy, table("a"), at_s=10.0)):  # failed to load; crashed during an answer
        snapshot = after(snapshot, ev.InflightRemoved("1"), at_s=11.0)
        assert menu_of(snapshot, now_s=609.0).title.symbol == palette.FAILED
        assert menu_of(snapshot, now_s=610.0).title.symbol == palette.SYMBOLS["empty"]
    loaded = after(failed, ev.ModelsListed((ev.ModelInfo("a", "stopped"), ev.ModelInfo("b", "ready"))), at_s=20.0)
    assert menu_of(loaded, now_s=100.0).title.symbol == palette.SYMBOLS["ready"]
    unloaded = after(loaded, table("a", "b"), at_s=200.0)
    assert menu_of(unloaded, now_s=300.0).title.symbol == palette.SYMBOLS["empty"], "it was told already"


def test_the_warning_goes_by_itself_soon_after_its_ten_minutes():
    monitor, shown = Monitor({"mac": Watched("mac", "http://127.0.0.1:1")}), {}
    starts = ev.ModelsListed((ev.ModelInfo("a", "starting"),))
    for event in (ev.StreamOpened(), LISTED, table("a"), starts, table("a")):
        monitor.take("mac", event, at_s=0.0)
    for now_s in range(0, 900, 5):
        monitor.tick(now_s=float(now_s))
        menu = monitor.frame(now_s=float(now_s))
        if menu is not None:
            shown.setdefault(menu.title.symbol, now_s)
    assert shown == {palette.FAILED: 0, palette.SYMBOLS["empty"]: shown[palette.SYMBOLS["empty"]]}
    assert 600 <= shown[palette.SYMBOLS["empty"]] <= 600 + QUIET_S


def test_a_ready_model_says_when_it_unloads_only_in_its_last_five_minutes():
    snapshot = live(table("m", state="ready"), LISTED, request(), ev.InflightRemoved("1"), running(ttl_s=600.0))
    values = {now_s: top(menu_of(snapshot, now_s=now_s))[2].value for now_s in (10.0, 350.0, 590.0)}
    assert values == {10.0: "ready", 350.0: "ready, 5 min left", 590.0: "ready, 10 s left"}


def test_of_several_servers_one_can_be_shown_in_full():
    several = SCENES["several-servers"].scene
    menu = compose(Scene(several.servers, NOW_S, options=MenuOptions(expand="mac")))
    assert [row.label for row in top(menu)][:2] == ["mac: generating", "Speed"]
    assert {"mini", "studio", QWEN, words.REQUESTS, words.MEMORY} <= {row.label for row in top(menu)}
    assert lines(menu) <= 24


def test_requests_and_their_ways_to_be_canceled_are_one_row():
    menu = drawn("queued-behind")
    found = child(menu, words.REQUESTS)
    assert (found.value, len([row for row in found.children if row.subject and row.subject.kind == REQUEST])) == (
        "2 active, 1 waiting", 3,
    )  # fmt: skip
    assert [row.subject for row in top(menu) if row.subject and row.subject.kind == REQUEST] == []


def test_unknown_model_memory_is_not_shown_as_zero():
    memory = child(drawn("tunnel"), words.MEMORY)
    assert [row.label for row in memory.children] == [words.IN_USE, words.FREE, words.CPU]
    for name in DOWN:  # a llama-swap that doesn't respond may have models
        assert child(drawn(name), words.MEMORY).children[0].label == words.IN_USE


def test_a_mistake_in_the_settings_is_a_sentence_in_its_row():
    mistake = 'config.toml:2: unknown setting "apikey". Did you mean "key"?'
    menu = compose(replace(SCENES["ready"].scene, mistakes=(mistake,), remembered=Remembered()))
    assert [row.text for row in menu.sections[0]] == [f"Settings: {mistake}", words.OPEN_SETTINGS]
    line = render(menu, Clicks(badges=True)).decode().splitlines()[2]
    assert line.startswith(f"Settings: {mistake}|") and "badge=" not in line


@pytest.mark.parametrize(("pressure", "said"), [
    (None, ""), ("normal", ""), ("warning", ", high pressure"), ("critical", ", critical pressure"),
])  # fmt: skip
def test_memory_pressure_above_normal_is_shown_next_to_used_memory(pressure, said):
    measured = ev.HostMeasured(0.1, 41 * 10**9, 64 * 10**9, pressure and Pressure(pressure))
    snapshot = live(table("m"), measured)
    row = child(menu_of(snapshot), "Memory")
    assert row.value == f"41.0 of 64.0 GB{said}"
    assert row.symbol == (palette.FAILED if said else palette.MEMORY)
    server = seen("mac", "http://127.0.0.1:8080", snapshot, History(), now_s=5.0)
    assert status_document(Scene((server,), 5.0))["host"]["memory_pressure"] == pressure


def test_values_are_badges_where_supported():
    plain, badges = (render(drawn("generating"), Clicks(badges=badges)).decode() for badges in (False, True))
    assert "\nqwen3-30b: 41.0 tok/s|sfimage=waveform" in plain and "badge=" not in plain
    assert '\nqwen3-30b|sfimage=waveform badge="41.0 tok/s"' in badges and "qwen3-30b: " not in badges


def test_an_image_taller_than_the_row_has_an_explicit_size():
    for line in render(drawn("generating"), Clicks()).decode().splitlines():
        assert ("width=228 height=28" in line) == line.startswith("Speed: 5 min|image="), line


def test_a_name_of_several_words_gets_its_own_font_and_parents_get_no_colour():
    infos = ev.ModelsListed((ev.ModelInfo("q-30", "ready", "Qwen 3 30B"), ev.ModelInfo("q-8", "ready", "Qwen 3 8B")))
    frame = render(menu_of(live(infos, LISTED)), Clicks(badges=True)).decode()
    fonts = [line.split("font=")[1].split()[0] for line in frame.splitlines() if line.startswith("Qwen")]
    assert len(set(fonts)) == 2
    failed = render(drawn("failed"), Clicks()).decode()
    assert "color=" not in next(line for line in failed.splitlines() if line.startswith("coder-32b"))


MORE_SERVERS = {"several-servers": 12_000, "five-servers": 16_384}


@pytest.mark.parametrize("badges", [False, True])
@pytest.mark.parametrize("name", sorted(SCENES))
def test_frames_stay_within_their_sizes(name, badges):
    """At most six thousand bytes with a few models loaded, twelve thousand for fifty, with SwiftBar 2.1's clicks."""
    few = 12_000 if name == "twelve-models" and badges else 12_400 if name == "twelve-models" else 6_000
    frame = render(drawn(name), Clicks("/Users/me/llamabar.pyz", badges=badges))
    assert len(frame) <= MORE_SERVERS.get(name, few)


@pytest.mark.parametrize(("version", "at_s"), [("v250", 13.6), ("v236", 12.3), ("v228", 13.9), ("v150", 14.0)])
def test_every_frame_of_a_recorded_run_stays_within_its_size(version, at_s):
    clicks = Clicks("/Users/me/llamabar.pyz", by_stdin=False)
    assert max(len(render(menu, clicks)) for _, menu in Player(version).play(at_s).frames) <= 6_000


def test_a_request_shows_its_client_and_its_prompts_length():
    request_row = next(row for row in drawn("generating").rows() if row.subject and row.subject.kind == REQUEST)
    assert [row.text for row in request_row.children[:2]] == ["From: Zed", "Prompt: 900 tokens"]
    odd = ev.InflightUpserted(ev.RequestInfo("1", "m", client="\x1b[31m|evil\u202e --"))
    frame = render(menu_of(live(table("m", state="ready"), LISTED, odd)), Clicks(badges=True)).decode()
    assert "--From|sfimage=person badge=" in frame and "\x1b" not in frame and "\u202e" not in frame


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_cache_changes_neither_menu_nor_frame(name):
    scene, renderer = replace(SCENES[name].scene, remembered=Remembered()), Renderer(Clicks())
    frames = {renderer.render(compose(scene)) for _ in range(3)}
    assert frames == {render(drawn(name), Clicks())}
    first, second = ([row for row in compose(scene).rows() if row.subject is not None] for _ in range(2))
    assert all(one is other for one, other in zip(first, second)), "what did not change is not made again"


def test_the_bar_of_memory_has_a_part_for_each_model_and_is_not_drawn_again_until_one_moves():
    def parts(used_bytes):
        measured = ev.MemoryMeasured(None, {"a": used_bytes, "b": 32 * 10**9})
        host = ev.HostMeasured(0.1, 60 * 10**9, 64 * 10**9)
        return {row.label: row for row in child(menu_of(live(LISTED, TWO_READY, measured, host)), "Memory").children}

    first, second = parts(8 * 10**9), parts(8 * 10**9)
    assert first["Models"].image.values == pytest.approx((8 / 64, 32 / 64, 20 / 64), abs=0.01)  # … and the others
    assert first["Models"].image.png is second["Models"].image.png
    assert list(first) == ["Models", "Other programs", "Free", "a", "b", "CPU"]
    assert parts(16 * 10**9)["a"].value == "16.0 GB"


def test_a_models_memory_has_a_chart_while_it_moves():
    assert [row.label for row in child(drawn("generating"), QWEN).children if row.image] == ["Speed"]
    assert [(row.label, row.value) for row in alone() if row.image] == [
        ("Speed", "41.0 tok/s, typical 38.4"), ("Range", "18.4 to 20.0 GB, typical 18.4"),
    ]  # fmt: skip


def test_long_names_are_complete_in_a_submenu_and_an_owner_is_named_once():
    rows = {row.label: row for row in drawn("twelve-models").rows()}
    load = rows["Load Model"].children
    assert load[0].label == "bartowski/Qwen3-Coder-13B-A3B-Instruct-2507-GGUF:Q4_K_M" and not load[0].tooltip
    assert rows["ggml-org"].children[0].label == "Qwen3-Coder-30B-A3B-Instruct-2507-GGUF:Q4_K_M"
