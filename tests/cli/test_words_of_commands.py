"""How commands talk: any name of a model, one line when done, failures as JSON if requested."""

import json
import re

import pytest
from tools.scenes import scenes

from llamabar.cli import control
from llamabar.cli.reports import model_table, request_table, status_lines
from llamabar.cli.which_model import models_called
from llamabar.core import events as ev
from llamabar.core.history import History
from llamabar.demo.dialect import DemoModel
from llamabar.errors import Code, LlamabarError
from llamabar.view.menu import Do
from llamabar.view.scene import Scene, seen
from tests.app.test_bad_servers import models, speaking
from tests.fakes.here import run_here
from tests.fakes.life import LISTED, live, request
from tests.fakes.programs import Stranger, as_installed, chat, free_port, llama_swap, run, wait_for

MODELS = (
    DemoModel("org/Qwen3-30B-Instruct:Q4", "Qwen 3 30B", load_s=0.1, aliases=("gpt-4o-mini",)),
    DemoModel("org/Qwen3-30B-Thinking:Q4", load_s=0.1),
    DemoModel("bge-m3", load_s=0.1),
)
DRIVES_A_TERMINAL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
HOSTILE = "m\x1b]52;c;eA==\x07\x9b31m\u202e\x1b[2J"


@pytest.fixture
def server():
    with llama_swap(models=MODELS) as running:
        yield running


def known():
    entries = (ev.ModelInfo(m.id, "stopped", m.name, aliases=m.aliases) for m in MODELS)
    return {"s": live(ev.ModelsListed(tuple(entries)))}


@pytest.mark.parametrize("typed", [
    "org/Qwen3-30B-Instruct:Q4", "gpt-4o-mini", "Qwen 3 30B", "qwen 3 30b", "GPT-4O-MINI", "qwen 3", "gpt",
    "ORG/QWEN3-30B-I",
])  # fmt: skip
def test_a_model_is_found_by_any_name_in_any_case_or_a_unique_prefix(typed):
    assert [model.id for _, model in models_called(typed, known())] == ["org/Qwen3-30B-Instruct:Q4"]


@pytest.mark.parametrize(("typed", "code", "said"), [
    ("org/", Code.AMBIGUOUS_MODEL, "fits 2 models: org/Qwen3-30B-Instruct:Q4, org/Qwen3-30B-Thinking:Q4."),
    ("bgem3", Code.UNKNOWN_MODEL, "Did you mean bge-m3?"),
    ("Qwen3-30B-Thinkin:Q4", Code.UNKNOWN_MODEL, "Did you mean org/Qwen3-30B-Thinking:Q4"),
    ("zzz", Code.UNKNOWN_MODEL, "No model is called 'zzz'."),
])  # fmt: skip
def test_an_unknown_or_ambiguous_model_gets_a_suggestion(typed, code, said):
    with pytest.raises(LlamabarError) as error:
        models_called(typed, known())
    assert said in error.value.message and error.value.code is code


def test_a_suggestion_names_each_model_once():
    coder = live(ev.ModelsListed((ev.ModelInfo("coder-32b", "stopped", "Coder 32B"),)))
    with pytest.raises(LlamabarError, match=r"Did you mean coder-32b[?]"):
        models_called("codr-32b", {"s": coder})


def test_a_change_ends_in_one_line_and_no_change_says_so(tmp_path, server):
    for arguments, said in (
        (["load", "qwen 3"], r"✓ org/Qwen3-30B-Instruct:Q4 loaded in \d+(\.\d)? s"),
        (["load", "gpt"], r"org/Qwen3-30B-Instruct:Q4 is already loaded\."),
        (["unload", "gpt-4o-mini"], "✓ org/Qwen3-30B-Instruct:Q4 unloaded"),
        (["unload", "gpt-4o-mini"], r"org/Qwen3-30B-Instruct:Q4 isn't loaded\. Nothing to unload\."),
        (["unload", "--all"], r"Nothing to unload\."),
        (["cancel", "--all"], r"Nothing to cancel\."),
        (["profile", "coding"], "✓ Profile coding is active"),
        (["profile", "--none"], "✓ No profile is active"),
    ):
        done = run_here(tmp_path, *arguments, LLAMABAR_URL=server.url)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert re.fullmatch(said + "\n", done.stdout), arguments


