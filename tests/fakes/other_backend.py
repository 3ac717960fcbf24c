"""The demo's model server as another back end: without slots and timings, like mlx_lm.server; it also transcribes,
speaks, draws and reranks, each in one piece."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from llamabar.demo import modelserver

WORK_S = 2.0
IN_ONE_PIECE = {
    "/embeddings": modelserver.EMBEDDING,
    "/rerank": {"results": [{"index": 0, "relevance_score": 0.5}]},
    "/audio/transcriptions": {"text": "a few words"},
    "/audio/speech": b"RIFF" + b"\0" * 4000,
    "/images/generations": {"created": 1, "data": [{"b64_json": "AAAA"}]},
}


class Other(modelserver.Handler):
    def do_GET(self):
        if self.path in ("/slots", "/props"):
            self.send_json(404, {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}})
        else:
            super().do_GET()

    def do_POST(self):
        found = next((answer for ending, answer in IN_ONE_PIECE.items() if self.path.endswith(ending)), None)
        if found is None:
            super().do_POST()
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(WORK_S)
        self.send_json(200, found) if isinstance(found, dict) else self.send_body(200, "audio/wav", found)


if __name__ == "__main__":
    modelserver.Answer.ending = lambda _: {}
    modelserver.Handler = Other
    sys.exit(modelserver.main())
