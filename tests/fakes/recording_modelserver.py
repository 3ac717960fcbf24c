"""The demo's model server, which also writes down what it is asked: [came, answered, method, path, by whom].

recording_modelserver.py FILE [--sleep-idle-seconds N] what the model server itself takes …
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from llamabar.demo import modelserver

FILE, *REST = sys.argv[1:]


class Recording(modelserver.Handler):
    def do_GET(self):
        came_s = time.monotonic()
        super().do_GET()
        line = [came_s, time.monotonic(), self.command, self.path, self.headers.get("User-Agent", "")]
        with open(FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


modelserver.Handler = Recording
sys.exit(modelserver.main(REST[2:] if REST[0] == "--sleep-idle-seconds" else REST))
