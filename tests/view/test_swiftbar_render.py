"""Frames parsed by SwiftBar's rules give exactly the intended items and actions."""

import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tests.fakes.swiftbar_host as host
from llamabar.core import events as ev
from llamabar.core.history import History
from llamabar.view.compose import compose
from llamabar.view.menu import SEPARATOR, Action, Do, Image, Menu, Row, Title
from llamabar.view.scene import Scene, seen
from llamabar.view.swiftbar import FRAME_LIMIT_BYTES, Clicks, Renderer, render, safe
from llamabar.view.text import name, plain
from tests.fakes.life import LISTED, after, live

HOSTILE = [
    "|",
    "||",
    "a|b",
    "a |\u0301b",
    "| color=red bash=/bin/sh",
    "---",
    "--",
    "-----",
    "-x",
    "~~~",
    "~~~\n---\nX",
    "a\nb",
    "a\r\nb",
    "\u2028x",
    "\x85",
    "\x0b",
    "\x0c",
    ":bolt.fill:",
    "a:bolt:b",
    "::",
    ":smile:",
    "\\n",
    "\\t",
    "\\\\",
    "a\\",
    "\x1b[31mred",
    "$(open x)",
    "`id`",
    "';open x;'",
    '"quoted"',
    "'",
    "\u202eevil",
    "\u200b",
    "\u200d",
    "a\u0301" * 50,
    "🙂🙂",
    "模型",
    "x" * 300,
    "",
    " ",
    "\u00a0",
    "\u2007",
    "param1=x",
    "href=http://x",
    "refresh=true",
    "\ud800",
    "\x00",
    "--x|bash=y",
    "a: b: c",
    "\ufeff",
]
words = st.sampled_from(HOSTILE) | st.text(max_size=20) | st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join)
actions = st.builds(Action, st.sampled_from([Do.LOAD, Do.UNLOAD, Do.CANCEL, Do.COPY]), words, words)
leaves = st.builds(
    Row, words.map(name), value=words.map(plain), tooltip=words, symbol=st.sampled_from(["", "circle"]),
    action=st.none() | actions, warning=st.booleans(), checked=st.booleans(),
    image=st.none() | st.just(Image(b"\x89PNG", (0.5,))),
)  # fmt: skip
rows = st.recursive(
    leaves, lambda inner: st.builds(Row, words.map(name), children=st.lists(inner, max_size=3).map(tuple)), max_leaves=8
)
menus = st.builds(
    Menu,
    st.builds(Title, st.just("circle"), words.map(plain), words),
    st.lists(st.lists(rows, min_size=1, max_size=4).map(tuple), max_size=3).map(tuple),
)
LONG = bool(os.environ.get("LLAMABAR_LONG_TESTS"))
PROGRAM = "/Users/me/Library/Application Support/llamabar/llamabar.pyz"


def content_of(frame, *, chunked=False):
    chunks = host.Chunks(trailing=True, whole_characters=not chunked)
    chunks.read(frame)
    assert len(chunks.contents) == 1, "a frame is one content"
    return chunks.contents[0]


def shape(item):
    return ("---",) if item.separator else (item.text, tuple(shape(child) for child in item.children))


def meant(*rows, badges=False):
    """Return what should be parsed: each row with its submenu, then its alternate."""
    found = []
    for row in rows:
        if row is SEPARATOR:
            found.append(("---",))
            continue
        said = row.label if badges else row.text
        found.append((safe(said).replace("\\\\", "\\").strip(), meant(*row.children, badges=badges)))
        if row.alternate is not None:
            found += meant(row.alternate, badges=badges)
    return tuple(found)


def check(menu, clicks):
    header, items = host.parse_menu(content_of(render(menu, clicks)))
    assert len(header) == 1
    found = [shape(item) for item in items]
    expected = []
    for section in menu.sections:
        expected.append(("---",))
        expected += meant(*section, badges=clicks.badges)
    assert found == expected
    return flat(items)


