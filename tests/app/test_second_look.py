"""Which requests a run against a known llama-swap sends, counted by the server; and one that was replaced meanwhile."""

import json

import pytest

from llamabar.demo.load import ask
from tests.fakes.named_llama_swap import named_llama_swap
from tests.fakes.programs import free_port, run

LOOKS = (["status"], ["status", "--json"], ["models"], ["requests"])
UNLOGGED = {"GET /wol-health", "GET /api/performance"}


def logged(swap):
    return [route for route in swap.asked() if route not in UNLOGGED]


def asked_by(home, swap, *words):
    """Return a command's requests, the fewest of several runs: on a busy machine a run may end before it knew
    everything."""
    looks = []
    while len(looks) < 6 and not (looks and len(looks[-1]) <= 2):
        assert run(home, *words, LLAMABAR_URL=f"http://{swap.address}").returncode == 0
        looks.append(logged(swap))
    return min(looks, key=len)


def status(home, swap):
    """Return the server's status, once a run had time to find out everything."""
    for _ in range(6):
        done = run(home, "status", "--json", LLAMABAR_URL=f"http://{swap.address}")
        found = json.loads(done.stdout)["servers"][0]
        if found["totals"]["requests"] is not None:
            break
    return found


@pytest.mark.parametrize("dialect", ["v150", "v228", "v236", "v250"])
def test_a_second_look_is_at_most_two_logged_requests_whatever_is_loaded(tmp_path, dialect):
    with named_llama_swap(tmp_path, dialect, free_port()) as swap:
        first = status(tmp_path, swap)
        assert len(logged(swap)) > 2
        for loads in (False, True):
            if loads:
                assert ask(swap.address, "alpha-8b", 20, 5) == 200
                assert ask(swap.address, "embed", 5, 5) == 200
                first = status(tmp_path, swap)
                assert "GET /running" in logged(swap), "a load is asked about"
            for words in LOOKS if loads else LOOKS[:1]:
                assert 1 <= len(asked_by(tmp_path, swap, *words)) <= 2, words
            second = status(tmp_path, swap)
            assert second["capabilities"] == first["capabilities"] and second["version"] == first["version"]
            told = [[(one["id"], one["state"], one["ttl_s"]) for one in found["models"]] for found in (first, second)]
            assert told[0] == told[1]


def test_a_model_that_was_loaded_again_is_asked_about_again(tmp_path):
    with named_llama_swap(tmp_path, "v250", free_port()) as swap:
        for _ in range(2):
            assert ask(swap.address, "alpha-8b", 5, 5) == 200
            logged(swap)
            status(tmp_path, swap)
            assert "GET /running" in logged(swap)
            assert run(tmp_path, "unload", "alpha-8b", LLAMABAR_URL=f"http://{swap.address}").returncode == 0


def test_another_version_in_its_place_is_not_taken_for_the_one_before(tmp_path):
    port = free_port()
    for dialect, version, can in (("v250", "250", True), ("v228", "228", False), ("v250", "250", True)):
        with named_llama_swap(tmp_path, dialect, port) as swap:
            for _ in range(2):
                found = status(tmp_path, swap)
                assert (found["version"], "cancel" in found["capabilities"]) == (version, can)
