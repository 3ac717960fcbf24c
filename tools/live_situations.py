"""What real users run, tried with a real llama-swap. Each situation has its own llama-swap and makes one claim.

The back ends are tests/fakes/backend.py, written from the facts. The menu is read as SwiftBar would read it.
"""

import contextlib
import http.client
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Tuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "installer"), str(ROOT)]

from tests.fakes.programs import wait_for  # noqa: E402

from llamabar.demo.world import free_port  # noqa: E402
from tools.live_running import CHAT, Running, plugin_at, served, started  # noqa: E402

BACKEND, FORWARD = ROOT / "tests" / "fakes" / "backend.py", ROOT / "tests" / "fakes" / "forward.py"
NOTICED_S = 2.5  # without an event for use, connections and CPU are checked every two seconds
COUNTDOWN = r"unloads in \d+ s|\d+ s left"


class Skipped(Exception):
    """A situation that can't be created here, and why."""


def one_token_answers_change_no_speed(here: Running) -> None:
    """Thirty one-token answers, which llama.cpp times at 1,000,000 tok/s, don't change the speed."""
    here.chat("chat", 60).join(30)
    wait_for(lambda: re.search(r"\b[34]\d\.\d tok/s", here.plugin.text), 10)
    for _ in range(30):
        here.chat("chat", 1).join(10)
    time.sleep(3)
    assert not re.search(r"\d{4,} ?(t|tok)/s|1000000|1,000,000", here.plugin.text), here.plugin.text
    said = here.document()["models"]
    speed = next(model["generation_tps"] for model in said if model["id"] == "chat")
    assert speed is None or 30 < speed < 45, said


def a_model_in_use_never_counts_down(here: Running) -> None:
    """With requests a second apart on one connection, the row never says that the model unloads within seconds."""
    here.chat("chat", 20).join(30)
    time.sleep(4)
    for _ in range(4):
        working = here.chat("chat", 160)
        time.sleep(NOTICED_S)
        for row in here.seen("chat", 20, until=working):
            assert not re.search(COUNTDOWN, row), row
        time.sleep(1)


def a_chat_past_v1_is_use(here: Running) -> None:
    """During a chat on the model's own page (/upstream), no countdown is shown."""
    here.chat("chat", 20).join(30)
    time.sleep(4)
    working = here.chat("chat", 160, path=f"/upstream/chat{CHAT}")
    time.sleep(NOTICED_S)
    for row in here.seen("chat", 20, until=working):
        assert not re.search(COUNTDOWN, row), row


def of_two_ready_models_the_one_at_work_is_named(here: Running) -> None:
    """With an embedding model loaded as well, the chat model that is answering is the one shown as busy."""
    here.post("/v1/embeddings", model="embed", input="x")
    here.chat("chat", 20).join(30)
    time.sleep(3)
    working = here.chat("chat", 240)
    time.sleep(4)
    rows = here.seen("chat", 5, until=working)
    working.join(30)
    assert any("tok/s" in row or "t/s" in row for row in rows), (rows, here.plugin.text)


def loading_text_is_no_answer(here: Running) -> None:
    """The text that sendLoadingState adds to the answer during a load counts as loading, not as generating."""
    working = here.chat("mlx", 60)
    rows = here.seen("mlx", 3.0)
    assert rows and not any("generating" in row or "tok/s" in row for row in rows), rows
    working.join(30)


def not_everything_is_a_chat(here: Running) -> None:
    """An image or a transcription isn't shown as a prompt being processed, nor with 0 tokens."""
    here.post("/v1/images/generations", model="image", prompt="x")
    working = threading.Thread(target=here.post, args=("/v1/images/generations",), kwargs={"model": "image"})
    working.start()
    time.sleep(1)
    assert not re.search(r"(?i)prompt", " ".join(here.rows_of("image"))), here.plugin.text
    working.join(30)
    assert "0 tokens" not in here.plugin.text, here.plugin.text


def load_succeeds_where_the_root_is_404(here: Running) -> None:
    """`load` of a server whose root is `404: Not Found` succeeds once the model is ready."""
    done = here.command("load", "mlx")
    assert done.returncode == 0, (done.stdout, done.stderr)


def a_crash_leaves_a_trace(here: Running) -> None:
    """A model server that dies while answering is shown as crashed, for minutes."""
    here.chat("dies", 100).join(30)
    within_s = 5 if here.era > 217 else 45  # up to v217 no event tells; the process is seen to be gone
    wait_for(lambda: re.search(r"(?i)quit|crash", " ".join(here.rows_of("dies"))), within_s)


