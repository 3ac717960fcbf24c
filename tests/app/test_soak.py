"""A day of the month that `build.py soak` compresses: nothing grows that shouldn't, and the last frame is right."""

from tools.soak import Soak, growth

from llamabar.demo.dialect import DemoModel
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World, free_port
from tests.fakes.programs import Plugin, wait_for

EVENTS = 4000  # with 8 lost connections and 2 restarts
YOUNG_RSS_BYTES = 6 << 20  # a process this young still grows; the long run measures
HISTORY_FILES = 4  # the database is opened with the first rows


def test_thousands_of_events_leak_nothing_and_the_menu_is_right(tmp_path):
    port = free_port()
    first = DemoServer(World("v250", (DemoModel("model-0", stays=True),)), port).start()
    with Plugin(first.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        first.stop()
        soak = Soak(plugin.process.pid, port, tmp_path)
        try:
            soak.live(EVENTS)
            wanted = soak.end()
            wait_for(lambda: all(map(plugin.row, wanted)) and not plugin.row("Request "), 10)
            found = growth(soak.samples)
            assert found.rss_bytes < YOUNG_RSS_BYTES, soak.samples
            assert found.threads <= 2 and found.descriptors <= HISTORY_FILES, soak.samples
            assert plugin.end()[0] == 0 and plugin.stderr == b""
        finally:
            soak.stop()
