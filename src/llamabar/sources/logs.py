"""llama-swap's own log over HTTP, only on request: each such query adds a line to that log."""

from typing import Iterator

from llamabar.core.events import FaultKind
from llamabar.sources import clock
from llamabar.sources.client import Client, Unreachable

SILENCE_S = 0.7  # stored lines come at once; silence means that they have ended
KEPT_S = 10.0  # a busy log is never silent
LINE_BYTES = 65_536


def lines(client: Client, source: str, *, follow: bool) -> Iterator[str]:
    """Yield the lines of the log `proxy` or `upstream`, and with `follow` new lines as they come; raise Unreachable."""
    client.open_stream().close()  # the key is sent only after llama-swap has identified itself
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
            if len(rest) > LINE_BYTES:  # show a line without an end in pieces
                whole, rest = [*whole, rest], b""
            yield from (line.decode("utf-8", "replace") for line in whole)
    except Unreachable as error:
        if error.fault.kind is not FaultKind.TIMEOUT:
            raise
    finally:
        stream.close()
    if rest:
        yield rest.decode("utf-8", "replace")