def read_as_parameter(value):
    """Return a badge or tooltip as parsed: one line, with look-alikes for what can't be quoted."""
    value = value.replace("\u200d", "")
    one_line = re.sub("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029\x00]+", " ", value)
    one_line = f"\u25cc{one_line}" if one_line and host.extends(one_line[0]) else one_line
    return one_line.replace('"', "\u2033").replace("\\", "\u2216").encode("utf-8", "replace").decode()


def flat(items):
    return [one for item in items if not item.separator for one in [item, *flat(item.children)]]


@settings(max_examples=10_000 if LONG else 60, deadline=None, suppress_health_check=list(HealthCheck))
@given(menus)
def test_any_menu_is_parsed_as_intended_however_it_is_clicked(menu):
    for row, item in zip(menu.rows(), check(menu, Clicks())):
        assert item.params.get("stdin") == (row.action.token if row.action else None)
        assert not {"bash", "shell", "href", "refresh", "shortcut"} & set(item.params)
    for row, item in zip(menu.rows(), check(menu, Clicks(badges=True))):
        plain_value = read_as_parameter(row.value)
        assert item.params.get("badge", "").strip() == plain_value.strip()
        assert item.params.get("tooltip", "").strip() == read_as_parameter(row.tooltip).strip()
        assert item.params.get("stdin") == (row.action.token if row.action else None)
        assert not {"bash", "shell", "href", "refresh", "shortcut"} & set(item.params)
    for row, item in zip(menu.rows(), check(menu, Clicks(PROGRAM, by_stdin=False))):
        if row.action is None:
            assert not item.has_action
        else:
            assert (item.bash, item.args) == (PROGRAM, ["click", row.action.token])
            assert item.params["terminal"] == "false"
            assert not {"stdin", "href", "refresh"} & set(item.params)


def watching(*model_ids, state="ready"):
    models = ev.ModelsListed(tuple(ev.ModelInfo(one, state) for one in model_ids))
    rows = tuple(ev.FinishedRequest(n, one, generation_tps=41.0) for n, one in enumerate(model_ids))
    caps = ev.CapabilitiesFound(confirmed=frozenset({"unload_one", "cancel"}))
    snapshot = live(models, LISTED, caps, ev.RequestsFinished(rows, total=len(rows)))
    return after(snapshot, ev.HostMeasured(0.1, 41 * 10**9, 64 * 10**9), at_s=1.0)


def menu_of(snapshot, **options):
    server = seen("llama-swap", "http://127.0.0.1:8080", snapshot, History(), now_s=5.0)
    return compose(Scene((server,), now_s=5.0, **options))


@pytest.mark.parametrize("state", ["ready", "stopped", "starting"])
def test_a_model_with_any_name_is_one_row_with_its_own_actions(state):
    for model_id in HOSTILE:
        items = check(menu_of(watching(model_id, "plain-7b", state=state)), Clicks())
        tokens = [item.params["stdin"] for item in items if "stdin" in item.params]
        wanted = Action(Do.UNLOAD if state != "stopped" else Do.LOAD, model_id, server="llama-swap").token
        addressable = state != "stopped" or "//" not in model_id  # llama-swap cleans such a path
        assert tokens.count(wanted) == addressable, model_id
        assert sum(item.title.startswith("plain-7b") for item in items) >= 1


@pytest.mark.parametrize("count", [1, 4, 50, 200])
def test_a_frame_keeps_its_limits_and_counts_what_it_leaves_out(count):
    snapshot = watching(*(f"model-{n:03}-with-a-rather-long-name-Q4_K_M" for n in range(count)), state="stopped")
    frame = render(menu_of(snapshot), Clicks(PROGRAM, by_stdin=False))
    assert len(frame) <= FRAME_LIMIT_BYTES
    if count <= 50:
        assert len(frame) <= 12_000
    shown = frame.count(b"param1=click") - 3  # two copies and the settings
    left_out = [int(line.split()[2].split("|")[0]) for line in frame.decode().splitlines() if "-Left out:" in line]
    assert shown + sum(left_out) == count


