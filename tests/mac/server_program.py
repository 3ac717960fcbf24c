"""A Mac's llama-swap, as tests use it."""

import json
import os
from ast import literal_eval
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

from tests.mac import user

ROOT = Path(__file__).parent.parent.parent


class LlamaSwap:
    """An executable at a path. `behave` sets what it does, even while it is installed."""

    def __init__(self, mac: Any, path: Path, version: str, behaviour: Dict[str, Any]) -> None:
        self.mac, self.path = mac, path
        self.behave(**behaviour)
        self.replace(version)

    def replace(self, version: str) -> None:
        """Replace it by another version, as a new file, like `brew upgrade`."""
        self.version = version
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        new.write_text(SCRIPT.format(
            python=self.mac.python, paths=[str(ROOT), str(ROOT / "src")], path=str(self.path),
            state=str(self.mac.state), version=version,
        ), "utf-8")  # fmt: skip
        new.chmod(0o755)
        os.replace(new, self.path)
        user.give(self.path)

    def behave(self, **wanted: Any) -> None:
        """Set how it behaves from its next start on; what is not named is as usual.

        crash=1 (its exit code, once it had its port, or crash_s=2 later) · dies=6 (a signal, at any call) ·
        hang=True (at any call) · start_s=1 · stop_s=3 · ignore_sigterm=True · llama_servers=2 · api_key="…".
        """
        known = {"crash", "crash_s", "dies", "hang", "start_s", "stop_s", "ignore_sigterm", "llama_servers", "api_key"}
        assert set(wanted) <= known, wanted
        path = self.mac.state / "llama-swap.json"
        all_of_them = json.loads(path.read_text("utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**all_of_them, str(self.path): wanted}), "utf-8")


def preloads(state: Path) -> List[SimpleNamespace]:
    """Return what was preloaded: config, pid."""
    path = state / "preloads.txt"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [SimpleNamespace(**literal_eval(line)) for line in lines]


SCRIPT = """#!{python} -IS
import sys

sys.path[:0] = {paths!r}
from tests.mac.llama_swap import main

main({path!r}, {state!r}, {version!r})
"""
