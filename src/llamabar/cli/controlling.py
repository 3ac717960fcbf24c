"""Commands that change something: models, requests, profiles, the service, and what a click means."""

from typing import Optional

import click

from llamabar.cli.program import Command, common, program, settings_of
from llamabar.settings.load import Settings


@program.command()
@click.argument("model")
@common
def load(model: str, server: str, config: str) -> int:
    """Load MODEL (an id or alias) and wait until it is there."""
    from llamabar.cli import control

    return control.load(model, settings_of(server, config))


@program.command()
@click.argument("model", required=False)
@click.option("--all", "everything", is_flag=True, help="Unload every model.")
@common
def unload(model: Optional[str], everything: bool, server: str, config: str) -> int:
    """Unload MODEL, or everything with --all. Its requests in flight are lost."""
    from llamabar.cli import control

    return control.unload(_one_or_all(model, everything, "MODEL"), settings_of(server, config))


@program.command()
@click.argument("request", required=False)
@click.option("--all", "everything", is_flag=True, help="Cancel every request.")
@common
def cancel(request: Optional[str], everything: bool, server: str, config: str) -> int:
    """Cancel the request in flight with the id REQUEST (`status --json` lists them), or all of them."""
    from llamabar.cli import control

    return control.cancel_request(_one_or_all(request, everything, "REQUEST"), settings_of(server, config))


@program.command()
@click.argument("name", required=False)
@click.option("--none", "nothing", is_flag=True, help="Leave the active profile.")
@common
def profile(name: Optional[str], nothing: bool, server: str, config: str) -> int:
    """Choose the routing profile NAME, or leave it with --none."""
    from llamabar.cli import control

    return control.choose_profile(_one_or_all(name, nothing, "NAME", "--none") or "", settings_of(server, config))


def _service_command(command: Command) -> Command:
    """Add the options of `start`, `stop` and `restart`. `within` is what a restart that ran out of time asks for."""
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)
    return common(click.option("--within", "limit_s", type=float, default=20.0, hidden=True)(command))


def _control(verb: str, settings: Settings, *, as_json: bool, limit_s: float) -> int:
    from llamabar.app.services import Verb
    from llamabar.cli.service import control

    return control(Verb(verb), settings, as_json=as_json, limit_s=limit_s)


@program.command()
@_service_command
def start(as_json: bool, limit_s: float, server: str, config: str) -> int:
    """Start llama-swap's LaunchAgent and wait until it responds."""
    return _control("start", settings_of(server, config), as_json=as_json, limit_s=limit_s)


@program.command()
@_service_command
def stop(as_json: bool, limit_s: float, server: str, config: str) -> int:
    """Stop llama-swap until you start it or log in again. Interrupts its requests."""
    return _control("stop", settings_of(server, config), as_json=as_json, limit_s=limit_s)


@program.command()
@_service_command
def restart(as_json: bool, limit_s: float, server: str, config: str) -> int:
    """Stop llama-swap and start it again. Interrupts its requests."""
    return _control("restart", settings_of(server, config), as_json=as_json, limit_s=limit_s)


@program.command()
@click.option("-f", "--follow", is_flag=True, help="Follow new output.")
@click.option("--upstream", is_flag=True, help="Show the model servers' log instead, from llama-swap.")
@common
def logs(follow: bool, upstream: bool, server: str, config: str) -> int:
    """Show llama-swap's log, wherever its service writes it."""
    from llamabar.cli.service import show_log

    return show_log(settings_of(server, config), follow=follow, upstream=upstream)


@program.command("open")
@click.argument("what", type=click.Choice(["ui", "config", "log", "plist", "folder", "settings"]))
@common
def open_what(what: str, server: str, config: str) -> int:
    """Open the web UI, llama-swap's config, log or LaunchAgent, or llamabar's folder or settings."""
    from llamabar.cli.service import open_what as run_open

    return run_open(what, settings_of(server, config))


@program.command("click", hidden=True)
@click.argument("token")
@common
def click_item(token: str, server: str, config: str) -> int:
    """Do what a menu item's click means: SwiftBar before 2.1.0 starts a process for it."""
    from llamabar.cli.control import perform_token

    return perform_token(token, settings_of(server, config))


def _one_or_all(one: Optional[str], everything: bool, name: str, option: str = "--all") -> Optional[str]:
    if bool(one) == everything:
        raise click.UsageError(f"Say either {name} or {option}.")
    return one
