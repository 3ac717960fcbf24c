"""A stream that lived and was cut, by an impatient proxy or by a new config, ends unsaid if another opens at once."""

import pytest

from llamabar.app.monitor import Monitor, Watched
from llamabar.core.events import ActivityNoted, Fault, FaultKind, RequestsFinished, StreamLost, StreamOpened
from llamabar.sources import stream as stream_module
from llamabar.sources.client import Client
from llamabar.sources.inbox import Inbox
from llamabar.sources.stream import EventStream
from tests.fakes.programs import llama_swap, wait_for
from tests.faults.proxy import Proxy
from tests.store.history_files import row


@pytest.fixture
def watched(monkeypatch):
    """A stream through a proxy, and what it told so far; here it has lived after a moment."""
    monkeypatch.setattr(stream_module, "LIVED_S", 0.1)
    monkeypatch.setattr(stream_module, "UNSAID_S", 0.4)
    with llama_swap() as server:
        proxy, inbox, told = Proxy(server.server_address[1]), Inbox(), []
        stream = EventStream("one", Client(proxy.url), inbox)
        stream.start()

        def news(*, of=(StreamOpened, StreamLost)):
            told.extend(event for _, _, event in inbox.take() if isinstance(event, of))
            return [one._replace(clock_s=None) if isinstance(one, StreamOpened) else one for one in told]

        wait_for(lambda: len(news()) == 1)
        yield proxy, stream, news
        stream.stop()
        proxy.close()


def lasted(stream):
    wait_for(stream._has_lasted)


@pytest.mark.parametrize("reset", [False, True])
def test_a_stream_that_is_cut_and_opens_again_at_once_was_never_lost(watched, reset):
    proxy, stream, news = watched
    for times in (2, 3):
        lasted(stream)
        proxy.cut(reset=reset)
        wait_for(lambda times=times: len(news()) == times)
    assert news() == [StreamOpened(), StreamOpened(resumed=True), StreamOpened(resumed=True)]


def test_one_that_does_not_open_again_is_lost_for_the_reason_that_holds_now(watched):
    proxy, stream, news = watched
    lasted(stream)
    proxy.refuse()
    assert wait_for(lambda: news()[1:])[0].fault.kind is FaultKind.REFUSED


def test_one_that_takes_long_to_open_again_is_lost_meanwhile(watched):
    proxy, stream, news = watched
    lasted(stream)
    proxy.freeze()
    proxy.cut()
    assert wait_for(lambda: news()[1:])[0].fault.kind is FaultKind.CLOSED
    proxy.pass_on()
    wait_for(lambda: news()[-1] == StreamOpened())


def test_one_that_flaps_is_said_to(watched):
    proxy, _, news = watched
    stream_module.LIVED_S = 60.0
    proxy.cut()
    assert isinstance(wait_for(lambda: news()[1:])[0], StreamLost)


@pytest.mark.parametrize("cut", [[StreamLost(Fault(FaultKind.CLOSED)), StreamOpened()], [StreamOpened(resumed=True)]])
def test_rows_that_were_not_fetched_before_the_cut_are_noted_as_missed(cut):
    kept = []
    monitor = Monitor({"s": Watched("s", "http://h")}, day_of=lambda _: "2026-11-24", keep=kept.append)
    noted = [StreamOpened(), RequestsFinished((row(1),), total=1), ActivityNoted(2), *cut]
    for event in (*noted, RequestsFinished((row(5),), total=1)):
        monitor.take("s", event, at_s=1.0)
    assert [rows.missed for rows in kept] == [False, True]
