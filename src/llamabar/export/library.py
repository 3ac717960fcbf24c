"""prometheus-client, without what only its own server and its push gateway use where TLS was left out.

Law: it is imported here and nowhere else. Those parts want `ssl`, which sources/without_tls.py keeps out of the
process: of a pinned version, and held by a test. Measured: 6 MiB of 34 on 3.11.
"""

import sys
from types import ModuleType
from typing import Dict, Optional

NOT_USED = ("ssl", "urllib.request", "wsgiref.simple_server")


class _Blank(ModuleType):
    """A module of which whatever is asked is an empty class."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def _leave_out() -> Dict[str, Optional[ModuleType]]:
    """Put blanks in the place of what is not used; return what stood there."""
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
