"""Which llama-swap a script or a wrapper starts, and where that listens."""

from pathlib import Path

import pytest

from llamabar.macos.agents import agent_of

PORT = "http://127.0.0.1:9292"


def url_of(words):
    return agent_of("com.x", Path("/x.plist"), {"ProgramArguments": words}).url


@pytest.mark.parametrize(
    "text",
    [
        "cd /opt/llama-swap && ./llama-swap --listen :9292",
        'LS=/opt/bin/llama-swap\nexec "$LS" --listen 127.0.0.1:9292',
        'PORT=9292\nexec /opt/bin/llama-swap --listen "127.0.0.1:${PORT}"',
        'mkdir -p "$HOME/Library/Logs/llama-swap"\nexec llama-swap --listen :9292 >> "$HOME/l.log" 2>&1',
        "pkill -x llama-swap\nexec /opt/bin/llama-swap --listen :9292",
        "if ! pgrep llama-swap; then\n  /opt/bin/llama-swap --listen :9292\nfi",
        "while true; do llama-swap --listen :9292; sleep 1; done",
        "export PATH=/opt/llama-swap:$PATH\nexec llama-swap --listen :9292",
        'exec /opt/bin/llama-swap --listen "${1:-:9292}"',
        "exec sudo -u me /opt/bin/llama-swap --listen=:9292",
        "exec caffeinate -is llama-swap-darwin-arm64 --listen :9292",
        "llama-swap --listen :9292 2>&1 | tee -a /tmp/log",
    ],
)
def test_a_script_tells_where_its_llama_swap_listens_whatever_else_it_calls_so(tmp_path, text):
    for name in ("run.sh", "llama-swap-start"):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        assert url_of(["/bin/sh", str(script)]) == url_of([str(script)]) == PORT
    assert url_of(["/usr/bin/caffeinate", "-i", "/bin/bash", "-lc", text.replace("\n", "; ").replace("then;", "then")])


def test_a_script_passes_its_arguments_on(tmp_path):
    script = tmp_path / "llama-swap-wrapper"
    script.write_text('#!/usr/bin/env bash\nexec /opt/bin/llama-swap --config "$HOME/c.yaml" "$@"\n')
    found = agent_of("com.x", Path("/x.plist"), {"ProgramArguments": [str(script), "--listen", ":9292"]})
    assert found.url == PORT and found.arguments[0] == "/opt/bin/llama-swap"
    assert found.arguments[2] == str(Path.home() / "c.yaml")


def test_a_script_that_starts_itself_comes_to_an_end(tmp_path):
    script = tmp_path / "again.sh"
    script.write_text(f"#!/bin/sh\nexec /bin/sh {script} x\n")
    assert url_of([str(script)]) == ""


@pytest.mark.parametrize("words", [["/usr/bin/tail", "-f", "/x/llama-swap"], ["/usr/bin/ssh", "llama-swap", "-N"]])
def test_what_only_names_a_llama_swap_starts_none(words):
    assert url_of(words) == ""
