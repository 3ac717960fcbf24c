"""Save memory in a process that runs for months: don't load TLS if no server needs it.

Law: before urllib3 is imported, or not at all. urllib3 and http.client both work without `ssl`; without `_hashlib`
Python uses its own hashes. Measured: 4.7 MiB of 26.6 on 3.11. The versions are pinned, and a test checks this.
"""

import sys
from types import ModuleType
from typing import Iterable

LEFT_OUT = ("ssl", "_ssl", "_hashlib")


def without_tls(urls: Iterable[str]) -> bool:
    """Keep TLS and HTTP/2 out of this process if every URL is plain HTTP; return whether it was done."""
    if not all(url.startswith("http://") for url in urls) or any(
        name in sys.modules for name in (*LEFT_OUT, "urllib3")
    ):
        return False
    for name in LEFT_OUT:
        sys.modules[name] = None  # type: ignore[assignment]
    sys.modules["urllib3.http2"] = _http2()
    sys.modules["urllib3.http2.probe"] = sys.modules["urllib3.http2"].probe
    return True


def _http2() -> ModuleType:
    """Return the parts of urllib3's HTTP/2 package that it uses even without HTTP/2."""
    package, probe = ModuleType("urllib3.http2"), ModuleType("urllib3.http2.probe")
    vars(probe).update(acquire_and_get=lambda **_: False, set_and_release=lambda **_: None)
    vars(package).update(probe=probe)
    return package
