"""Every command: its function, its help text, its arguments and options.

A command's module is imported when the command runs, so that no command waits for another's imports.
"""

import importlib
from typing import Any

import click

from llamabar.cli.program import of_kind, program


def _argument(name: str, *, of: str = "", **more: Any) -> click.Argument:
    return click.Argument([name], shell_complete=of_kind(of) if of else None, **more)


def _option(*names: str, says: str, **more: Any) -> click.Option:
    return click.Option(names, help=says, **more)


def _flag(*names: str, says: str) -> click.Option:
    return click.Option(names, help=says, is_flag=True)


def _without(part: str, says: str) -> click.Option:
    return click.Option([f"--no-{part}", part], help=says, flag_value=False, default=True)


SERVER = _option(
    "--server", says="Use only the server NAME.", default="", metavar="NAME", shell_complete=of_kind("servers")
)
CONFIG = _option("--config", says="Read the settings from FILE.", default="", metavar="FILE", type=click.Path())
COMMON = (SERVER, CONFIG)
JSON = _flag("--json", "as_json", says="Print one JSON document.")
DIALECTS = click.Choice(["v150", "v228", "v236", "v250"])


def _command(
    name: str, runs: str, says: str, *own: click.Parameter, common: bool = True, hidden: bool = False, **fixed: Any
) -> None:
    """Add a command. `runs` names a module of this package and its function, which also gets the `fixed` arguments."""
    module, function = runs.split(".")

    def _run(**given: Any) -> Any:
        return getattr(importlib.import_module(f"llamabar.cli.{module}"), function)(**given, **fixed)

    params = [*own, *(COMMON if common else ())]
    program.add_command(click.Command(name, callback=_run, params=params, help=says, hidden=hidden))


_command("stream", "looking.stream", "Run the SwiftBar plugin: print frames until told to stop.")
_command("frame", "looking.frame", "Print one frame: for xbar, Argos and non-streaming use.")
_command(
    "status", "looking.report",
    "Show server, model and request status. Exit code 1 if a server isn't reachable or needs a key.", JSON,
    what="status",
)  # fmt: skip
_command(
    "models", "looking.report", "List every model with its state, speed, memory and context.", JSON, what="models"
)  # fmt: skip
_command("requests", "looking.report", "List the requests in flight.", JSON, what="requests")
_command("watch", "watch.watch", "Show a live dashboard. Keys: ? help, q quit.")
_command(
    "demo", "demo.demo", "Try llamabar with a built-in llama-swap and made-up models.",
    _option("--serve", "port", says="Only serve, on this port (0: any free port).", type=click.IntRange(0, 65535),
            metavar="PORT"),
    _option("--seconds", says="Stop after this many seconds.", type=click.FloatRange(min=0), metavar="S"),
    _option("--dialect", says="llama-swap version to imitate.", type=DIALECTS, default="v250"),
    common=False,
)  # fmt: skip
_command(
    "preview", "preview.preview", "Save the menu as a web page, light and dark.",
    _argument("file", metavar="FILE.html"),
    _flag("--demo", says="Draw the menu of the built-in llama-swap in every state."),
)  # fmt: skip
_command(
    "history", "history.history",
    "Show requests, tokens and speeds by day, model, hour or client. The plugin, `watch` and `export` record them.",
    _option("--since", says="From this day: 2026-11-01, 7d (the last 7 days) or today.", metavar="DAY", default=""),
    _option("--by", says="Group by day, model, hour or client (the program that asked).", default="day",
            type=click.Choice(["day", "model", "hour", "client"])),
    _option("--model", says="Only this model: its id, or the beginning of it.", metavar="MODEL", default=""),
    _flag("--csv", "as_csv", says="Print CSV."),
    JSON,
    _option("--html", "file", says="Write a page with charts to FILE.", metavar="FILE", default=""),
    _flag("--all", "everything", says="Show everything, not just what fits on the screen."),
    _flag("--clear", says="Delete the history. Asks first."),
)  # fmt: skip
_command(
    "export", "looking.export", "Serve metrics to Prometheus.",
    _option("--listen", says="Listen on this address (default: 127.0.0.1:9469).", metavar="ADDRESS", default=""),
    _flag("--once", says="Print the metrics once, for a textfile collector."),
)  # fmt: skip
_command(
    "config", "looking.show_config", "Show the effective settings and their sources.",
    _flag("--check", says="Only list mistakes, with their line numbers."),
)  # fmt: skip