def test_a_renderer_folds_each_menu_like_its_first():
    renderer = Renderer(Clicks(PROGRAM, by_stdin=False))
    for count in (4, 60, 60, 200, 60, 61, 4, 200, 1):
        menu = menu_of(watching(*(f"model-{n:03}-{'x' * 200}" for n in range(count)), state="stopped"))
        assert renderer.render(menu) == render(menu, Clicks(PROGRAM, by_stdin=False)), count


def test_two_hundred_loaded_models_with_ids_as_long_as_can_be_fit_too():
    frame = render(menu_of(watching(*(f"{n}{'x' * 4000}{n}" for n in range(200)))), Clicks(PROGRAM, by_stdin=False))
    assert len(frame) <= FRAME_LIMIT_BYTES


def test_two_hundred_loaded_models_fit():
    frame = render(menu_of(watching(*(f"model-{n}-" + "x" * 250 for n in range(200)))), Clicks(PROGRAM, by_stdin=False))
    assert len(frame) <= FRAME_LIMIT_BYTES
    assert content_of(frame)


@pytest.mark.parametrize("clicks", [Clicks(), Clicks(badges=True)], ids=["plain", "badges"])
def test_a_frame_of_four_loaded_models_is_below_six_thousand_bytes(clicks):
    frame = render(menu_of(watching("qwen3-30b", "bge-m3", "coder-32b", "vision-12b")), clicks)
    assert len(frame) <= 6000, len(frame)


def test_no_item_claims_a_global_shortcut():
    assert b"shortcut=" not in render(menu_of(watching("m")), Clicks())


def test_frames_of_ascii_words_are_ascii():
    assert render(menu_of(watching("m")), Clicks()).isascii()


def test_a_program_path_that_cannot_be_quoted_offers_no_action():
    frame = render(menu_of(watching("m")), Clicks('/tmp/it\'s "here"/llamabar.pyz', by_stdin=False))
    assert b"bash=" not in frame
    content_of(frame)


def test_tokens_hide_what_they_name_and_are_unique():
    every = [
        Action(do, target, server, mark)
        for do in Do
        for target in ("a", "b")
        for server in ("", "s")
        for mark in ("", "t")
    ]
    assert len({action.token for action in every}) == len(every)
    assert all(action.token.isalnum() and action.token.isascii() for action in every)
    assert Action(Do.LOAD, "\ud800").token


@pytest.mark.parametrize("mark", ["\u2de0", "\u0903", "\u20dd", "\u200d", "\ufe0f"])
def test_a_name_that_starts_with_a_combining_mark_stays_in_its_submenu(mark):
    menu = Menu(Title("circle", "", "ready"), ((Row("Load", children=(Row(f"{mark}x"), Row("y"))),),))
    _, items = host.parse_menu(content_of(render(menu, Clicks())))
    assert [shape(item) for item in items if not item.separator] == [("Load", ((f"\u25cc{mark}x", ()), ("y", ())))]


@settings(max_examples=300 if LONG else 8, deadline=None)
@given(st.lists(st.integers(0, 160), min_size=1, max_size=12), st.integers(1, 400))
def test_a_renderer_folds_the_same_with_and_without_its_cache(widths, padding):
    rows = tuple(
        Row("x" * padding, children=tuple(Row(f"{number}", children=(Row("below"),) * 3) for number in range(width)))
        for width in widths
    )
    renderer = Renderer(Clicks())
    for shown in (rows, rows[1:], (*rows, Row("more", children=rows)), rows):
        menu = Menu(Title("circle", "", ""), (shown,))
        assert renderer.render(menu) == render(menu, Clicks())
