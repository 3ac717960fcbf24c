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
        "llama-swap >> /tmp/log 2>&1 --listen :9292",
        "llama-swap --config 7 >> /tmp/log --listen :9292",
    ],
)
def test_a_script_tells_where_its_llama_swap_listens_whatever_else_has_that_name(tmp_path, text):
    for name in ("run.sh", "llama-swap-start"):
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        assert url_of(["/bin/sh", str(script)]) == url_of([str(script)]) == PORT
    one_line = text.replace("\n", "; ").replace("then;", "then")
    assert url_of(["/usr/bin/caffeinate", "-i", "/bin/bash", "-lc", one_line]) == PORT


def test_a_script_passes_its_arguments_on(tmp_path):
    script = tmp_path / "llama-swap-wrapper"
    script.write_text('#!/usr/bin/env bash\nexec /opt/bin/llama-swap --config "$HOME/c.yaml" "$@"\n')
    found = agent_of("com.x", Path("/x.plist"), {"ProgramArguments": [str(script), "--listen", ":9292"]})
    assert found.url == PORT and found.arguments[0] == "/opt/bin/llama-swap"
    assert found.arguments[2] == str(Path.home() / "c.yaml")


def test_a_script_that_runs_itself_is_read_once(tmp_path):
    script = tmp_path / "again.sh"
    script.write_text(f"#!/bin/sh\nexec /bin/sh {script} x\n")
    assert url_of([str(script)]) == ""


@pytest.mark.parametrize("words", [["/usr/bin/tail", "-f", "/x/llama-swap"], ["/usr/bin/ssh", "llama-swap", "-N"]])
def test_a_command_that_only_names_llama_swap_does_not_start_it(words):
    assert url_of(words) == ""


@pytest.mark.parametrize("options", [["-euo", "pipefail", "-c"], ["-o", "pipefail", "-c"], ["-c", "-e"], ["-lc"]])
def test_a_shells_options_may_take_values(options):
    assert url_of(["/bin/bash", *options, "exec /opt/bin/llama-swap --listen :9292"]) == PORT


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('exec llama-swap --listen "127.0.0.1:${PORT:-8080}"', PORT),
        ('. /etc/ports\nexec llama-swap --listen "127.0.0.1:${OTHER:-8080}"', ""),
        ('exec llama-swap --listen "127.0.0.1:${OTHER:-9292}"', PORT),
    ],
)
def test_a_variables_default_counts_if_nothing_else_may_have_set_it(text, url):
    content = {"ProgramArguments": ["/bin/sh", "-c", text], "EnvironmentVariables": {"PORT": "9292", "n": 1}}
    assert agent_of("com.x", Path("/x.plist"), content).url == url


def test_scripts_that_start_each_other_many_times_are_read_once_each(tmp_path):
    scripts = [tmp_path / f"{one}.sh" for one in range(30)]
    for script in scripts:
        script.write_text("#!/bin/sh\n" + "".join(f"{other}\n" for other in scripts))
    assert url_of([str(scripts[0])]) == ""
    text = 'sh -c "$0 x" "$0 x"'
    assert url_of(["/bin/sh", "-c", text, text]) == ""
