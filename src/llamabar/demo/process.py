"""A model of the built-in llama-swap, and its server's process while it is loaded."""

import subprocess
import sys
from pathlib import Path
from typing import List, Optional

from llamabar.demo.dialect import DemoModel


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
        model = self.model
        words = [*self.program, "--port", str(self.port), "--load-s", str(model.load_s)]
        words += ["--tps", str(model.tps), "--prompt-tps", str(model.prompt_tps)]
        words += ["--slots", str(model.slots), "--context", str(model.context)]
        return [*words, "--fail"] if model.broken else words
