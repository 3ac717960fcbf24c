"""How often llama-swap's connections are checked, and what two quick checks of a command show."""

import pytest

from llamabar.app.connection import HURRIED_S, LOOK_EVERY_S
from llamabar.app.loop import LONGEST_WAIT_S, Watch
from llamabar.core import events as ev
from llamabar.settings.load import ServerSettings, Settings
from tests.fakes.here import run_here
from tests.fakes.life import LISTED, after, live, running, table
from tests.fakes.named_llama_swap import named_llama_swap
from tests.fakes.programs import chat, free_port, run, wait_for

OURS = ev.MemoryMeasured(None, {}, servers={"m": ev.ModelServer("http://127.0.0.1:1")})


def watch_of(*said):
    """Return a watch of a server that said this, and the connection with it."""
    watch = Watch(Settings((ServerSettings("one", "http://127.0.0.1:9"),)), lambda *_: None)
    watched = watch.monitor.servers["one"]
    watched.snapshot = after(live(), *said, at_s=0.0)
    return watch, watch.connections["one"], watched.snapshot


def test_the_loop_wakes_up_to_check_who_works_where_no_event_says_so():
    untold, _, _ = watch_of(table(m="ready"), running(), OURS)
    listed, _, _ = watch_of(table(m="ready"), running(), OURS, LISTED)
    for watch, longest_s in ((untold, LOOK_EVERY_S), (listed, LONGEST_WAIT_S)):
        watch.monitor.unseen(now_s=0.0)
        for _, query in watch.monitor.due(now_s=0.0):
            watch.monitor.mark_sent("one", query, now_s=0.0)
        assert watch.pause_s(0.0) == longest_s


@pytest.mark.parametrize("said", [(), (LISTED,)])
def test_a_command_checks_once_and_again_only_where_a_connection_stands(said):
    open_to, closed = ev.ConnectionsSeen({"m": (50_001,)}), ev.ConnectionsSeen({"m": ()})
    for seen, enough in ((open_to, 2), (closed, 1)):
        _, connection, snapshot = watch_of(table(m="ready"), running(), OURS, *said)
        connection.hurries = True
        assert connection.look_every_s(snapshot, now_s=0.0) == HURRIED_S
        looks = 0
        while connection.lacks_a_look(snapshot, now_s=0.0):
            looks += 1
            connection.look(snapshot, now_s=looks * HURRIED_S)
            snapshot = after(snapshot, seen, at_s=looks * HURRIED_S)
        assert looks == enough


def test_nothing_is_checked_for_a_model_server_that_is_not_a_process_here():
    _, connection, snapshot = watch_of(table(m="ready"), running(), LISTED)
    connection.hurries = True
    assert not connection.lacks_a_look(snapshot, now_s=0.0)


def test_a_request_that_is_not_listed_is_named_by_the_model_that_works_on_it(tmp_path):
    with named_llama_swap(tmp_path, "v150", free_port(), "--computes") as swap:
        unlisted = "This llama-swap version doesn't list requests.\n"
        assert run_here(tmp_path, "requests", LLAMABAR_URL=swap.url).stdout == unlisted
        chat(swap, "alpha-8b", tokens=4000)
        wait_for(lambda: "ready" in run_here(tmp_path, "models", LLAMABAR_URL=swap.url).stdout)
        works = "alpha-8b is busy.\n"
        wait_for(lambda: run(tmp_path, "requests", LLAMABAR_URL=swap.url).stdout == works + unlisted)


def test_a_model_server_that_was_not_found_is_looked_up_again_ever_more_rarely():
    _, connection, snapshot = watch_of(table(m="ready"), running(), LISTED)  # with `checkEndpoint: none`, it starts
    looked_s = []
    for at_s in range(150):
        if connection.find_processes(snapshot, now_s=at_s):
            looked_s.append(at_s)
            snapshot = after(snapshot, OURS if at_s == 32 else OURS._replace(servers={}), at_s=at_s)
    assert looked_s == [0, 2, 8, 32]
