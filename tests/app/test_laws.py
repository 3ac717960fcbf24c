"""Watching changes nothing: every request of a whole run, at the socket, in every dialect."""

import json
import re
import time
from collections import Counter

import pytest

from llamabar import __version__
from llamabar.demo.dialect import DemoModel
from llamabar.demo.server import DemoServer
from llamabar.demo.world import World
from tests.fakes.exporter import Exporter
from tests.fakes.programs import Plugin, chat, recording, wait_for
from tests.fakes.recorder import Recorder

MODELS = (
    DemoModel("alpha-8b", ttl_s=300, load_s=0.3, tps=40.0, prompt_tps=2000.0, slots=4),
    DemoModel("beta-3b", load_s=0.2, tps=100.0),
    DemoModel("broken-1b", load_s=0.2, broken=True),
)
PROBES = (
    "GET /api/events", "GET /api/version", "GET /wol-health", "GET /api/profiles", "POST /api/inflight/0/cancel",
    "POST /api/models/unload/no-model-X", "GET /api/performance",
)  # fmt: skip


HEARTBEAT = {"GET /wol-health"}
PROFILES_OF = {"v150": set(), "v228": set(), "v236": set(), "v250": {"GET /api/profiles"}}


class Life:
    """A made-up llama-swap behind a recording proxy, and its model servers, which record their requests."""

    def __init__(self, dialect, folder):
        self.record = folder / "model-servers.jsonl"
        self.dialect = dialect
        self.server = self.start()
        self.proxy = Recorder(self.server.server_address[1])
        self.seen = 0

    def start(self):
        world = World(self.dialect, MODELS)
        for process in world.processes.values():
            process.program = recording(self.record)
        return DemoServer(world).start()

    def restart(self, dialect=""):
        self.server.stop()
        self.dialect = dialect or self.dialect
        self.server = self.start()
        self.proxy.target_port = self.server.server_address[1]

    def asked(self, at_least=0):
        """Return the new requests since the last call, once there are this many; random names become X."""
        wait_for(lambda: len(self.proxy.routes(self.seen)) >= at_least)
        routes = self.proxy.routes(self.seen)
        self.seen += len(routes)
        return Counter(re.sub(r"no-model-\w+", "no-model-X", route.split("?")[0]) for route in routes)

    def asked_of_models(self):
        """Return our requests to the model servers, with start and end of each."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [line for line in map(json.loads, lines) if f"llamabar/{__version__}" in line[4]]


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236", "v250"])
def test_a_whole_life_is_shown_and_leaves_no_trace(tmp_path, dialect):
    life = Life(dialect, tmp_path)
    fetched = dialect in ("v236", "v250")  # the others send finished requests in the stream
    page = {"GET /api/metrics/activity"} if fetched else set()
    finished = ("GET /api/metrics/activity", *(() if fetched else ("GET /api/metrics",)))  # the older route after a 404
    beginning = Counter((*PROBES, *finished))

    with life.proxy, Plugin(life.proxy.url, tmp_path) as plugin:
        plugin.wait_for_row("llama-swap: no model loaded")
        wait_for(lambda: len(life.proxy.requests) >= sum(beginning.values()))
        assert life.asked() == beginning
        time.sleep(1.0)
        assert life.asked() == Counter(), "while nothing happens nothing is asked"

        answer = chat(life.server, "alpha-8b", tokens=90)
        plugin.wait_for_row("alpha-8b: loading")
        shown = wait_for(lambda: re.search(r"^alpha-8b: ~?([\d.]+) tok/s", plugin.text, re.MULTILINE))
        assert 20.0 < float(shown.group(1)) < 60.0, "how exact it is, test_speed says: here the machine may be busy"
        answer.join(20)
        plugin.wait_for_row("Today: 1 request, 90 tokens")
        plugin.wait_for_text("peed: last ")
        assert life.asked(1 + len(page)) == Counter({"GET /running", *page})

        for one in [chat(life.server, "alpha-8b", tokens=30) for _ in range(3)]:
            one.join(20)
        plugin.wait_for_row("Today: 4 requests")
        asked = life.asked()
        assert set(asked) == page
        assert sum(asked.values()) <= 2, "a burst of finished requests is fetched once"

        chat(life.server, "beta-3b", tokens=5).join(10)
        plugin.wait_for_row("beta-3b: ready")
        plugin.wait_for_row("Today: 5 requests")
        details = {"GET /running"} if dialect != "v150" else set()  # by now it is known to report nothing
        assert life.asked(len(details | page)) == Counter(details | page)

        chat(life.server, "broken-1b", tokens=5).join(10)
        plugin.wait_for_row("broken-1b: failed to load")
        plugin.wait_for_row("llama-swap: no model loaded")
        plugin.wait_for_row("Today: 6 requests" if dialect != "v150" else "Today: 5 requests")
        refreshed = {"GET /api/events"} if dialect == "v150" else set()  # this state changes without an event
        assert set(life.asked()) == page | refreshed

        slots = life.asked_of_models()
        assert {(method, path) for _, _, method, path, _ in slots} == {("GET", "/slots")}
        assert all(ended_s <= begun_s for (_, ended_s, *_), (begun_s, *_) in zip(slots, slots[1:])), "one at a time"
        life.restart()
        known = {"GET /api/version", *(page or {"GET /api/metrics"}), *({"GET /api/profiles"} & PROFILES_OF[dialect])}
        wait_for(lambda: known <= {route.split("?")[0] for route in life.proxy.routes(life.seen)})
        plugin.wait_for_row("llama-swap: no model loaded")
        time.sleep(0.5)
        assert set(life.asked()) == {"GET /api/events", *known}, "what this version can do is known"
        assert life.asked_of_models() == slots, "no model works: no model server is asked"
        assert not any("authorization" in headers for *_, headers in life.proxy.requests)
        assert plugin.end()[0] == 0
    life.server.stop()


def test_another_version_at_the_address_is_noticed_and_probed_again(tmp_path):
    life = Life("v250", tmp_path)
    with life.proxy, Plugin(life.proxy.url, tmp_path) as plugin:
        plugin.wait_for_row("Version: v250")
        wait_for(lambda: "GET /api/performance" in {route.split("?")[0] for route in life.proxy.routes()})
        life.restart("v228")
        plugin.wait_for_row("Version: v228")
        wait_for(lambda: life.proxy.routes().count("POST /api/inflight/0/cancel") == 2)
    life.server.stop()


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236", "v250"])
def test_the_exporter_watches_by_the_same_laws_and_a_scrape_asks_nobody_anything(tmp_path, dialect):
    life = Life(dialect, tmp_path)
    fetched = dialect in ("v236", "v250")
    page = {"GET /api/metrics/activity"} if fetched else set()
    with life.proxy, Exporter(life.proxy.url, tmp_path) as exporter:
        exporter.wait_for("server_up", 1.0)
        beginning = Counter((*PROBES, "GET /api/metrics/activity", *(() if fetched else ("GET /api/metrics",))))
        assert life.asked(sum(beginning.values())) == beginning
        for _ in range(20):
            exporter.samples()
            time.sleep(0.1)
        assert not set(life.asked()) - HEARTBEAT, "ten scrapes a second ask nothing"

        answer = chat(life.server, "alpha-8b", tokens=90)
        while answer.is_alive():
            exporter.samples()
            time.sleep(0.1)
        exporter.wait_for("requests_total", 1.0, model="alpha-8b", outcome="ok")
        assert set(life.asked(1 + len(page))) - HEARTBEAT == {"GET /running", *page}
        slots = life.asked_of_models()
        assert {(method, path) for _, _, method, path, _ in slots} == {("GET", "/slots")}
        assert all(ended_s <= begun_s for (_, ended_s, *_), (begun_s, *_) in zip(slots, slots[1:])), "one at a time"
        assert exporter.end() == 0
    life.server.stop()