_command(
    "load", "control.load", """\
    Load MODEL and wait until it's ready.

    MODEL is an id, an alias, a display name, or the beginning of one.
    """,
    _argument("model", of="models"),
)  # fmt: skip
_command(
    "unload", "control.unload", "Unload MODEL, or all of them. Interrupts their requests.",
    _argument("model", of="models", required=False),
    _flag("--all", "everything", says="Unload all models."),
)  # fmt: skip
_command(
    "cancel", "control.cancel", "Cancel REQUEST, or all of them. `llamabar requests` lists their ids.",
    _argument("request", of="requests", required=False),
    _flag("--all", "everything", says="Cancel all requests."),
)  # fmt: skip
_command(
    "profile", "control.profile", "Choose the routing profile NAME, or none.",
    _argument("name", of="profiles", required=False),
    _flag("--none", "nothing", says="Use no profile."),
)  # fmt: skip
_command(
    "click", "control.click_item",
    "Do what a click on a menu item means: SwiftBar before 2.1.0 starts a process for it.", _argument("token"),
    hidden=True,
)  # fmt: skip

for _verb, _says in (
    ("start", "Start llama-swap's LaunchAgent and wait until it responds."),
    ("stop", "Stop llama-swap until you start it or log in again. Interrupts its requests."),
    ("restart", "Stop llama-swap and start it again. Interrupts its requests."),
):
    _limit = _option("--within", "limit_s", says="", type=float, default=20.0, hidden=True)  # set for a handover
    _command(_verb, "service.control", _says, JSON, _limit, verb=_verb)
_command(
    "logs", "service.logs", "Show llama-swap's log.",
    _flag("-f", "--follow", says="Follow new output."),
    _flag("--upstream", says="Show the model servers' output instead."),
)  # fmt: skip
_command(
    "open", "service.open_what", "Open the web UI, or a file or folder of llama-swap or llamabar.",
    _argument("what", type=click.Choice(["ui", "config", "log", "plist", "folder", "settings"])),
)  # fmt: skip

_INSTALLING = (
    _flag("--dry-run", says="Show the plan and change nothing."),
    _flag("--yes", says="Skip the question."),
    _flag("--json", "as_json", says="Print the plan as JSON; nothing is done without --yes."),
    _without("service", "Don't touch the LaunchAgent."),
    _without("plugin", "Don't install the SwiftBar plugin."),
    _without("command", "Don't link the llamabar command."),
)
_command(
    "install", "install.run", "Set up the service and the menu bar plugin.", *_INSTALLING,
    _option("--port", says="Port for llama-swap (default: 8080 if it is free).", type=click.IntRange(1, 65535),
            metavar="PORT"),
    _flag("--force", says="Replace a LaunchAgent that was edited by hand; a copy is kept."),
    _flag("--export", says="Keep `llamabar export` running too, as a LaunchAgent of its own."),
    _flag("--take-over", says="Replace the older plugin: its service and menu are switched off."),
    remove=False,
)  # fmt: skip
_command(
    "uninstall", "install.run", "Remove everything install added. llama-swap's config and log stay.", *_INSTALLING,
    _flag("--purge", says="Remove the settings and the history too."), remove=True,
)  # fmt: skip
_command(
    "doctor", "doctor.doctor",
    "Check everything, and say how to fix what is wrong. Exit code 1 if anything is an error.",
    _flag("--selftest", says="Run the checks that need a Mac (20 s, read-only), to paste into an issue."),
    _flag("--report", says="Print a report to paste into an issue. It has nothing private in it."),
    _flag("--yes", says="Skip the question before a fix."),
    _option("--fix", says="Fix finding ID, where that is safe and can be undone.", default="", metavar="ID"),
    _flag("--all", "everything", says="Show every check."),
    JSON,
)  # fmt: skip
_command(
    "completions", "completions.completions", """\
    Print the shell completion script.

    It completes commands, options, models and request ids.

    \b
    zsh:   eval "$(llamabar completions zsh)"     in ~/.zshrc
    bash:  eval "$(llamabar completions bash)"    in ~/.bashrc
    fish:  llamabar completions fish | source     in ~/.config/fish/config.fish
    """,
    _argument("shell", type=click.Choice(["zsh", "bash", "fish"])), common=False,
)  # fmt: skip
