"""All output of commands goes through cli/output.py, where no outside text can drive a terminal."""

import ast
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from llamabar.cli import output
from tests.app.test_bad_servers import STREAM, event
from tests.fakes.programs import ROOT, Stranger, run

HOSTILE = "\x1b]52;c;cHduZWQ=\x07\x1b[2J\x9b31m\u202e\u2066\u200b\r\n~~~|x\x00\ufeff\U000e0041"
DRIVES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
LOG = f"\x1b[32mgreen\x1b[0m \x1b[8mhidden\x1b[0m {HOSTILE}\nnext{HOSTILE}\n".encode()


def answers(body, status=200):
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nServer: a\x1b[31mb\u202ec\r\nContent-Length: {len(said)}\r\n\r\n"
    return head.encode() + said


def hostile(request):
    """A llama-swap whose every text is hostile."""
    line = request.split(b"\r\n")[0]
    model = {"id": f"m{HOSTILE}", "name": f"n{HOSTILE}", "state": "ready", "aliases": [HOSTILE]}
    entry = {"id": f"r{HOSTILE}", "model": f"m{HOSTILE}", "req_path": f"/v1/{HOSTILE}", "resp_bytes": 5}
    row = {"id": 1, "timestamp": "2026-11-29T10:00:00Z", "model": "z", "resp_status_code": 500, "error_msg": HOSTILE}
    if b"/api/events" in line:
        table = [model, {"id": f"q{HOSTILE}", "name": "", "state": f"s{HOSTILE}"}, {"id": "z", "state": "stopped"}]
        listed = {"operation": "snapshot", "requests": [entry]}
        return STREAM + event("modelStatus", table) + event("inflight", listed) + event("profileChanged", model)
    said = {
        b"/api/version": {"version": f"v250{HOSTILE}"}, b"/api/metrics": {"data": [row], "total": 1},
        b"/api/profiles": {"active": HOSTILE, "profiles": [{"id": HOSTILE}, {"id": "k"}]}, b"/logs/stream": LOG,
    }  # fmt: skip
    found = next((body for path, body in said.items() if path in line), None)
    return answers(found) if found is not None else answers({"error": f"model not found{HOSTILE}"}, 404)


def test_only_one_cli_module_prints():
    def prints(path):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        return any(ast.unparse(one) in ("print", "click.echo", "sys.stdout.write", "sys.stderr.write") for one in calls)

    assert [path.name for path in sorted((ROOT / "src/llamabar/cli").glob("*.py")) if prints(path)] == ["output.py"]


COMMANDS = ["status", "models", "requests", "load z", "unload --all", "profile no", "profile k", "logs --upstream"]
LONG = ["frame", "doctor", "doctor --all", "doctor --report", "cancel --all", "load m", "open ui", "logs"]


def test_a_llama_swap_all_of_whose_words_are_hostile_drives_no_terminal(tmp_path):
    commands = COMMANDS + (LONG if os.environ.get("LLAMABAR_LONG_TESTS") else [])
    with Stranger(hostile, hold_s=20) as stranger, ThreadPoolExecutor(4) as pool:
        run_one = partial(run, tmp_path, LLAMABAR_URL=stranger.url)
        found = list(pool.map(lambda command: run_one(*command.split()), commands))
    for command, done in zip(commands, found):
        assert done.stdout + done.stderr and done.returncode in (0, 1), command
        assert not DRIVES.search(done.stdout + done.stderr), (command, done.stdout + done.stderr)
        forged = re.search("(?m)^ *~~~", done.stdout + done.stderr)
        assert command.startswith(("logs", "frame")) or not forged, (command, done.stdout + done.stderr)


@pytest.mark.parametrize("command", ["config --check", "config", "frame", "nonsense"])
def test_settings_and_arguments_drive_no_terminal_either(tmp_path, command):
    file = tmp_path / "c\u202e.toml"
    server = '[[server]]\nname = "a\u202eb\\u001b[31m"\nurl = "http://127.0.0.1:9"\n'
    file.write_text(f'{server}[menu]\ntitle = "a\u202e\u200b"\n')
    words = [f"{command}{HOSTILE}".replace("\x00", "")] if command == "nonsense" else command.split()
    done = run(tmp_path, *words, LLAMABAR_CONFIG=str(file))
    assert done.stdout + done.stderr
    assert not DRIVES.search(done.stdout + done.stderr), repr(done.stdout + done.stderr)


@pytest.mark.parametrize(("raw", "shown"), [
    ("\x1b[8mhidden\x1b[0m", "hidden\x1b[0m\x1b[0m"), ("\x1b[5mblinks", "blinks"),
    ("\x1b[38;5;9mred", "\x1b[38;5;9mred\x1b[0m"), ("a\u200bb\ufeff\U000e0041", "ab"),
    ("\x1b[1;31mbold", "\x1b[1;31mbold\x1b[0m"), ("\x1b[0;8mhidden", "hidden"),
])  # fmt: skip
def test_a_log_has_colours_and_hides_nothing(raw, shown):
    assert output.log_line(raw, colour=True) == shown


def test_a_mark_has_its_colour_on_a_terminal_and_text_from_outside_has_none(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for variable in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    output.say("  ✗ broken \x1b[31mred", "plain", level="")
    assert capsys.readouterr().out == "  \x1b[31m✗\x1b[0m broken [31mred\nplain\n"


