"""Why a model quit, as llama-swap wrote it into the file that is its standard output."""

import subprocess
import sys

import pytest

from llamabar.core.run import RunEnded
from llamabar.sources.listening import last_words
from tests.fakes.life import after, live, request, table

BEFORE = ["[WARN] <m> upstream process exited unexpectedly", "[INFO] <m> Health check passed on http://localhost:1/"]
NOISE = ['[INFO] Request 127.0.0.1 "GET /running HTTP/1.1" 200', "[WARN] <other> upstream process exited unexpectedly"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["[WARN] <m> upstream process exited unexpectedly"], "<m> upstream process exited unexpectedly"),
        (["[WARN] group: running m exited: [m] upstream exited unexpectedly"],
         "group: running m exited: [m] upstream exited unexpectedly"),
        (["2026/11/29 12:45:27 [WARN] <m> ExitError >> exit status 134", "[INFO] <m> process exited"],
         "<m> ExitError >> exit status 134"),
        ([], ""),
    ],
)  # fmt: skip
def test_the_models_last_warning_since_its_load_is_used(tmp_path, monkeypatch, lines, said):
    monkeypatch.setattr("llamabar.sources.listening.LOOK_S", 0.05)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=log)
    try:
        (tmp_path / "log").write_text("\n".join([*BEFORE, *lines, *NOISE, ""]))
        assert last_words(process.pid, "m") == said
    finally:
        process.communicate(b"\n")


def test_it_is_shown_for_a_model_that_quit_until_it_loads_again():
    ready = after(live(table(m="ready")), request(), at_s=1.0)
    assert after(ready, RunEnded("m", "why"), RunEnded("none", "x"), at_s=2.0).models["m"].failure == ""
    crashed = after(ready, table(m="stopped"), at_s=2.0)
    assert crashed.models["m"].quit_at_s == 2.0, "in an answer"
    said = after(crashed, RunEnded("m", "why"), at_s=3.0)
    assert said.models["m"].failure == "why"
    assert after(said, table(m="starting"), table(m="ready"), at_s=4.0).models["m"].failure == ""
