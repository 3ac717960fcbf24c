"""What each command answers in each situation: exit code, stdout, stderr. In this process, against real servers."""

import json
import re

import pytest

from llamabar.cli.main import run
from llamabar.cli.progress import line
from tests.fakes.programs import as_installed, chat, free_port, llama_swap, wait_for

DIAGNOSE = "To find out why: llamabar doctor"
LIST = "To list all models: llamabar models"
REFUSED = "Can't reach llama-swap at 127.0.0.1:PORT: Connection refused."
USAGE = "Usage: llamabar "


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home, without this machine's environment variables."""
    for name in ("LLAMABAR_CONFIG", "LLAMABAR_API_KEY", "LLAMABAR_DATA_DIR", "LLAMABAR_FILE", "SWIFTBAR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def server(monkeypatch):
    with llama_swap() as running:
        monkeypatch.setenv("LLAMABAR_URL", running.url)
        yield running


@pytest.fixture
def nobody(monkeypatch):
    monkeypatch.setenv("LLAMABAR_URL", f"http://127.0.0.1:{free_port()}")


def answer(capsys, *words):
    """Return the exit code and the output, with times and ports normalized."""
    code = run(list(words))
    told = capsys.readouterr()
    told = map(as_installed, told)
    return code, *(re.sub(r"\d+\.\d s|\d+ s", "N s", re.sub(r":\d{4,5}\b", ":PORT", text)) for text in told)


# With a server that answers. Each line of stdout and stderr is complete; "" means no output.
ANSWERS = [
    ("load alpha-8b", 0, "✓ alpha-8b loaded in N s", ""),
    ("load ALPHA-8B", 0, "✓ alpha-8b loaded in N s", ""),
    ("load alp", 0, "✓ alpha-8b loaded in N s", ""),
    ("load alhpa-8b", 1, "", f"No model is called 'alhpa-8b'. Did you mean alpha-8b?\n{LIST}"),
    ("load zzz", 1, "", f"No model is called 'zzz'.\n{LIST}"),
    ("load", 2, "", f"{USAGE}load [OPTIONS] MODEL\nTry 'llamabar load -h' for help.\n\n"
                    "Error: Missing argument 'MODEL'."),
    ("unload alpha-8b", 0, "alpha-8b isn't loaded. Nothing to unload.", ""),
    ("unload --all", 0, "Nothing to unload.", ""),
    ("unload", 2, "", f"{USAGE}unload [OPTIONS] [MODEL]\nTry 'llamabar unload -h' for help.\n\n"
                      "Error: Specify a model or --all."),
    ("unload x --all", 2, "", f"{USAGE}unload [OPTIONS] [MODEL]\nTry 'llamabar unload -h' for help.\n\n"
                              "Error: Specify a model or --all."),
    ("cancel 77", 1, "", "No request '77' is in flight.\nTo list the requests in flight: llamabar requests"),
    ("cancel --all", 0, "Nothing to cancel.", ""),
    ("profile coding", 0, "✓ Profile coding is active", ""),
    ("profile --none", 0, "✓ No profile is active", ""),
    ("profile codng", 1, "", "No profile is called 'codng'.\nProfiles: coding."),
    ("requests", 0, "No requests in flight.", ""),
    ("status", 0, "llama-swap at 127.0.0.1:PORT: no model loaded", ""),
    ("nonsense", 2, "", f"{USAGE}[OPTIONS] COMMAND [ARGS]...\nTry 'llamabar -h' for help.\n\n"
                        "Error: No such command 'nonsense'."),
    ("statsu", 2, "", f"{USAGE}[OPTIONS] COMMAND [ARGS]...\nTry 'llamabar -h' for help.\n\n"
                      "Error: No such command 'statsu'. Did you mean 'status'?"),
    ("status --server mini", 1, "", "No server is named 'mini'.\nThe settings name: llama-swap."),
]  # fmt: skip


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("words", "code", "out", "err"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_each_command_prints_what_is_expected(capsys, words, code, out, err):
    assert answer(capsys, *words.split()) == (code, out and out + "\n", err and err + "\n")


# Without a server.
SILENT = f"llama-swap at 127.0.0.1:PORT: not responding\n  Connection refused. {DIAGNOSE}"
SILENCE = [
    ("load alpha-8b", 1, "", f"{REFUSED}\n{DIAGNOSE}"),
    ("unload --all", 1, "", f"{REFUSED}\n{DIAGNOSE}"),
    ("cancel --all", 1, "", f"{REFUSED}\n{DIAGNOSE}"),
    ("profile x", 1, "", f"{REFUSED}\n{DIAGNOSE}"),
    ("status", 1, SILENT, ""),
    ("models", 1, "", SILENT),
    ("requests", 1, "", SILENT),
    ("logs --upstream", 1, "", f"Can't read llama-swap's log: Connection refused.\n{DIAGNOSE}"),
]  # fmt: skip


@pytest.mark.usefixtures("nobody")
def test_a_hint_names_the_file_if_the_command_is_not_installed(home, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setenv("LLAMABAR_FILE", str(home / "llamabar.pyz"))
    for words in (["status"], ["load", "m"]):
        assert run(words) == 1
        told = capsys.readouterr()
        assert (told.out + told.err).endswith("To find out why: sh ~/llamabar.pyz doctor\n")


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(("words", "code", "out", "err"), SILENCE, ids=[row[0] for row in SILENCE])
def test_each_command_reports_a_missing_server(capsys, words, code, out, err):
    assert answer(capsys, *words.split()) == (code, out and out + "\n", err and err + "\n")


JSON_ERRORS = [
    ("status --json --nonsense", 2, "usage"), ("status --json --server mini", 1, "failed"),
    ("history --json --since yesterday", 2, "usage"), ("start --json", 1, None), ("doctor --json --fix", 2, "usage"),
]  # fmt: skip


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("words", "code", "kind"), JSON_ERRORS, ids=[row[0] for row in JSON_ERRORS])
def test_an_error_of_a_command_with_json_is_json_with_a_code(capsys, words, code, kind):
    assert run(words.split()) == code
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["llamabar_json"] == 1
    assert set(document["error"]) == {"code", "message", "hint"}
    assert kind in (None, document["error"]["code"])
    assert told.err == ""


@pytest.mark.usefixtures("server")
def test_loading_a_loaded_model_says_so_and_loads_nothing(capsys):
    answer(capsys, "load", "beta-3b")
    assert answer(capsys, "load", "beta-3b") == (0, "beta-3b is already loaded.\n", "")
    assert answer(capsys, "unload", "beta-3b") == (0, "✓ beta-3b unloaded\n", "")


@pytest.mark.usefixtures("server")
def test_a_failed_load_says_why_and_where_to_look(capsys):
    code, out, err = answer(capsys, "load", "broken-1b")
    assert (code, out) == (1, "")
    assert err.startswith("Couldn't load broken-1b: unspecific error")
    assert err.endswith("To see why: llamabar logs --upstream\n")


def test_status_is_a_small_table_and_models_says_the_same(server, capsys):
    answer(capsys, "load", "alpha-8b")
    chatting = chat(server, "alpha-8b", tokens=4000)
    wait_for(lambda: server.inflight.entries)
    _, out, _ = answer(capsys, "status")
    head, columns, model, requests, request = out.splitlines()[:5]
    assert head.startswith("llama-swap at 127.0.0.1:PORT: ")
    assert columns.split() == ["MODEL", "STATE", "TOK/S", "MEMORY", "UNLOADS"]
    assert model.split()[0] == "alpha-8b"
    assert requests.split() == ["REQUEST", "MODEL", "PHASE", "TOKENS", "AGE", "FROM"]
    assert request.split()[-1] == "demo"
    _, out, _ = answer(capsys, "models")
    row = next(text for text in out.splitlines() if text.startswith("alpha-8b"))
    assert "generating" in row or "prompt" in row
    _, out, _ = answer(capsys, "requests")
    assert out.splitlines()[1].split()[1] == "alpha-8b"
    assert answer(capsys, "restart")[:2] == (1, ""), "there is no service, so nothing is interrupted"
    assert answer(capsys, "cancel", "--all")[:2] == (0, "✓ 1 request canceled\n")
    chatting.join(5)


def test_a_llama_swap_that_does_not_list_requests_is_not_said_to_have_none(monkeypatch, capsys):
    with llama_swap("v150") as server:
        monkeypatch.setenv("LLAMABAR_URL", server.url)
        assert answer(capsys, "requests") == (0, "This llama-swap version doesn't list requests.\n", "")


def test_a_llama_swap_without_models_says_how_to_add_one(monkeypatch, capsys):
    with llama_swap(models=()) as server:
        monkeypatch.setenv("LLAMABAR_URL", server.url)
        said = "llama-swap has no models yet.\nAdd one to its config: llamabar open config\n"
        assert answer(capsys, "models") == (0, said, "")


def test_progress_shows_the_usual_time():
    assert line("Loading coder-32b", 12.4, 14.0) == "Loading coder-32b … 12 s (usually 14 s)"
    assert line("Loading coder-32b", 0.3, None) == "Loading coder-32b …"


@pytest.mark.usefixtures("server")
def test_without_a_terminal_no_cursor_is_moved(capsys):
    _, _, err = answer(capsys, "load", "alpha-8b")
    assert "\x1b" not in err
