"""End-to-end checks against real llama-swaps: those named, else every one on PATH.

    python3 build.py live [PROGRAM ...]
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "installer"), str(ROOT)]

from llamabar.core.capabilities import Capability  # noqa: E402
from llamabar.core.status import Status  # noqa: E402
from llamabar.demo.world import free_port  # noqa: E402
from llamabar.view.menu import Do  # noqa: E402
from llamabar.view.words import STATUS  # noqa: E402
from tools import live_situations  # noqa: E402
from tools.live_running import Running, plugin_at, served  # noqa: E402

SERVER = ROOT / "src" / "llamabar" / "demo" / "modelserver.py"
CHAT_ID, CHAT_NAME, VISION, BROKEN = "chat-8b", "Chat 8B", "org/vision:q4", "broken-1b"
TTL_S = 15
LOADING, GENERATING, READY = STATUS[Status.LOADING], STATUS[Status.GENERATING], STATUS[Status.READY]


def main(arguments: List[str]) -> int:
    """Test every named llama-swap, or every one on PATH; return 0 if all checks and situations pass."""
    programs = arguments or programs_on_path()
    if not programs:
        print("Skipped: no llama-swap on PATH. Put one there (brew install llama-swap) and run this again.")
        return 0
    return 1 if sum(tried(program) for program in programs) else 0


def programs_on_path() -> List[str]:
    """Return every llama-swap in the folders of PATH, in order, without duplicates."""
    found = (Path(folder) / "llama-swap" for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    usable = [str(path.resolve()) for path in found if os.access(path, os.X_OK) and path.is_file()]
    return list(dict.fromkeys(usable))


def tried(program: str) -> int:
    """Run every check and situation against one llama-swap; return how many fail."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout.strip()
    print(f"{program}: {version}")
    found = re.search(r"\d+", version)
    failures = 0
    with served(program, int(found.group()) if found else 0, config()) as here:
        for check in CHECKS:
            what = (check.__doc__ or "").splitlines()[0]
            try:
                check(here)
            except AssertionError as error:
                failures += 1
                print(f"FAILED  {what}\n        {str(error)[:2000]}", flush=True)
            else:
                print(f"holds   {what}", flush=True)
    failures += live_situations.run(program, version)
    print(f"{failures} failed")
    return failures


def config() -> Dict[str, Any]:
    """Return a configuration with the demo's model servers: one with a name, one with an odd id, one that fails."""
    program = f"{sys.executable} {SERVER} --port ${{PORT}}"
    models: Dict[str, Any] = {
        CHAT_ID: {"cmd": f"{program} --load-s 1.5 --tps 40 --prompt-tps 2000", "ttl": TTL_S, "name": CHAT_NAME},
        VISION: {"cmd": f"{program} --load-s 1 --tps 20 --slots 1"},
        BROKEN: {"cmd": f"{program} --load-s 0.5 --fail"},
    }
    return {"startPort": free_port(), "models": models}


def starts(here: Running) -> None:
    """An idle llama-swap is shown with its models, by name."""
    found = here.document()
    assert (found["status"], found["reachable"]) == ("empty", True), found
    assert {one["id"]: one["state"] for one in found["models"]} == dict.fromkeys((CHAT_ID, VISION, BROKEN), "stopped")
    assert here.rows_of(CHAT_NAME), here.plugin.text


def loads_and_generates(here: Running) -> None:
    """A chat shows loading, then its speed within 10 %, whether or not the version lists active requests."""
    thread = here.chat(CHAT_ID, 240)
    here.wait_for_row(CHAT_NAME, LOADING)
    shown = re.search(r"~?([\d.]+) tok/s", here.wait_for_row(CHAT_NAME, "tok/s"))
    assert shown is not None and abs(float(shown.group(1)) - 40) <= 4, shown
    assert thread.is_alive(), "the speed was shown after the answer had ended"
    thread.join(30)


def json_agrees(here: Running) -> None:
    """`status --json`, `models --json` and the history report what was done."""
    found, model = here.document(), here.model(CHAT_ID)
    assert found["status"] == "ready" and found["totals"]["generated_tokens"] == 240, found
    assert model["name"] == CHAT_NAME and abs((model["generation_tps"] or 0) - 40) < 4, model
    listed = {one["id"]: one["state"] for one in here.document("models")["models"]}
    assert listed == {CHAT_ID: "ready", VISION: "stopped", BROKEN: "stopped"}, listed
    here.wait_until(lambda: counted(here) == (1, 240), what="the history")


