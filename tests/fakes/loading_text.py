"""What llama-swap writes into a streamed answer while its model loads (`sendLoadingState`)."""

import contextlib
import json
import threading

from llamabar.demo.forward import EVENT_STREAM, start_stream, write_piece
from llamabar.demo.server import Handler


class TellsOfLoading(Handler):
    """A llama-swap whose models all have sendLoadingState."""

    def _acquire(self, wanted, entry):
        self.begun = False
        streams = json.loads(self.sent_body or b"{}").get("stream")
        if not streams or self.world.processes[wanted].state == "ready":
            return super()._acquire(wanted, entry)
        self.begun = True
        start_stream(self, 200)
        self.server.inflight.headers(entry, {"Content-Type": EVENT_STREAM})
        ready = threading.Event()
        writing = threading.Thread(target=self._write, args=(entry, ready), daemon=True)
        writing.start()
        try:
            return super()._acquire(wanted, entry)
        finally:
            ready.set()
            writing.join()

    def _write(self, entry, ready):
        def say(text):
            chunk = {"choices": [{"delta": {"reasoning_content": text}}]}
            write_piece(self, entry, self.server.inflight, b"data: " + json.dumps(chunk).encode() + b"\n\n")

        with contextlib.suppress(OSError):
            say(f"llama-swap loading model: {entry.body['model']}\n")
            while not ready.wait(0.3):
                say(".")
            say("\nDone!\n")