def test_unload_all_over_several_servers_reports_each(tmp_path, server):
    with llama_swap(models=MODELS) as other:
        run_here(tmp_path, "load", "bge", LLAMABAR_URL=server.url)
        told = (("mac", server.url), ("mini", other.url), ("off", f"http://127.0.0.1:{free_port()}"))
        file = tmp_path / "config.toml"
        file.write_text("".join(f'[[server]]\nname = "{name}"\nurl = "{url}"\n' for name, url in told))
        done = run_here(tmp_path, "unload", "--all", "--config", str(file))
    assert done.stdout == "✓ mac: 1 model unloaded\nmini: Nothing to unload.\n"
    assert done.returncode == 1
    assert as_installed(done.stderr) == "off: can't reach it. To find out why: llamabar doctor\n"


def test_requests_are_listed_and_can_be_canceled_by_their_listed_ids(tmp_path, server):
    assert run_here(tmp_path, "requests", LLAMABAR_URL=server.url).stdout == "No requests in flight.\n"
    chat(server, "bge-m3", tokens=3000)
    wait_for(lambda: server.inflight.entries and server.world.processes["bge-m3"].state == "ready")
    listed = run_here(tmp_path, "requests", LLAMABAR_URL=server.url).stdout.splitlines()
    assert listed[0].split() == ["REQUEST", "MODEL", "PHASE", "TOKENS", "AGE", "FROM"]
    assert listed[1].split()[-1] == "demo", "the name of its User-Agent, demo/1.0 (made up)"
    document = json.loads(run_here(tmp_path, "requests", "--json", LLAMABAR_URL=server.url).stdout)
    assert (document["requests"][0]["id"], document["requests"][0]["client"]) == (listed[1].split()[0], "demo")
    done = run_here(tmp_path, "cancel", listed[1].split()[0], LLAMABAR_URL=server.url)
    assert (done.returncode, done.stdout) == (0, f"✓ Request {listed[1].split()[0]} canceled\n")


def test_who_wants_ids_in_the_menu_sees_ids(tmp_path, server):
    file = tmp_path / "config.toml"
    for names, shown in (("name", "--Qwen 3 30B|"), ("id", "--org/Qwen3-30B-Instruct:Q4|")):
        file.write_text(f'[[server]]\nurl = "{server.url}"\n[menu]\nnames = "{names}"\n')
        assert shown in run(tmp_path, "frame", "--config", str(file)).stdout


def test_status_is_a_line_for_each_of_twelve_models(tmp_path):
    names = (f"org/a-quite-long-model-name-{number}:q4_k_m" for number in range(12))
    with Stranger(speaking(models(*names)), hold_s=30) as stranger:
        lines = run_here(tmp_path, "status", LLAMABAR_URL=stranger.url).stdout.splitlines()
    assert len(lines) == 14  # the server, the table's header, and the models
    assert max(map(len, lines)) < 100


def test_a_peers_model_is_on_another_host_and_another_one_is_not_loaded():
    listed = ev.ModelsListed((ev.ModelInfo("lab/m", "", peer="lab"), ev.ModelInfo("mine", "stopped")))
    scene = Scene((seen("mac", "http://127.0.0.1:8080", live(listed), History(), now_s=2.0),), 2.0)
    assert [" ".join(row.split()[1:4]) for row in model_table(scene)[1:]] == ["on another host", "not loaded –"]


