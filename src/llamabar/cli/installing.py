"""The commands `install`, `uninstall` and `doctor`."""

from typing import Optional

import click

from llamabar.cli.program import Command, common, program


def _installing(command: Command) -> Command:
    """Add the options of `install` and `uninstall`."""
    command = common(command)
    for option, words in (
        ("--no-command", "Don't link the llamabar command."),
        ("--no-plugin", "Don't install the SwiftBar plugin."),
        ("--no-service", "Don't touch the LaunchAgent."),
        ("--json", "Print the plan as JSON; nothing is done without --yes."),
        ("--yes", "Skip the question."),
        ("--dry-run", "Show the plan and change nothing."),
    ):
        names = ["--json", "as_json"] if option == "--json" else [option]
        command = click.option(*names, is_flag=True, help=words)(command)
    return command


@program.command()
@_installing
@click.option("--port", type=click.IntRange(1, 65535), help="Port for llama-swap (default: 8080 if it is free).")
@click.option("--force", is_flag=True, help="Replace a LaunchAgent that was edited by hand; a copy is kept.")
@click.option("--export", is_flag=True, help="Keep `llamabar export` running too, as a LaunchAgent of its own.")
@click.option("--take-over", is_flag=True, help="Replace the older plugin: its service and menu are switched off.")
def install(
    dry_run: bool, yes: bool, as_json: bool, no_service: bool, no_plugin: bool, no_command: bool,
    port: Optional[int], force: bool, take_over: bool, export: bool, server: str, config: str,
) -> int:  # fmt: skip
    """Set up the service and the menu bar plugin."""
    from llamabar.cli import install as installing
    from llamabar.cli.install import Asked
    from llamabar_installer.steps import Options

    options = Options(not no_service, not no_plugin, not no_command, take_over, force, port=port, export=export)
    return installing.install(options, Asked(dry_run, yes, as_json, server, config))


@program.command()
@_installing
@click.option("--purge", is_flag=True, help="Remove the settings and the history too.")
def uninstall(
    dry_run: bool, yes: bool, as_json: bool, no_service: bool, no_plugin: bool, no_command: bool, purge: bool,
    server: str, config: str,
) -> int:  # fmt: skip
    """Remove everything install added. llama-swap's config and log stay."""
    from llamabar.cli import install as installing
    from llamabar.cli.install import Asked
    from llamabar_installer.steps import Options

    options = Options(not no_service, not no_plugin, not no_command, purge=purge)
    return installing.uninstall(options, Asked(dry_run, yes, as_json, server, config))


@program.command()
@click.option("--selftest", is_flag=True, help="Try what only a Mac can tell, in 20 s; read-only, to paste back.")
@click.option("--report", is_flag=True, help="Print one text to paste into an issue; nothing private is in it.")
@click.option("--yes", is_flag=True, help="Do not ask before a fix.")
@click.option("--fix", default="", metavar="ID", help="Mend the finding ID, if that is safe and can be taken back.")
@click.option("--all", "everything", is_flag=True, help="Show every check.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@common
def doctor(
    as_json: bool, everything: bool, fix: str, yes: bool, report: bool, selftest: bool, server: str, config: str
) -> int:
    """Every check: what is wrong, and what to do about it. Exit code 1 if anything is an error."""
    from llamabar.cli.doctor import Asked
    from llamabar.cli.doctor import doctor as run_doctor

    return run_doctor(Asked(as_json, everything, fix, yes, report, selftest, server, config))
