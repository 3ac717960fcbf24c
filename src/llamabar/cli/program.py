"""The program's group of commands, and what all of them share."""

import json
import os
import sys
from typing import Any, Callable, Optional, TypeVar

import click

from llamabar.errors import LlamabarError
from llamabar.settings import discover
from llamabar.settings.load import Settings
from llamabar.settings.mistakes import shown, words
from llamabar.sources import without_tls

OK, KNOWN_FAULT, WRONG_USAGE, OUR_FAULT, INTERRUPTED = 0, 1, 2, 3, 130

Command = TypeVar("Command", bound=Callable[..., Any])


def common(command: Command) -> Command:
    """Add the options that every command has."""
    command = click.option("--config", default="", metavar="FILE", help="Read the settings from FILE.")(command)
    return click.option("--server", default="", metavar="NAME", help="Only the server of this name.")(command)


def settings_of(server: str, config: str, *, allow_unusable: bool = False) -> Settings:
    """Return the settings in force; their mistakes are printed as warnings.

    Raises LlamabarError where a server's address can't be used, unless `allow_unusable`.
    """
    found = discover.settings(os.environ, option=config, server=server)
    for mistake in found.mistakes:
        print(f"Warning: {shown(mistake) if sys.stderr.isatty() else words(mistake)}", file=sys.stderr)
    if not allow_unusable and any(one.address_unusable for one in found.servers):
        raise LlamabarError("The server's address can't be used.", "Fix the address above, then try again.")
    return found


def _version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from llamabar.version import words

        print(words())
        context.exit()


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say what this is."
)
@click.pass_context
def program(context: click.Context) -> Optional[int]:
    """What llama-swap is doing, in the menu bar and here."""
    if context.invoked_subcommand is not None:
        return None
    code = print_status("", "", as_json=False)
    print(f"\n{context.get_help()}")
    return code


def scene_of(server: str, config: str, *, for_menu: bool = False, totals: bool = True) -> Any:
    """Return what one look at the servers has shown; `for_menu`: their services and the kept totals, too."""
    settings = settings_of(server, config, allow_unusable=for_menu)  # a menu says what is wrong with the settings
    without_tls.without_tls(one.url for one in settings.servers)
    from llamabar.app.one_look import look
    from llamabar.core.queries import Kind
    from llamabar.sources import clock

    unwanted = () if for_menu else (Kind.PROFILES,) if totals else (Kind.PROFILES, Kind.FINISHED)
    watch = look(
        settings, services=for_menu, behind=os.environ if for_menu else None, unwanted=frozenset(unwanted)
    )
    return watch.monitor.scene(now_s=clock.now_s())


def print_status(server: str, config: str, *, as_json: bool) -> int:
    """Print one look, a line a server or as JSON; return the exit code."""
    scene = scene_of(server, config, totals=as_json)
    from llamabar.cli import reports

    if as_json:
        print(json.dumps(reports.status_document(scene), indent=2))
    else:
        for shown in scene.servers:
            print(reports.status_line(shown, scene.now_s))
    return code_of(scene)


def code_of(scene: Any) -> int:
    """Return the exit code of a look."""
    from llamabar.cli import reports

    return OK if reports.is_well(scene) else KNOWN_FAULT
