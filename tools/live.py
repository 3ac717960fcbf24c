"""The end-to-end checks against real llama-swaps: those named, else every one on PATH.

python3 build.py live [PROGRAM ...]
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "installer"), str(ROOT)]

from tests.fakes.programs import Plugin, wait_for  # noqa: E402

from llamabar.demo.load import ask  # noqa: E402
from llamabar.demo.world import free_port  # noqa: E402
from tools import live_situations  # noqa: E402

PYZ = ROOT / "dist" / "llamabar.pyz"
SERVER = ROOT / "src" / "llamabar" / "demo" / "modelserver.py"
OURS = "llamabar/"
TTL_S = 15
CONFIG = f"""
healthCheckTimeout: 30
startPort: FIRST_PORT
models:
  chat-8b:
    cmd: PYTHON {SERVER} --port ${{PORT}} --load-s 1.5 --tps 40 --prompt-tps 2000
    ttl: {TTL_S}
    name: Chat 8B
  "org/vision:q4":
    cmd: PYTHON {SERVER} --port ${{PORT}} --load-s 1 --tps 20 --slots 1
  broken-1b:
    cmd: PYTHON {SERVER} --port ${{PORT}} --load-s 0.5 --fail
"""


def main(arguments: List[str]) -> int:
    """Try every llama-swap named, or every one on PATH; return 0 if all checks and situations hold."""
    programs = arguments or programs_on_path()
    if not programs:
        print("Skipped: no llama-swap on PATH. Put one there (brew install llama-swap) and run this again.")
        return 0
    return 1 if sum(tried(program) for program in programs) else 0


def programs_on_path() -> List[str]:
    """Return every different llama-swap in the folders of PATH, in their order."""
    found = (Path(folder) / "llama-swap" for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    usable = [str(path.resolve()) for path in found if os.access(path, os.X_OK) and path.is_file()]
    return list(dict.fromkeys(usable))


def tried(program: str) -> int:
    """Run every check and situation against one llama-swap; return how many fail."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout.strip()
    print(f"{program}: {version}")
    failures = 0
    with tempfile.TemporaryDirectory() as folder, real(program, Path(folder)) as swap, the_plugin(swap) as plugin:
        for check in CHECKS:
            what = (check.__doc__ or "").splitlines()[0]
            try:
                check(swap, plugin)
            except AssertionError as error:
                failures += 1
                print(f"FAILED  {what}\n        {str(error)[:2000]}", flush=True)
            else:
                print(f"holds   {what}", flush=True)
    failures += live_situations.run(program, version)
    print(f"{failures} failed")
    return failures


