"""Run commands in this process, to test their output. Starting and exiting are tested with processes."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from unittest.mock import patch

from llamabar.cli import main
from tests.fakes.programs import ROOT, environment, run

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


def run_here(home, *arguments, **more):
    """Return what `run` returns, without starting the program; if another Python is named, use a process of that one.
    """
    if os.environ.get("LLAMABAR_TEST_PYTHON"):
        return run(home, *arguments, **more)
    out, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with open(os.devnull, encoding="utf-8") as nothing, contextlib.ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, environment(home, **more), clear=True))
        words = [str(ROOT / "src" / "llamabar" / "__main__.py"), *arguments]
        stack.enter_context(patch.multiple(sys, argv=words, stdin=nothing))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(errors))
        try:
            code = main.run(list(arguments))
        except SystemExit as end:  # from click, for shell completion
            code = end.code
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    said = (one.buffer.getvalue().decode("utf-8") for one in (out, errors))
    return subprocess.CompletedProcess(list(arguments), code or 0, *said)
