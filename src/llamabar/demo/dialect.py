"""What each version of llama-swap supports and how its API reports it (facts on the llama-swap API, sections 3 to 5),
and the demo's models, each with its server's process."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

_MODELS = ("id", "name", "description", "state", "unlisted")
_ROUTES = ("/health", "/wol-health", "/api/version", "/api/performance")


@dataclass(frozen=True)
class Dialect:
    """The features of one version. `inflight`: none, a number, a list, or operations."""

    version: str
    inflight: str
    finished: str  # "metrics" (rows in the stream) or "activity" (an ID, rows to fetch)
    routes: Tuple[str, ...]
    burst: Tuple[str, ...]
    running_fields: Tuple[str, ...] = ("model", "state", "cmd", "proxy", "ttl", "name", "description")
    model_fields: Tuple[str, ...] = (*_MODELS, "peerID", "aliases")
    flat_rows: bool = False
    draft_tokens: bool = True  # since v229
    silent_failures: bool = False  # up to v217 a server that exits while starting changes the state without an event
    running_ready_only: bool = False
    source_in_errors: bool = True
    cancel: bool = False
    unload_one: bool = True


DIALECTS: Dict[str, Dialect] = {
    "v150": Dialect(
        version="150", inflight="none", finished="metrics", routes=("/health", "/api/metrics"),
        running_fields=("model", "state"), model_fields=_MODELS, burst=("modelStatus",), flat_rows=True,
        running_ready_only=True, silent_failures=True, source_in_errors=False, unload_one=False,
    ),
    "v228": Dialect(
        version="228", inflight="count", finished="metrics", routes=(*_ROUTES, "/api/metrics"),
        burst=("modelStatus", "metrics", "inflight"), draft_tokens=False,
    ),
    "v236": Dialect(
        version="236", inflight="list", finished="activity", routes=(*_ROUTES, "/api/metrics/activity"),
        burst=("modelStatus", "inflight"), cancel=True,
    ),
    "v250": Dialect(
        version="250", inflight="operations", finished="activity",
        routes=(*_ROUTES, "/api/metrics/activity", "/api/profiles", "/api/profiles/active"),
        burst=("modelStatus", "uiConfig", "profileChanged", "inflight"), cancel=True,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class DemoModel:
    """A model of the demo: what its config would contain, and how its server behaves."""

    id: str
    name: str = ""
    description: str = ""
    ttl_s: int = 0
    load_s: float = 1.0
    tps: float = 40.0
    prompt_tps: float = 600.0
    slots: int = 2
    context: int = 4096
    unlisted: bool = False
    aliases: Tuple[str, ...] = ()
    broken: bool = False
    stays: bool = False  # in its own group: never swapped out
    memory_bytes: int = 0  # what `demo` shows for it


MODELS: Tuple[DemoModel, ...] = (
    DemoModel("bge-m3", "BGE M3", "Embeddings", load_s=0.6, stays=True, memory_bytes=1_290_000_000),
    DemoModel("broken-7b", "", "Its file is damaged", load_s=0.8, broken=True),
    DemoModel(
        "coder-32b", "", "", ttl_s=600, load_s=2.5, tps=24.0, prompt_tps=350.0, context=32768,
        memory_bytes=19_800_000_000,
    ),
    DemoModel("hidden-judge", unlisted=True, load_s=1.0),
    DemoModel("org/vision-12b:q4", "Vision 12B", ttl_s=300, load_s=2.0, tps=18.0, memory_bytes=8_100_000_000),
    DemoModel(
        "qwen3-30b", "Qwen3 30B", "A chat model", ttl_s=300, load_s=2.0, tps=41.0, aliases=("gpt-4o-mini",),
        memory_bytes=18_600_000_000,
    ),
    DemoModel("tiny-1b", "", "", ttl_s=8, load_s=0.5, tps=180.0, prompt_tps=4000.0, slots=4, memory_bytes=940_000_000),
)


def find(models: Tuple[DemoModel, ...], wanted: str) -> Optional[DemoModel]:
    """Return the model with an ID or alias."""
    return next((model for model in models if wanted == model.id or wanted in model.aliases), None)


class Process:
    """One model and, while it is loaded, its server."""

    def __init__(self, model: DemoModel, port: int) -> None:
        self.model = model
        self.port = port
        self.state = "stopped"
        self.child: Optional[subprocess.Popen[bytes]] = None
        self.in_flight = 0
        self.last_use_s = 0.0
        self.program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("modelserver.py"))]

    @property
    def command(self) -> List[str]:
        """Return the command line of the model's server."""
        model = self.model
        words = [*self.program, "--port", str(self.port), "--load-s", str(model.load_s)]
        words += ["--tps", str(model.tps), "--prompt-tps", str(model.prompt_tps)]
        words += ["--slots", str(model.slots), "--context", str(model.context)]
        return [*words, "--fail"] if model.broken else words