def another_computers_model_is_not_ours(here: Running) -> None:
    """Behind a forwarded port the model's address is on the other machine: nothing on this one is queried or shown."""
    if here.era < 140 or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        raise Skipped("network namespaces (unshare -n) are not allowed here")
    first = model_port(here)
    with namespaced(here.program, first) as (port, home), plugin_at(f"127.0.0.1:{port}", home) as plugin:
        there = Running(here.program, here.era, f"127.0.0.1:{port}", plugin, home)
        local, working = here.chat("chat", 400), there.chat("chat", 60)
        time.sleep(4)
        speeds = [float(found) for row in there.rows_of("chat") for found in re.findall(r"([\d.]+) t", row)]
        local.join(1)
        working.join(20)
        assert all(speed < 20 for speed in speeds), (speeds, plugin.text)
        assert not re.search(r"chat.*\n--.*(context|Context)", plugin.text), plugin.text


SITUATIONS: Tuple[Callable[[Running], None], ...] = (
    one_token_answers_change_no_speed, a_model_in_use_never_counts_down, a_chat_past_v1_is_use,
    of_two_ready_models_the_one_at_work_is_named, loading_text_is_no_answer, not_everything_is_a_chat,
    load_succeeds_where_the_root_is_404, a_crash_leaves_a_trace, another_computers_model_is_not_ours,
)  # fmt: skip


def config(*, first_port: int, tps: float = 40.0) -> Dict[str, Any]:
    """Return a llama-swap configuration with every back end."""
    backend = f"{sys.executable} {BACKEND} --port ${{PORT}}"
    models: Dict[str, Any] = {
        "chat": {"cmd": f"{backend} --tps {tps}", "ttl": 30},
        "dies": {"cmd": f"{backend} --dies-after 30"},
        "mlx": {"cmd": f"{backend} --style mlx --load-s 5 --tps 20", "checkEndpoint": "/v1/models"},
        "image": {"cmd": f"{backend} --style images", "ttl": 60},
        "embed": {"cmd": f"{backend} --style embed --work-s 0.1"},
    }
    groups = {"side": {"swap": False, "exclusive": False, "persistent": True, "members": ["embed"]}}
    return {"startPort": first_port, "sendLoadingState": True, "models": models, "groups": groups}


def run(program: str, version: str, *, only: str = "") -> int:
    """Try every situation with its own llama-swap and print a line for each; return how many fail."""
    found = re.search(r"\d+", version)
    era, failures = int(found.group()) if found else 0, 0
    for situation in SITUATIONS:
        if only not in situation.__name__:
            continue
        what = (situation.__doc__ or "").splitlines()[0]
        try:
            with served(program, era, config(first_port=free_port())) as here:
                situation(here)
        except Skipped as why:
            print(f"skipped {what} ({why})", flush=True)
        except AssertionError as error:
            failures += 1
            print(f"FAILED  {what}\n        {str(error)[:3000]}", flush=True)
        else:
            print(f"holds   {what}", flush=True)
    return failures


@contextlib.contextmanager
def namespaced(program: str, first_port: int) -> Iterator[Tuple[int, Path]]:
    """Run a llama-swap in its own network namespace, reached through a forwarded port; its models do 10 tok/s."""
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        (home / "config.json").write_text(json.dumps(config(first_port=first_port, tps=10.0)), "utf-8")
        inside = (
            f"ip link set lo up 2>/dev/null; {sys.executable} {FORWARD} --listen unix:{home}/in --to 127.0.0.1:8080 & "
            f"exec {program} --config {home}/config.json --listen 127.0.0.1:8080"
        )
        forward = [sys.executable, str(FORWARD), "--listen", f"127.0.0.1:{port}", "--to", f"unix:{home}/in"]
        with started(["unshare", "-n", "sh", "-c", inside], home / "there.log"), started(forward, home / "forward.log"):
            time.sleep(1)
            yield port, home


def model_port(here: Running) -> int:
    """Load the chat model and return its server's port."""
    here.chat("chat", 5).join(30)
    time.sleep(1)
    connection = http.client.HTTPConnection(here.address, timeout=10)
    connection.request("GET", "/running")
    running = json.loads(connection.getresponse().read())["running"]
    proxy = next((one.get("proxy", "") for one in running), "")
    if not proxy:
        raise Skipped("this version doesn't tell where its model servers listen")
    return int(proxy.rsplit(":", 1)[1])


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else shutil.which("llama-swap") or "llama-swap"
    named = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    sys.exit(1 if run(path, named, only=sys.argv[2] if len(sys.argv) > 2 else "") else 0)
