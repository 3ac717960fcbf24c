"""Shell completion: the scripts, and the answers. bash, zsh and fish themselves are used if they are installed."""

import os
import pty
import shlex
import shutil
import subprocess

import pytest

from llamabar.cli.main import run
from llamabar.cli.program import program
from llamabar.store import names
from tests.fakes.here import run_here
from tests.fakes.programs import chat, command, environment, llama_swap, wait_for
from tests.fakes.programs import run as run_program


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home whose last command saw a server with requests."""
    tmp_path = tmp_path_factory.mktemp("home")
    with llama_swap() as server:
        waiting = chat(server, "alpha-8b", tokens=4000)
        wait_for(lambda: server.inflight.entries)
        assert run_program(tmp_path, "status", LLAMABAR_URL=server.url).returncode == 0
        program = tmp_path / "bin" / "llamabar"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\nexec {shlex.join(command())} \"$@\"\n")
        program.chmod(0o755)
    waiting.join(5)
    return tmp_path


def answered(home, line):
    """Return the completions for a line, asked for in bash's way."""
    done = run_here(home, _LLAMABAR_COMPLETE="bash_complete", COMP_WORDS=line)
    return [text.partition(",")[2] for text in done.stdout.splitlines() if text]


BEGUN = {
    "llamabar load be": "beta-3b", "llamabar unload org/short:": "org/short:ttl", "llamabar cancel ": "1",
    "llamabar stat": "status",
}  # fmt: skip


@pytest.mark.parametrize(("line", "found"), [
    ("llamabar load ", ["alpha-8b", "beta-3b", "broken-1b", "embed", "org/short:ttl"]),
    ("llamabar load al", ["alpha-8b"]),
    ("llamabar unload org/short:", ["org/short:ttl"]),
    ("llamabar requ", ["requests"]),
    ("llamabar load --server ", ["llama-swap"]),
    ("llamabar completions ", ["zsh", "bash", "fish"]),
    ("llamabar load nothing-like-it", []),
])  # fmt: skip
def test_a_started_word_is_completed(home, line, found):
    assert [one for one in answered(home, line) if one != "hidden"] == found


def test_request_ids_are_completed(home):
    assert answered(home, "llamabar cancel ")


def test_before_the_first_query_nothing_is_offered(tmp_path):
    assert answered(tmp_path, "llamabar load ") == []
    assert not (tmp_path / ".local").exists()


def test_names_that_cannot_be_typed_are_never_offered(tmp_path):
    from llamabar.core import events as ev
    from llamabar.core.snapshot import apply
    from llamabar.core.state import Snapshot

    snapshot = apply(Snapshot(), ev.StreamOpened(), 1.0)
    listed = tuple(ev.ModelInfo(one, "ready") for one in ("good", "a\nplain,evil", "\x1b[2J", "模型"))
    snapshot = apply(snapshot, ev.ModelsListed(listed), 1.0)
    assert names.found_in({"mac": snapshot})["models"] == ["good", "模型"]
    env = {"HOME": str(tmp_path)}
    names.note(env, {"mac": snapshot})
    assert names.recall(env)["models"] == ["good", "模型"]


def with_llamabar_on_path(home, **more):
    return {**environment(home), "PATH": f"{home}/bin:{os.environ['PATH']}", **more}


def bash_completes(home, line):
    script = f"""
        eval "$(llamabar completions bash)"
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
        _llamabar_completion llamabar
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    env = with_llamabar_on_path(home)
    done = subprocess.run(["bash", "--norc", "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash was found")
@pytest.mark.parametrize(("line", "found"), [
    ("llamabar load be", ["beta-3b"]), ("llamabar load org/short:", ["ttl"]),
    ("llamabar unload org/sh", ["org/short:ttl"]),
    ("llamabar stat", ["status"]),
])  # fmt: skip
def test_bash_completes_ids_with_colons_too(home, line, found):
    assert bash_completes(home, line) == found


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish was found")
def test_fish_completes_models_and_requests_and_shows_whole_descriptions(home):
    asked = "; ".join(f"complete -C {shlex.quote(line)}" for line in BEGUN)
    words = ["fish", "--no-config", "-c", f"llamabar completions fish | source; {asked}"]
    done = subprocess.run(words, env=with_llamabar_on_path(home), capture_output=True, text=True, timeout=60)
    said = [line.partition("\t") for line in done.stdout.splitlines()]
    assert ([one[0] for one in said], done.stderr) == (list(BEGUN.values()), "")
    assert said[-1][2] == program.commands["status"].get_short_help_str()


ZSH = """
    autoload -Uz compinit; compinit -u -D
    eval "$(llamabar completions zsh)"
    PS1="ready> " PROMPT_EOL_MARK=""
    keep() { print -r -- "$BUFFER" >> $HOME/kept; BUFFER="" }
    zle -N keep; bindkey "^X" keep; bindkey "^I" complete-word
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh was found")
def test_zsh_completes_models_and_requests(home):
    (home / ".zshrc").write_text(ZSH)
    env = with_llamabar_on_path(home, ZDOTDIR=str(home))
    ours, theirs = pty.openpty()
    with subprocess.Popen(["zsh", "-d", "-i"], env=env, stdin=theirs, stdout=theirs, stderr=theirs) as shell:
        os.close(theirs)
        for line in BEGUN:
            said = b""
            while b"ready> " not in said:
                said += os.read(ours, 4096)
            os.write(ours, f"{line}\t\x18\r".encode())
        wait_for(lambda: (home / "kept").read_text().count("\n") == len(BEGUN) if (home / "kept").exists() else False)
        shell.kill()
    os.close(ours)
    assert [line.split()[-1] for line in (home / "kept").read_text().splitlines()] == list(BEGUN.values())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_are_understood(shell, capsys):
    assert run(["completions", shell]) == 0
    script = capsys.readouterr().out
    assert "_LLAMABAR_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} was found")
    done = subprocess.run([shell, "-n", "/dev/stdin"], input=script, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", [
    "$(touch pwned)", "`id`", "a;id", "a|id", "a&id", "a>b", "a b", "a'b", 'a"b', "-rf", "--all", "~root", "=ls", "a!b",
    "a*", "a\\b", "a\nplain,b", "\x1b[31m", "a\u202eb", "{a,b}", "#a", "a(b)", "",
])  # fmt: skip
def test_a_models_name_that_a_shell_would_take_for_more_than_a_word_is_not_completed(name):
    assert names._typeable([name, "org/qwen3-30b:Q4_K_M", "模型.gguf"]) == ["org/qwen3-30b:Q4_K_M", "模型.gguf"]
