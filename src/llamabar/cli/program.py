"""The group of commands, and what all commands share."""

import os
import sys
from difflib import get_close_matches
from typing import Callable, List, Optional, Tuple

import click

from llamabar.cli.output import say
from llamabar.errors import Code, LlamabarError
from llamabar.macos.paths import command_name
from llamabar.settings import discover
from llamabar.settings.load import Settings
from llamabar.settings.mistakes import shown, words

OK, KNOWN_FAULT, WRONG_USAGE, OUR_FAULT, INTERRUPTED = 0, 1, 2, 3, 130

GROUPS = (
    ("Look", ("status", "watch", "models", "requests", "history", "logs", "export")),
    ("Models", ("load", "unload", "cancel", "profile")),
    ("Service", ("start", "stop", "restart", "open")),
    ("Setup", ("install", "uninstall", "doctor", "config")),
)
COMPLETION_VARIABLE = "_LLAMABAR_COMPLETE"


def to_run(why: str, command: str) -> str:
    """Return a hint to run a command of this program: "To find out why: llamabar doctor"."""
    return f"{why}: {command_name()} {command}"


def diagnose() -> str:
    """Return the hint to run doctor."""
    return to_run("To find out why", "doctor")


def of_kind(kind: str) -> Callable[[click.Context, click.Parameter, str], List[str]]:
    """Return a completion function for models, requests, profiles or servers: those the last command saw."""

    def _complete(_: click.Context, __: click.Parameter, begun: str) -> List[str]:
        from llamabar.store import names

        return [name for name in names.recall(os.environ).get(kind, ()) if name.startswith(begun)]

    return _complete


def pass_on(config: str) -> None:
    """Let every process that this one starts use the settings file that its command named."""
    if config:
        os.environ["LLAMABAR_CONFIG"] = os.path.abspath(os.path.expanduser(config))


def settings_of(server: str, config: str, *, allow_unusable: bool = False) -> Settings:
    """Return the effective settings and print their mistakes as warnings.

    Raises LlamabarError if a server's address can't be used, unless `allow_unusable`.
    """
    found = discover.settings(os.environ, option=config, server=server)
    pass_on(config)
    for mistake in found.mistakes:
        lines = shown(mistake) if sys.stderr.isatty() else [words(mistake)]
        say(f"Warning: {lines[0]}", *lines[1:], error=True)
    if not allow_unusable and any(one.address_unusable for one in found.servers):
        hint = "Fix the address above, then try again."
        raise LlamabarError("The server's address can't be used.", hint, code=Code.SETTINGS)
    return found


def _version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from llamabar import version

        say(version.words())
        context.exit()


class Grouped(click.Group):
    """A group whose help lists its commands by topic. Commands without a topic come last.

    A mistyped command gets a suggestion.
    """

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands that aren't hidden."""
        shown = [name for name in self.list_commands(ctx) if not self.commands[name].hidden]
        grouped = {name for _, names in GROUPS for name in names}
        for title, names in (*GROUPS, ("More", tuple(name for name in shown if name not in grouped))):
            lines = [(name, self.commands[name].get_short_help_str(100)) for name in names if name in shown]
            with formatter.section(title):
                formatter.write_dl(lines)

    def resolve_command(
        self, ctx: click.Context, args: List[str]
    ) -> Tuple[Optional[str], Optional[click.Command], List[str]]:
        """Return a command by the first argument; suggest one if there is none with that name."""
        name, visible = args[0], [name for name, one in self.commands.items() if not one.hidden]
        close = get_close_matches(name, visible, n=1) if name not in self.commands else ()
        if close and not ctx.resilient_parsing:
            ctx.fail(f"No such command {name!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Grouped, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]},
    help="Watch and control llama-swap from the menu bar or the terminal.",
)  # fmt: skip
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
@click.pass_context
def program(context: click.Context) -> Optional[int]:
    """Run the command, or show the status and the help if there is none."""
    if context.invoked_subcommand is not None:
        return None
    code: Optional[int] = context.invoke(program.commands["status"], server="", config="", as_json=False)
    say("", *context.get_help().split("\n"))
    return code


@program.command(name="help", help="Show the help of COMMAND, or of llamabar.")
@click.argument("command", required=False)
@click.pass_context
def show_help(context: click.Context, command: Optional[str]) -> int:
    """Show the help of COMMAND, or of llamabar."""
    parent = context.parent or context
    if command:
        _, found, _ = program.resolve_command(parent, [command])
        parent = click.Context(found or program, info_name=command, parent=parent)
    say(*parent.get_help().split("\n"))
    return OK
