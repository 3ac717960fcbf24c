"""llama-swap's own log over HTTP, only when somebody asks for it: each such request is a line in that log."""

from typing import Iterator

from llamabar.core.events import FaultKind
from llamabar.sources import clock
from llamabar.sources.client import Client, Unreachable

SILENCE_S = 0.7  # what is kept comes at once; then nothing is the end of it
KEPT_S = 10.0  # of a busy log there is no silence
LINE_BYTES = 65_536


def lines(client: Client, source: str, *, follow: bool) -> Iterator[str]:
    """Yield the lines of the log `proxy` or `upstream`, and with `follow` what comes; raise Unreachable."""
    client.open_stream().close()  # a key leaves only after llama-swap has shown itself
    stream = client.open_text(f"/logs/stream/{source}", silence_s=SILENCE_S)
    if follow:
        stream.wait_for(None)
    rest, ends_s = b"", clock.now_s() + KEPT_S
    try:
        while follow or clock.now_s() < ends_s:
            piece = stream.read()
            if not piece:
                break
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > LINE_BYTES:  # a line without an end is shown in pieces
                whole, rest = [*whole, rest], b""
            yield from (line.decode("utf-8", "replace") for line in whole)
    except Unreachable as error:
        if error.fault.kind is not FaultKind.TIMEOUT:
            raise
    finally:
        stream.close()
    if rest:
        yield rest.decode("utf-8", "replace")
