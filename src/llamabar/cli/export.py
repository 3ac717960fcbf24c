"""`export`: the metrics for Prometheus, over HTTP or once."""

import errno
import os
import sys

from llamabar.app.one_look import look_with
from llamabar.cli.output import say
from llamabar.cli.program import to_run
from llamabar.core import address
from llamabar.errors import LlamabarError
from llamabar.export.exporter import exporter_of
from llamabar.export.listener import Listener
from llamabar.export.pages import Pages
from llamabar.settings.keys import export_token
from llamabar.settings.load import Settings

END_S = 2.0
HIGHEST_PORT = 65_535


def once(settings: Settings) -> int:
    """Print the metrics once, for a textfile collector; return the exit code."""
    exporter = exporter_of(settings, os.environ)
    history = exporter.keep(os.environ)
    look_with(exporter)
    pieces = exporter.page("").pieces()
    if sys.stdout is None or sys.stdout.isatty():
        say(*b"".join(pieces).decode("utf-8", "replace").rstrip().split("\n"))
    else:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.flush()
    history.end()
    history.finish(END_S)
    return 0


def serve(settings: Settings, listen: str) -> int:
    """Serve metrics until a signal arrives; return the exit code."""
    token = export_token(settings["export.token_file"] or "", settings["export.token_env"], os.environ)
    found = address.of_listener(listen or settings["export.listen"])
    if found is None:
        raise LlamabarError(f"{listen!r} isn't an address to listen on.", "Like this: --listen 127.0.0.1:9469")
    host, port = found
    named = f"[{host}]" if ":" in host else host or "0.0.0.0"
    is_local = host not in address.WILDCARDS and address.is_local(f"http://{named}:{port or 1}")
    pages = Pages(token, only_local=is_local and not token)
    listener = _listener(host, port, named=named, pages=pages)
    exporter = exporter_of(settings, os.environ)
    pages.exporter = exporter
    history = exporter.keep(os.environ)
    exporter.stop_on_signals()
    exporter.start_apart()
    listener.serve()
    say(f"Serving metrics at http://{named}:{listener.port}/metrics", error=True)
    if not token and not is_local:
        say("Anyone who can reach this address can read them: set [export] token_file.", error=True)
    try:
        exporter.loop()
    finally:
        listener.server_close()
        history.end()
        history.finish(END_S)
    return 130 if exporter.stopping == "SIGINT" else 0


def _listener(host: str, port: int, *, named: str, pages: Pages) -> Listener:
    try:
        return Listener(host, port, pages)
    except OSError as error:
        said = f"Can't listen on {named}:{port}: {error.strerror or error}.", "Check --listen."
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < HIGHEST_PORT else port - 1
            said = f"Port {port} is in use.", to_run("Choose another one", f"export --listen {named}:{other}")
        raise LlamabarError(*said) from None
