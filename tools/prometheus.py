"""A real Prometheus on its own port, which scrapes an exporter every second and answers queries."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "docs" / "prometheus" / "alerts.yml"
MISSING = "" if shutil.which("prometheus") and shutil.which("promtool") else (
    "no prometheus and promtool on PATH (Debian: apt-get install prometheus)"
)  # fmt: skip
CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: llamabar
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """A Prometheus that scrapes the exporter on `port` and keeps its data in a folder."""

    def __init__(self, port: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(rules=RULES, port=port), "utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        words = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
        words += [f"--web.listen-address={self.url[7:]}", "--log.level=error"]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def get(self, route: str, **query: object) -> Any:
        """Return the data of an API answer; raise OSError with the API's message if it is an error."""
        asked = f"{self.url}/api/v1/{route}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise OSError(f"{query}: {error.read().decode()}") from None

    def query(self, expression: str) -> List[Dict[str, Any]]:
        """Return the series of an instant query."""
        return list(self.get("query", query=expression)["result"])

    def wait_for(self, expression: str, seconds: float = 120.0) -> List[Dict[str, Any]]:
        """Return the series of a query once there are any."""
        ends_s = time.monotonic() + seconds
        while True:
            try:
                found = self.query(expression)
            except OSError:  # it is still starting
                found = []
            if found:
                return found
            if time.monotonic() > ends_s:
                raise SystemExit(f"Prometheus has nothing for {expression!r} after {seconds:.0f} s")
            time.sleep(0.25)

    def __enter__(self) -> "Prometheus":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
