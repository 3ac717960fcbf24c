"""An action's result is llama-swap's state afterwards, over real sockets."""

import threading
import time

import pytest

from llamabar.app.actions import DONE, Ending, Where, perform
from llamabar.core import events as ev
from llamabar.settings.load import ServerSettings
from llamabar.sources.client import Client
from llamabar.view.menu import Action, Do
from tests.app.test_bad_servers import STREAM, event, models
from tests.fakes.life import after, live, request, table
from tests.fakes.programs import PATIENCE_S, Stranger, chat, llama_swap, wait_for

PLAIN_404 = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n404: Not Found"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"
STARTING = live(table(m="starting"))


def failure(status, text):
    return b"HTTP/1.1 %d X\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text)


def swap(*after, answer=OK):
    """Return a llama-swap that gives every request this answer, and whose stream then sends these events."""
    return Stranger(lambda said: STREAM + b"".join(after) if b"/api/events" in said else answer, hold_s=0.0)


def do(action, snapshot, stranger):
    return perform(action, Where(Client(stranger.url), snapshot, ServerSettings("s", stranger.url)))


LOAD, UNLOAD = Action(Do.LOAD, "m"), Action(Do.UNLOAD, "m")


@pytest.mark.parametrize("answer", [PLAIN_404, OK, failure(500, b"a page of its own"), b""])
def test_a_ready_model_counts_as_loaded_whatever_its_root_answers(answer):
    with swap(models("m"), answer=answer) as there:
        assert do(LOAD, live(table(m="stopped")), there) == DONE


@pytest.mark.parametrize("answer", [PLAIN_404, OK])
def test_a_model_that_is_not_ready_never_counts_as_loaded_whatever_its_root_answers(answer):
    with swap(models("m", state="stopped"), answer=answer) as there:
        done = do(LOAD, live(table(m="stopped")), there)
        assert (done.ending, done.why) == (Ending.FAILED, "it was unloaded again")


def test_a_ready_model_counts_as_loaded_even_if_its_root_never_answers(monkeypatch):
    """A server that is busy with a prompt (mlx_lm.server answers one at a time), or whose root is an event stream."""
    monkeypatch.setattr("llamabar.app.actions.LATE_S", 0.1)
    ending = threading.Event()

    def never(said):
        if b"/api/events" in said:
            return STREAM + models("m")
        ending.wait(PATIENCE_S)
        return b""

    with Stranger(never, hold_s=0.0) as there:
        began_s = time.monotonic()
        assert do(LOAD, live(table(m="stopped")), there) == DONE
        assert time.monotonic() - began_s < PATIENCE_S / 2
        ending.set()


def test_a_failed_load_shows_llama_swaps_own_message():
    with swap(models("m", state="stopped"), answer=failure(502, b"unable to start process")) as there:
        assert do(LOAD, live(table(m="stopped")), there).why == "unable to start process"


def test_an_unload_ignored_by_a_loading_model_is_not_a_success():
    """v113 to v203 answer OK to it and keep loading."""
    with swap(models("m", state="starting")) as there:
        done = do(UNLOAD, STARTING, there)
        assert (done.ending, done.why) == (Ending.FAILED, "m still loading")


def test_an_unload_whose_answer_never_comes_is_judged_by_the_state(monkeypatch):
    monkeypatch.setattr("llamabar.app.actions.UNLOAD_S", 0.2)
    ending = threading.Event()

    def silent(said):
        if b"/api/events" in said:
            return STREAM + models("m", state="stopped")
        ending.wait(2.0)
        return b""

    with Stranger(silent) as there:
        assert do(UNLOAD, live(table(m="ready")), there) == DONE
        ending.set()


def test_unloading_without_a_loaded_model_sends_no_request():
    with swap() as there:
        for action in (UNLOAD, Action(Do.UNLOAD_ALL), Action(Do.CANCEL_ALL), Action(Do.CANCEL, "7")):
            assert do(action, live(table(m="stopped")), there).ending is Ending.NOTHING
        assert do(LOAD, live(table(m="ready")), there).ending is Ending.NOTHING
        assert there.heard == []


def test_a_request_that_had_ended_is_not_reported_as_canceled():
    snapshot = live(table(m="ready"), request("7"))
    with swap(models("m"), answer=failure(404, b"inflight request not found")) as there:
        assert do(Action(Do.CANCEL, "7", mark="t"), snapshot, there).ending is Ending.NOTHING
        assert do(Action(Do.CANCEL_ALL), snapshot, there).ending is Ending.NOTHING


def test_a_request_still_in_flight_is_not_reported_as_canceled():
    told = {"operation": "snapshot", "requests": [{"id": "7", "model": "m"}]}
    with swap(models("m"), event("inflight", told)) as there:
        done = do(Action(Do.CANCEL, "7", mark="t"), live(table(m="ready"), request("7")), there)
        assert (done.ending, done.why) == (Ending.FAILED, "1 request still in flight")


def test_a_profile_that_did_not_become_active_is_a_failure():
    with swap(answer=OK) as there:
        assert do(Action(Do.PROFILE, "coding"), live(), there).ending is Ending.FAILED


@pytest.mark.parametrize("dialect", ["v150", "v228", "v250"])
def test_each_dialect_reports_the_result(dialect):
    with llama_swap(dialect) as server:
        where = Where(Client(server.url), live(table(**{"alpha-8b": "stopped"})), ServerSettings("s", server.url))
        assert perform(Action(Do.LOAD, "alpha-8b"), where) == DONE
        broken = perform(Action(Do.LOAD, "broken-1b"), where)
        assert (broken.ending, "upstream command exited prematurely" in broken.why) == (Ending.FAILED, True)
        loaded = Where(where.client, live(table(**{"alpha-8b": "ready"})), where.server)
        assert perform(Action(Do.UNLOAD_ALL), loaded) == DONE
        assert server.world.running() == []


def test_all_requests_are_canceled_and_counted():
    with llama_swap() as server:
        chats = [chat(server, "alpha-8b", tokens=3000) for _ in range(2)]
        wait_for(lambda: len(server.inflight.entries) == 2)
        snapshot = live(table(**{"alpha-8b": "ready"}))
        for entry in list(server.inflight.entries):
            snapshot = after(snapshot, ev.InflightUpserted(ev.RequestInfo(str(entry), "alpha-8b")), at_s=1.0)
        done = perform(Action(Do.CANCEL_ALL), Where(Client(server.url), snapshot, ServerSettings("s", server.url)))
        assert (done.ending, done.number) == (Ending.DONE, 2)
        for one in chats:
            one.join(5)


def test_no_line_end_or_paste_bracket_in_a_name_reaches_the_clipboard(tmp_path, monkeypatch):
    tool = tmp_path / "pbcopy"
    tool.write_text(f'#!/bin/sh\ncat > "{tmp_path}/copied"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    hostile = "m\x1b[201~\nrm -rf x\r\x1b]52;c;eA==\x07\u202e"
    where = Where(Client("http://127.0.0.1:1"), live(), ServerSettings("s", "http://127.0.0.1:1"))
    assert perform(Action(Do.COPY, hostile), where) == DONE
    copied = (tmp_path / "copied").read_text("utf-8")
    assert copied.isprintable() and "rm -rf x" in copied
