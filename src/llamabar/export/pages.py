"""The response for each path: the metrics, the exporter's health, and a page that explains it."""

from html import escape
from typing import Mapping, Optional

from llamabar import __version__
from llamabar.core.address import is_local
from llamabar.export.accepted import accepted, name_of
from llamabar.export.exporter import Exporter
from llamabar.export.listener import Long, Reply, is_allowed
from llamabar.package_files import text_beside


class Pages:
    """Answers each path."""

    def __init__(self, token: str, *, only_local: bool = False) -> None:
        self.exporter: Optional[Exporter] = None
        self._token = token
        self._only_local = only_local

    def __call__(self, path: str, headers: Mapping[str, str]) -> Reply:
        """Return the response for a path.

        `only_local`: only if the Host header is a loopback name. A web page whose host name was pointed here (DNS
        rebinding) sends its own name.
        """
        if self._only_local and headers.get("host") and not is_local(f"http://{headers['host']}"):
            return Reply(403, b"Use 127.0.0.1 or localhost in the address, or set [export] token_file.\n")
        if path == "/metrics":
            return self._metrics(headers)
        if path in ("/healthz", "/health"):  # the installer checks the exporter the same way as llama-swap
            well = self.exporter is not None and self.exporter.is_well()
            return Reply(200, b"OK\n") if well else Reply(503, b"The exporter's loop is stuck.\n")
        if path == "/":
            key = " (with the bearer token)" if self._token else ""
            page = text_beside(__file__, "index.html").format(version=escape(__version__), key=key)
            return Reply(200, page.encode(), "text/html; charset=utf-8")
        return Reply(404, b"Not found. The metrics are at /metrics.\n")

    def _metrics(self, headers: Mapping[str, str]) -> Reply:
        if not is_allowed(self._token, headers):
            return Reply(401, b"Bearer token required.\n", headers={"WWW-Authenticate": 'Bearer realm="llamabar"'})
        if self.exporter is None:
            return Reply(503, b"Starting.\n")
        packed = "gzip" in map(name_of, accepted(headers.get("accept-encoding", "")))
        page = self.exporter.page(headers.get("accept", ""))
        varies = {"Vary": "Accept, Accept-Encoding"}
        if packed:
            return Reply(200, page.packed, page.content_type, {**varies, "Content-Encoding": "gzip"})
        return Reply(200, b"", page.content_type, varies, Long(page.size_bytes, page.pieces()))
