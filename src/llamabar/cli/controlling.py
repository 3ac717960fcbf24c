"""Commands that change something: models, requests, profiles, the service, and what a click means."""

from typing import Optional

import click

from llamabar.cli.program import as_json_option, common, of_kind, program, settings_of


@program.command()
@click.argument("model", shell_complete=of_kind("models"))
@common
def load(model: str, server: str, config: str) -> int:
    """Load MODEL and wait until it's ready.

    MODEL is an id, an alias, a display name, or the beginning of one.
    """
    from llamabar.cli import control

    return control.load(model, settings_of(server, config))


@program.command()
@click.argument("model", required=False, shell_complete=of_kind("models"))
@click.option("--all", "everything", is_flag=True, help="Unload all models.")
@common
def unload(model: Optional[str], everything: bool, server: str, config: str) -> int:
    """Unload MODEL, or all of them. Interrupts their requests."""
    from llamabar.cli import control

    return control.unload(_one_or_all(model, everything, "a model"), settings_of(server, config))


@program.command()
@click.argument("request", required=False, shell_complete=of_kind("requests"))
@click.option("--all", "everything", is_flag=True, help="Cancel all requests.")
@common
def cancel(request: Optional[str], everything: bool, server: str, config: str) -> int:
    """Cancel REQUEST, or all of them. `llamabar requests` lists their ids."""
    from llamabar.cli import control

    return control.cancel_request(_one_or_all(request, everything, "a request"), settings_of(server, config))


@program.command()
@click.argument("name", required=False, shell_complete=of_kind("profiles"))
@click.option("--none", "nothing", is_flag=True, help="Use no profile.")
@common
def profile(name: Optional[str], nothing: bool, server: str, config: str) -> int:
    """Choose the routing profile NAME, or none."""
    from llamabar.cli import control

    return control.choose_profile(_one_or_all(name, nothing, "a profile", "--none") or "", settings_of(server, config))


def _service_command(name: str, help_text: str) -> None:
    """Add `start`, `stop` or `restart`. `within` is what a restart that ran out of time asks for."""

    @program.command(name, help=help_text)
    @as_json_option
    @click.option("--within", "limit_s", type=float, default=20.0, hidden=True)
    @common
    def _run(as_json: bool, limit_s: float, server: str, config: str) -> int:
        from llamabar.app.services import Verb
        from llamabar.cli.service import control

        return control(Verb(name), settings_of(server, config), as_json=as_json, limit_s=limit_s)


_service_command("start", "Start llama-swap's LaunchAgent and wait until it responds.")
_service_command("stop", "Stop llama-swap until you start it or log in again. Interrupts its requests.")
_service_command("restart", "Stop llama-swap and start it again. Interrupts its requests.")


@program.command()
@click.option("-f", "--follow", is_flag=True, help="Follow new output.")
@click.option("--upstream", is_flag=True, help="Show the model servers' output instead.")
@common
def logs(follow: bool, upstream: bool, server: str, config: str) -> int:
    """Show llama-swap's log."""
    from llamabar.cli.service import show_log

    return show_log(settings_of(server, config), follow=follow, upstream=upstream)


@program.command("open")
@click.argument("what", type=click.Choice(["ui", "config", "log", "plist", "folder", "settings"]))
@common
def open_what(what: str, server: str, config: str) -> int:
    """Open the web UI, or a file or folder of llama-swap or llamabar."""
    from llamabar.cli.service import open_what as run_open

    return run_open(what, settings_of(server, config))


@program.command("click", hidden=True)
@click.argument("token")
@common
def click_item(token: str, server: str, config: str) -> int:
    """Do what a click on a menu item means: SwiftBar before 2.1.0 starts a process for it."""
    from llamabar.cli.control import perform_token

    return perform_token(token, settings_of(server, config))


@program.command()
@click.argument("shell", type=click.Choice(["zsh", "bash", "fish"]))
def completions(shell: str) -> int:
    """Print the script that completes commands, options, models and request ids.

    \b
    zsh:   eval "$(llamabar completions zsh)"     in ~/.zshrc
    bash:  eval "$(llamabar completions bash)"    in ~/.bashrc
    fish:  llamabar completions fish | source     in ~/.config/fish/config.fish
    """
    from llamabar.cli.completions import script
    from llamabar.cli.output import say_whole

    say_whole(script(shell, program))
    return 0


def _one_or_all(one: Optional[str], everything: bool, what: str, option: str = "--all") -> Optional[str]:
    if bool(one) == everything:
        raise click.UsageError(f"Specify {what} or {option}.")
    return one
