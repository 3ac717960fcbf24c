"""A simple plugin to compare with: it polls every second, redraws everything, prints it, and keeps nothing.

    python3 tools/reference_poller.py http://127.0.0.1:8080

It is one process that runs forever, as SwiftBar streams it. Restarting it every second would add Python's startup.
"""

import json
import subprocess
import sys
import time
import urllib.request
from typing import Any, Dict, List

EVERY_S = 1.0
ROUTES = ("/running", "/v1/models", "/api/metrics/activity?limit=25", "/api/version")


def main(url: str) -> int:
    """Print a frame every second until the reader is gone."""
    while True:
        began_s = time.monotonic()
        try:
            sys.stdout.write("\n".join(frame(url)) + "\n~~~\n")
            sys.stdout.flush()
        except BrokenPipeError:
            return 0
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began_s)))


def frame(url: str) -> List[str]:
    """Return the lines of a menu."""
    said = {path: ask(url + path) for path in ROUTES}
    running = {one["model"]: one for one in said["/running"].get("running") or ()}
    lines = [f"{len(running)} loaded", "---", f"llama-swap {said['/api/version'].get('version', '?')}: {url}"]
    for model in said["/v1/models"].get("data") or ():
        lines.append(f"{model['id']}: {running.get(model['id'], {}).get('state', 'stopped')}")
        proxy = str(running.get(model["id"], {}).get("proxy") or "")
        slots = ask(f"{proxy}/slots") if proxy else {}
        lines += [f"--slot {one.get('id')}: {one.get('is_processing')}" for one in slots if isinstance(one, dict)]
        lines.append("--Unload | shell=/usr/bin/curl")
    for row in said["/api/metrics/activity?limit=25"].get("data") or ():
        lines.append(f"--{row.get('model')}: {(row.get('tokens') or {}).get('tokens_per_second')} tok/s")
    listed = subprocess.run(["ps", "-axo", "rss=,command="], capture_output=True, text=True).stdout.splitlines()
    used = sum(int(line.split()[0]) for line in listed if "llama" in line and line.split()[0].isdigit())
    return [*lines, f"Memory: {used / 2**20:.1f} GB"]


def ask(address: str) -> Any:
    """Return the JSON of an answer; an empty dict if there is none."""
    empty: Dict[str, Any] = {}
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return empty


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/")))
