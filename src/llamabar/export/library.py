"""Import prometheus-client; if TLS is left out, without the modules that only its own server and push gateway use.

Law: it is imported only here. Those modules need `ssl`, which sources/without_tls.py keeps out of the process. The
version is pinned, and a test checks this. Measured: 6 MiB of 34 on 3.11.
"""

import sys
from types import ModuleType
from typing import Dict, Optional

NOT_USED = ("ssl", "urllib.request", "wsgiref.simple_server")


class _Blank(ModuleType):
    """A module whose every attribute is an empty class."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def _leave_out() -> Dict[str, Optional[ModuleType]]:
    """Replace the unused modules with blanks; return the originals."""
    if "ssl" not in sys.modules or sys.modules["ssl"] is not None:
        return {}
    before = {name: sys.modules[name] for name in NOT_USED if name in sys.modules}
    sys.modules.update({name: _Blank(name) for name in NOT_USED})
    return before


def _put_back(before: Dict[str, Optional[ModuleType]]) -> None:
    for name in NOT_USED if before else ():
        del sys.modules[name]
    sys.modules.update(before)  # type: ignore[arg-type]


_before = _leave_out()
try:
    from prometheus_client.exposition import choose_encoder as choose_encoder
    from prometheus_client.metrics_core import Metric as Metric
    from prometheus_client.utils import floatToGoString
finally:
    _put_back(_before)


def number(value: float) -> str:
    """Return a number as Prometheus writes it."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]
