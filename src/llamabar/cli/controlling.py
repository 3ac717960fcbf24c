"""Commands that change something: models, requests, profiles, the service, and what a click means."""

from typing import Optional

import click

from llamabar.cli.program import common, program, settings_of


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


@program.command()
@common
def start(server: str, config: str) -> int:
    """Start the LaunchAgent that runs llama-swap, and wait until it answers."""
    from llamabar.app import services
    from llamabar.cli.service import control

    return control(services.start, settings_of(server, config))


@program.command()
@common
def stop(server: str, config: str) -> int:
    """Stop it, until it is started or you log in again. Requests in flight are lost."""
    from llamabar.app import services
    from llamabar.cli.service import control

    return control(services.stop, settings_of(server, config))


@program.command()
@common
def restart(server: str, config: str) -> int:
    """Stop it and start it again. Requests in flight are lost."""
    from llamabar.app import services
    from llamabar.cli.service import control

    return control(services.restart, settings_of(server, config))


@program.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written; Ctrl-C ends it.")
@click.option("--upstream", is_flag=True, help="The model servers' log, asked of llama-swap itself.")
@common
def logs(follow: bool, upstream: bool, server: str, config: str) -> int:
    """llama-swap's log: the file of its service, else as llama-swap tells it."""
    from llamabar.cli.service import show_log

    return show_log(settings_of(server, config), follow=follow, upstream=upstream)


@program.command("open")
@click.argument("what", type=click.Choice(["ui", "config", "log", "plist", "folder"]))
@common
def open_what(what: str, server: str, config: str) -> int:
    """Open the web UI, llama-swap's config, its log, its LaunchAgent, or llamabar's data folder."""
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
