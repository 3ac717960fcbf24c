"""llama-swap's text in a streamed answer while its model loads (`sendLoadingState`)."""

import contextlib
import json
import threading

from llamabar.demo.forward import EVENT_STREAM
from llamabar.demo.server import Handler


class TellsOfLoading(Handler):
    """A llama-swap whose models all have sendLoadingState."""

    begun = False  # the answer has its headers already

    def _acquire(self, wanted, entry):
        self.begun = False
        streams = json.loads(self.sent_body or b"{}").get("stream")
        if not streams or self.world.processes[wanted].state == "ready":
            return super()._acquire(wanted, entry)
        self.begun = True
        super().begin_chunks(EVENT_STREAM)
        self.server.inflight.headers(entry, {"Content-Type": EVENT_STREAM})
        ready = threading.Event()
        writing = threading.Thread(target=self._write, args=(entry, ready), daemon=True)
        writing.start()
        try:
            return super()._acquire(wanted, entry)
        finally:
            ready.set()
            writing.join()

    def begin_chunks(self, kind, status=200):
        if not self.begun:
            super().begin_chunks(kind, status)

    def _write(self, entry, ready):
        def say(text):
            chunk = {"choices": [{"delta": {"reasoning_content": text}}]}
            piece = b"data: " + json.dumps(chunk).encode() + b"\n\n"
            self.send_chunk(piece)
            self.server.inflight.wrote(entry, len(piece))

        with contextlib.suppress(OSError):
            say(f"llama-swap loading model: {entry.body['model']}\n")
            while not ready.wait(0.3):
                say(".")
            say("\nDone!\n")