@pytest.mark.parametrize(("answered", "hint"), [
    ((), "llama-swap hasn't answered which profiles it has. Try again."),
    ((ev.CapabilitiesFound(frozenset({"profiles"})),), "This llama-swap has no profiles, or is too old for them."),
    ((ev.CapabilitiesFound(frozenset(), refuted=frozenset({"profiles"})),),
     "This llama-swap has no profiles, or is too old for them."),
])  # fmt: skip
def test_a_llama_swap_that_has_not_answered_is_not_said_to_have_no_profiles(answered, hint):
    with pytest.raises(LlamabarError) as raised:
        control._profile_tasks(Do.PROFILE, "x", {"mac": live(*answered)})
    assert raised.value.hint == hint


@pytest.mark.parametrize(("state", "hint"), [
    ("stopped", "To start it: llamabar start"), ("no-service", "To set one up: llamabar install"),
    ("crashing", "To find out why: llamabar doctor"), ("needs-key", "in the settings"),
])  # fmt: skip
def test_status_says_what_to_do_next(state, hint):
    scene = next(named.scene for named in scenes() if named.name == state)
    assert as_installed("\n".join(status_lines(scene))).endswith(hint)


def test_requests_of_several_servers_say_whose_they_are():
    def _server(name):
        snapshot = live(ev.ModelsListed((ev.ModelInfo("m", "ready"),)), LISTED, request("1"))
        return seen(name, "http://127.0.0.1:8080", snapshot, History(), now_s=2.0)

    mac, mini = _server("mac"), _server("mini")
    assert [row.split()[:3] for row in request_table(Scene((mac, mini), 2.0))] == [
        ["REQUEST", "MODEL", "SERVER"], ["1", "m", "mac"], ["1", "m", "mini"]
    ]  # fmt: skip
    assert "SERVER" not in request_table(Scene((mac,), 2.0))[0]


@pytest.mark.parametrize("arguments", [["status"], ["models"], ["load", "m"], ["unload", "m"], ["status", "--json"]])
def test_no_outside_text_drives_the_terminal(tmp_path, arguments):
    with Stranger(speaking(models(HOSTILE, "m" + HOSTILE)), hold_s=30) as stranger:
        done = run_here(tmp_path, *arguments, LLAMABAR_URL=stranger.url)
    assert not DRIVES_A_TERMINAL.search(done.stdout + done.stderr)
    assert done.stdout + done.stderr


@pytest.mark.parametrize(("arguments", "code", "exit_code"), [
    (["status", "--json", "--server", "no"], "failed", 1),
    (["status", "--json", "--nonsense"], "usage", 2),
    (["models", "--json", "extra"], "usage", 2),
])  # fmt: skip
def test_a_failure_is_json_if_requested(tmp_path, server, arguments, code, exit_code):
    done = run_here(tmp_path, *arguments, LLAMABAR_URL=server.url)
    document = json.loads(done.stdout)
    assert (done.returncode, document["llamabar_json"]) == (exit_code, 1)
    assert set(document["error"]) == {"code", "message", "hint"}
    assert document["error"]["code"] == code


@pytest.mark.parametrize("variable", ["XBARDarkMode", "ARGOS_VERSION"])
def test_a_frame_for_programs_without_frames_has_no_separator(tmp_path, server, variable):
    assert run(tmp_path, "frame", LLAMABAR_URL=server.url).stdout.endswith("\n~~~\n")
    assert "~~~" not in run(tmp_path, "frame", LLAMABAR_URL=server.url, **{variable: "1"}).stdout


def test_help_shows_a_commands_own_help(tmp_path):
    assert run_here(tmp_path, "help", "history").stdout == run_here(tmp_path, "history", "--help").stdout
    assert run_here(tmp_path, "help").stdout == run_here(tmp_path, "--help").stdout
    wrong = run_here(tmp_path, "help", "histry")
    assert (wrong.returncode, "Did you mean 'history'?" in wrong.stderr) == (2, True)