class Swap:
    """A real llama-swap, its address and its log."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.home = log.parent
        self._log = log

    def lines(self) -> List[str]:
        """Return the log lines that our own requests caused."""
        return [line for line in self._log.read_text("utf-8", "replace").splitlines() if OURS in line]

    def chat(self, model: str, tokens: int) -> threading.Thread:
        """Send a streamed chat on a thread."""
        thread = threading.Thread(target=ask, args=(self.url[7:], model, tokens, 20), daemon=True)
        thread.start()
        return thread


@contextlib.contextmanager
def real(program: str, folder: Path) -> Iterator[Swap]:
    """Run a llama-swap on a free port with the demo's model servers."""
    config, log, port = folder / "config.yaml", folder / "llama-swap.log", free_port()
    config.write_text(CONFIG.replace("FIRST_PORT", str(free_port())).replace("PYTHON", sys.executable), "utf-8")
    with log.open("wb") as out:
        words = [program, "--config", str(config), "--listen", f"127.0.0.1:{port}"]
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield Swap(f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        process.wait(40)


def starts(swap: Swap, plugin: Plugin) -> None:
    """An empty llama-swap is seen with its models."""
    plugin.wait_for_row("llama-swap: no model loaded")
    plugin.wait_for_row("Load: 3 models")


def loads_and_generates(swap: Swap, plugin: Plugin) -> None:
    """A chat shows loading, then the speed within 10 %, whether or not the version tells what is in flight."""
    thread = swap.chat("chat-8b", 240)
    plugin.wait_for_row("chat-8b: loading")
    wait_for(lambda: not plugin.row("chat-8b: loading"))
    shown = re.search(r"generating ~?([\d.]+)", plugin.wait_for_row("chat-8b: generating ", 10))
    assert shown is not None and abs(float(shown.group(1)) - 40) <= 4, shown
    thread.join(30)
    plugin.wait_for_row("Today: 1 request, 240 tokens")


def status_agrees(swap: Swap, plugin: Plugin) -> None:
    """`status --json` says what the menu says."""
    found = said(swap, "status")["servers"][0]
    assert found["status"] == "ready", found["status"]
    assert found["totals"]["generated_tokens"] == 240, found["totals"]
    model = next(one for one in found["models"] if one["id"] == "chat-8b")
    assert abs(model["generation_tps"] - 40) < 4, model


def swaps(swap: Swap, plugin: Plugin) -> None:
    """A request for another model shows the swap; a slash and a colon in its id are no trouble."""
    swap.chat("org/vision:q4", 10).join(30)
    plugin.wait_for_row("org/vision:q4: ready")
    assert not plugin.row("chat-8b: ready")


def fails(swap: Swap, plugin: Plugin) -> None:
    """A model whose server exits is said to have failed."""
    swap.chat("broken-1b", 5).join(30)
    plugin.wait_for_row("broken-1b: failed to load")


def clicks(swap: Swap, plugin: Plugin) -> None:
    """A click loads a model, and another unloads it; an id with a slash only where the version can address it."""
    one = "unload_one" in said(swap, "status")["servers"][0]["capabilities"]
    for shown in ("chat-8b", "org/vision:q4")[: 2 if one else 1]:
        plugin.click(shown, under="Load:")
        plugin.wait_for_row(f"{shown}: ready", 30)
        plugin.click("Unload" if one else "Unload All", under=shown if one else "")
        plugin.wait_for_row("llama-swap: no model loaded")


def unloads_on_time(swap: Swap, plugin: Plugin) -> None:
    """A model with a ttl of 15 s is unloaded on time while it is watched, and nothing is logged meanwhile."""
    swap.chat("chat-8b", 5).join(30)
    plugin.wait_for_row("chat-8b: ready")
    ended_s = time.monotonic()
    time.sleep(4)
    lines = len(swap.lines())
    plugin.wait_for_row("llama-swap: no model loaded", TTL_S + 5)
    waited_s = time.monotonic() - ended_s
    assert TTL_S - 2 <= waited_s <= TTL_S + 3, f"unloaded after {waited_s:.1f} s"
    assert len(swap.lines()) == lines, swap.lines()[lines:]


def asks_only_what_it_may(swap: Swap, plugin: Plugin) -> None:
    """Of itself it asked nothing that loads a model or counts as use: the clicks' loads, and no inference."""
    loads = [line for line in swap.lines() if "/upstream" in line]
    assert len(loads) <= 2, loads
    assert not [line for line in swap.lines() if "/v1/" in line or "/props" in line]


def ends(swap: Swap, plugin: Plugin) -> None:
    """SIGTERM ends it within half a second, with nothing on stderr."""
    code, took_s = plugin.end()
    assert (code, plugin.stderr) == (0, b"") and took_s < 0.5, (code, took_s, plugin.stderr)


def totals_outlast_it(swap: Swap, plugin: Plugin) -> None:
    """Today's totals are kept when it ends; a new start counts on, and none twice."""
    before = plugin.row("Today")
    kept = sum(day["requests"] for day in said(swap, "history")["days"])
    assert before.startswith(f"Today: {kept} request"), (before, kept)
    with the_plugin(swap) as again:
        again.wait_for_row(before)
        swap.chat("chat-8b", 5).join(30)
        again.wait_for_row(f"Today: {kept + 1} request")


CHECKS: "tuple[Callable[[Swap, Plugin], None], ...]" = (
    starts, loads_and_generates, status_agrees, swaps, fails, clicks, unloads_on_time, asks_only_what_it_may, ends,
    totals_outlast_it,
)  # fmt: skip


def the_plugin(swap: Swap) -> Plugin:
    """Start the built program as SwiftBar does, at home in the folder of the llama-swap."""
    return Plugin(swap.url, swap.home, program=[str(PYZ)], LLAMABAR_PYTHON=sys.executable, PYTHONPATH="")


def said(swap: Swap, command: str) -> Dict[str, Any]:
    """Return what a command of the built program says as JSON."""
    environment = {**os.environ, "HOME": str(swap.home), "LLAMABAR_URL": swap.url, "LLAMABAR_PYTHON": sys.executable}
    done = subprocess.run([str(PYZ), command, "--json"], env=environment, capture_output=True, text=True, timeout=20)
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
