"""What is printed in the five minutes after the last request, played with a clock of its own: SwiftBar keeps it all."""

import pytest

from llamabar.app.monitor import Monitor, Watched
from llamabar.core import events as ev
from llamabar.core.cadence import RECENT_FOR_S
from llamabar.view.swiftbar import Clicks, Renderer
from tests.fakes.life import LISTED, request, slots, table

ENDS_S = 60.0
TOTAL_BYTES = 64 * 10**9
PROGRAM = "/Users/me/llamabar.pyz"


def printed(count, *, clicks):
    """Return the size of each frame from the end of a minute's answer on, and when it was printed."""
    models = [f"qwen3-{number}b" for number in range(count)]
    monitor, renderer, found = Monitor({"s": Watched("s", "http://127.0.0.1:8080")}), Renderer(clicks), []
    known = ev.ServiceFound("org.llamabar.llama-swap", ev.ServiceState.RUNNING)
    used = ev.MemoryMeasured(9 * 10**7, dict.fromkeys(models, 4 * 10**9))
    ready = table(**dict.fromkeys(models, "ready"))
    for event in (ev.StreamOpened(), ev.VersionRead("250"), known, ready, LISTED, used, request(model=models[0])):
        monitor.take("s", event, at_s=0.0)
    for second in range(int(ENDS_S + RECENT_FOR_S)):
        now_s = float(second)
        if now_s < ENDS_S:
            monitor.take("s", slots(40 * second, model=models[0]), at_s=now_s)
        if now_s == ENDS_S:
            monitor.take("s", ev.InflightRemoved("1"), at_s=now_s)
        if second % 5 == 0:
            moves = ev.HostMeasured(0.05 + second % 7 / 100, 41 * 10**9 + second * 10**7, TOTAL_BYTES)
            monitor.take("s", moves, at_s=now_s)
        monitor.tick(now_s=now_s)
        menu = monitor.frame(now_s=now_s)
        if menu is not None:
            monitor.note_size(len(renderer.render(menu)))
            found += [(now_s, monitor.shown.size_bytes)] if now_s >= ENDS_S else []
    return found


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize("clicks", [Clicks(PROGRAM, badges=True), Clicks(PROGRAM, by_stdin=False)])
def test_three_tenths_of_a_megabyte_an_hour_are_printed_after_the_last_request(count, clicks):
    found = printed(count, clicks=clicks)
    assert sum(size_bytes for _, size_bytes in found) * 3600 / RECENT_FOR_S <= 0.3e6
    assert found[0][0] == ENDS_S and found[1][0] <= ENDS_S + 100.0, "at once that it ended, soon what it left behind"
