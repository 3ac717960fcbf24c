"""IDs with slashes, spaces, `%`, Unicode; aliases, unlisted models, peers: shown and addressed correctly."""

import json
from dataclasses import replace

import pytest

from llamabar.app.actions import DONE, Where, perform
from llamabar.core import events as ev
from llamabar.core.state import capabilities, loadable
from llamabar.demo.dialect import DemoModel
from llamabar.settings.load import ServerSettings
from llamabar.sources.client import Client
from llamabar.view.menu import Action, Do
from tests.app.test_bad_servers import event, speaking
from tests.fakes.here import run_here
from tests.fakes.life import live, table
from tests.fakes.programs import Plugin, Stranger, chat, llama_swap, run, wait_for

ODD = ("org/model:q4", "with space", "100% real", "ünï/日本", "a+b&c=d?e#f", "..;x", "'quoted\"")
SINCE_V218 = ("wol_health", "unload_one", "inflight_count", "running_proxy", "running_ttl")
MODELS = tuple(DemoModel(one, load_s=0.01) for one in ODD)


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236", "v250"])
def test_odd_ids_are_loaded_and_unloaded_by_their_own_name(dialect):
    with llama_swap(dialect, MODELS) as server:
        client, world = Client(server.url), server.world
        confirmed = ev.CapabilitiesFound(confirmed=frozenset({"unload_one"} if dialect != "v150" else ()))
        snapshot = live(ev.ModelsListed(tuple(ev.ModelInfo(one, "stopped") for one in ODD)), confirmed)
        where = Where(client, snapshot, ServerSettings("llama-swap", server.url))
        for model in snapshot.models.values():
            if not loadable(snapshot, model):
                assert dialect == "v150" and "/" in model.id
                continue
            assert perform(Action(Do.LOAD, model.id), where) == DONE
            assert world.processes[model.id].state == "ready", model.id
            one = Do.UNLOAD if dialect != "v150" else Do.UNLOAD_ALL
            loaded = replace(where, snapshot=live(ev.ModelsListed((model.info._replace(state="ready"),)), confirmed))
            assert perform(Action(one, model.id), loaded) == DONE
            assert world.processes[model.id].state == "stopped", model.id


def test_ids_that_do_not_fit_in_a_path_are_not_offered():
    snapshot = live(
        ev.ModelsListed(tuple(ev.ModelInfo(one, "stopped") for one in ("/a", "a/", "a//b", "a/b", "a"))),
        ev.CapabilitiesFound(confirmed=frozenset({"unload_one"})),
    )
    assert [model.id for model in snapshot.models.values() if loadable(snapshot, model)] == ["a/b", "a"]


@pytest.mark.parametrize("dialect", ["v236", "v250"])
def test_a_request_for_an_odd_id_is_canceled_by_its_number(tmp_path, dialect):
    models = (DemoModel("ünï/日本 100%", load_s=0.01, tps=50.0),)
    with llama_swap(dialect, models) as server:
        answer = chat(server, "ünï/日本 100%", tokens=2000)
        wait_for(lambda: server.inflight.entries and server.world.processes["ünï/日本 100%"].in_flight)
        assert run_here(tmp_path, "cancel", "1", LLAMABAR_URL=server.url).returncode == 0
        answer.join(5)
        assert not answer.is_alive()
        assert ("POST", "/api/inflight/1/cancel") in server.requests


def test_an_alias_and_an_unlisted_model_are_loaded_by_command(tmp_path):
    models = (
        DemoModel("real/id", load_s=0.01, aliases=("gpt-4o mini",)),
        DemoModel("hidden", load_s=0.01, unlisted=True, stays=True),
    )
    with llama_swap("v250", models) as server:
        assert run_here(tmp_path, "load", "gpt-4o mini", LLAMABAR_URL=server.url).returncode == 0
        assert run_here(tmp_path, "load", "hidden", LLAMABAR_URL=server.url).returncode == 0
        assert {process.state for process in server.world.processes.values()} == {"ready"}
        with Plugin(server.url, tmp_path) as plugin:
            plugin.wait_for_row("hidden: ready")
            plugin.wait_for_row("real/id: ready")


@pytest.mark.parametrize("peer_id", ["big", "big-box/llama-70b"])
def test_a_peers_model_is_shown_and_offers_nothing(tmp_path, peer_id):
    listed = [
        {"id": "here", "state": "stopped", "name": ""},
        {"id": peer_id, "state": "", "name": "", "peerID": "big-box"},
    ]
    said = speaking(event("modelStatus", listed))
    with Stranger(said, hold_s=30) as stranger, Plugin(stranger.url, tmp_path) as plugin:
        plugin.wait_for_row("Peers: 1 model on other hosts")
        assert plugin.row("Load Model: 1")
        assert not [item for item in plugin.items() if item.text == peer_id and item.has_action]
        document = json.loads(run_here(tmp_path, "models", "--json", LLAMABAR_URL=stranger.url).stdout)
        assert {one["id"]: one["state"] for one in document["models"]} == {"here": "stopped", peer_id: ""}
        for command in ("load", "unload"):
            done = run_here(tmp_path, command, peer_id, LLAMABAR_URL=stranger.url)
            assert (done.returncode, done.stderr.splitlines()[0]) == (1, f"{peer_id} runs on another host.")


def test_capabilities_are_those_confirmed_in_this_connection():
    snapshot = live(table(m="ready"), ev.RunningListed((ev.RunningModel("m", "ready", "http://localhost:1", 5.0),)))
    assert capabilities(snapshot) == ("events", "load", "running_proxy", "running_ttl", "unload_all")
    assert capabilities(replace(snapshot, connected=False)) == ()


@pytest.mark.parametrize(
    ("dialect", "found"),
    [
        ("v150", {"metrics"}),
        ("v228", {"metrics", "metrics_events", *SINCE_V218}),
        ("v236", {"activity", "inflight_list", "cancel", *SINCE_V218}),
        ("v250", {"activity", "inflight_list", "cancel", "profiles", *SINCE_V218}),
    ],
)
def test_status_names_each_dialects_capabilities(tmp_path, dialect, found):
    with llama_swap(dialect) as server:
        chat(server, "embed", tokens=0).join(10)
        shown = json.loads(run(tmp_path, "status", "--json", LLAMABAR_URL=server.url).stdout)["servers"][0]
        usual = {"events", "load", "unload_all"} | ({"performance"} if dialect != "v150" else set())
        assert set(shown["capabilities"]) == found | usual