def swaps(here: Running) -> None:
    """A request for another model shows the swap, even with a slash and a colon in the model's id."""
    here.chat(VISION, 10).join(30)
    here.wait_for_row(VISION, READY)
    here.wait_until(lambda: here.offers(Do.LOAD, CHAT_ID), what="the swap")


def fails(here: Running) -> None:
    """A model whose server exits gets a row that says it failed, with an item to try again."""
    here.chat(BROKEN, 5).join(30)
    here.wait_until(lambda: here.rows_of(BROKEN, top=True) and here.offers(Do.LOAD, BROKEN), what="the failure")
    assert here.model(BROKEN)["state"] == "stopped"


def clicks(here: Running) -> None:
    """A click loads a model and another unloads it; an id with a slash only if the version can address it."""
    one = Capability.UNLOAD_ONE in here.document()["capabilities"]
    for target, name in ((CHAT_ID, CHAT_NAME), (VISION, VISION))[: 2 if one else 1]:
        here.click(Do.LOAD, target)
        here.wait_for_row(name, READY, seconds=30)
        assert here.model(target)["state"] == "ready"
        here.click(*((Do.UNLOAD, target) if one else (Do.UNLOAD_ALL, "")))
        here.wait_until(lambda: here.offers(Do.LOAD, target), what="the unload")  # noqa: B023
        assert here.document()["status"] == "empty"


def unloads_on_time(here: Running) -> None:
    """A model with a ttl of 15 s is unloaded on time while it is watched, and nothing is logged meanwhile."""
    here.chat(CHAT_ID, 5).join(30)
    here.wait_for_row(CHAT_NAME, READY)
    ended_s = time.monotonic()
    time.sleep(4)
    lines = len(here.logged())
    here.wait_until(lambda: here.offers(Do.LOAD, CHAT_ID), seconds=TTL_S + 5, what="the unload")
    waited_s = time.monotonic() - ended_s
    assert TTL_S - 2 <= waited_s <= TTL_S + 3, f"unloaded after {waited_s:.1f} s"
    assert len(here.logged()) == lines, here.logged()[lines:]


def a_second_look_is_quiet(here: Running) -> None:
    """A second `status` of an idle, known llama-swap adds at most two lines to its log."""
    here.document()
    lines = len(here.logged())
    here.document()
    time.sleep(0.5)
    assert len(here.logged()) - lines <= 2, here.logged()[lines:]


def asks_only_what_it_may(here: Running) -> None:
    """On its own it sent nothing that loads a model or counts as use: only the clicks' loads, and no inference."""
    loads = [line for line in here.logged() if "/upstream" in line]
    assert len(loads) <= 2, loads
    assert not [line for line in here.logged() if "/v1/" in line or "/props" in line]


def ends(here: Running) -> None:
    """SIGTERM ends it within half a second, with nothing on stderr."""
    code, took_s = here.plugin.end()
    assert (code, here.plugin.stderr) == (0, b"") and took_s < 0.5, (code, took_s, here.plugin.stderr)


def totals_outlast_it(here: Running) -> None:
    """The history survives the plugin's end. After a restart it counts on, and counts nothing twice."""
    before = counted(here)
    with plugin_at(here.address, here.home) as again:
        here = here._replace(plugin=again)
        here.wait_until(lambda: here.offers(Do.LOAD, CHAT_ID), what="the first frame")
        here.chat(CHAT_ID, 5).join(30)
        here.wait_until(lambda: counted(here) != before, what="the new request")
        time.sleep(2)
        assert counted(here) == (before[0] + 1, before[1] + 5), (before, counted(here))


def counted(here: Running) -> Tuple[int, int]:
    """Return the requests and generated tokens of all days in the history."""
    days = here.document("history")["days"]
    return sum(day["requests"] for day in days), sum(day["generated_tokens"] or 0 for day in days)


CHECKS: "Tuple[Callable[[Running], None], ...]" = (
    starts, loads_and_generates, json_agrees, swaps, fails, clicks, unloads_on_time, a_second_look_is_quiet,
    asks_only_what_it_may, ends, totals_outlast_it,
)  # fmt: skip


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
