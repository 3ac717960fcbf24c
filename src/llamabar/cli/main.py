"""The commands."""

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, List, Optional, TypeVar

import click

from llamabar import launch, lean, wiring
from llamabar.config import Settings
from llamabar.errors import LlamabarError

OK, KNOWN_FAULT, WRONG_USAGE, OUR_FAULT, INTERRUPTED = 0, 1, 2, 3, 130
DEMO_SECONDS_UNWATCHED = 15.0

Command = TypeVar("Command", bound=Callable[..., Any])


def run(arguments: List[str]) -> int:
    """Run a command and return its exit code. The one place where a failure becomes words."""
    try:
        result = program.main(arguments, prog_name="llamabar", standalone_mode=False)
        return result if isinstance(result, int) else OK
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        print(file=sys.stderr)
        return INTERRUPTED
    except LlamabarError as error:
        print("\n".join(part for part in (error.message, error.hint) if part), file=sys.stderr)
        return KNOWN_FAULT
    except BrokenPipeError:
        return OK
    except Exception as error:
        if launch.mendable(error):
            raise
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else "?"
        print(f"A fault of ours: {type(error).__name__} at {place}.", file=sys.stderr)
        print("Please report it with this line and what you did.", file=sys.stderr)
        return OUR_FAULT


def _common(command: Command) -> Command:
    """Add the options that every command has."""
    command = click.option("--config", default="", metavar="FILE", help="Read the settings from FILE.")(command)
    return click.option("--server", default="", metavar="NAME", help="Only the server of this name.")(command)


def _version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from llamabar.about import words

        print(words())
        context.exit()


def _settings(server: str, config: str) -> Settings:
    found = wiring.settings(os.environ, option=config, server=server)
    for mistake in found.mistakes:
        print(f"Warning: {mistake}", file=sys.stderr)
    return found


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say what this is."
)
@click.pass_context
def program(context: click.Context) -> Optional[int]:
    """What llama-swap is doing, in the menu bar and here."""
    if context.invoked_subcommand is not None:
        return None
    code = _print_status("", "", as_json=False)
    print(f"\n{context.get_help()}")
    return code


@program.command()
@_common
def stream(server: str, config: str) -> int:
    """The plugin: frames for SwiftBar until told to stop."""
    from llamabar.stream import stream as run_stream

    return run_stream(os.environ, server=server, config=config)


@program.command()
@_common
def frame(server: str, config: str) -> int:
    """One frame, then exit: for xbar, Argos and non-streaming use."""
    scene = _scene(server, config)
    from llamabar.clicks import click_style
    from llamabar.view.compose import compose
    from llamabar.view.swiftbar import render

    sys.stdout.write(render(compose(scene), click_style(os.environ)).decode("utf-8"))
    return OK


@program.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@_common
def status(server: str, config: str, as_json: bool) -> int:
    """One look, in words. Exit code 1 if a server cannot be reached or needs a key."""
    return _print_status(server, config, as_json=as_json)


@program.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@_common
def models(server: str, config: str, as_json: bool) -> int:
    """Every model with state, memory, context and time to unload."""
    scene = _scene(server, config)
    from llamabar.cli import reports

    if as_json:
        print(json.dumps(reports.models_document(scene), indent=2))
    else:
        print("\n".join(reports.model_table(scene)))
    return _code(scene)


@program.command()
@_common
def watch(server: str, config: str) -> int:
    """The menu, live, in a terminal. Keys: q ends, ? helps."""
    from llamabar.cli.watch import LiveView

    return LiveView(_settings(server, config), seconds=None, note="").run()


@program.command()
@click.option("--serve", "port", type=click.IntRange(0, 65535), help="Only serve, on this port (0: any free one).")
@click.option("--seconds", type=click.FloatRange(min=0), help="End by itself after so many seconds.")
@click.option("--dialect", default="v250", help="Speak as this llama-swap: v150, v228, v236 or v250.")
def demo(port: Optional[int], seconds: Optional[float], dialect: str) -> int:
    """The built-in llama-swap with made-up models and load, shown live."""
    from llamabar.cli.demo import run_demo

    return run_demo(port, seconds=seconds, dialect=dialect, unwatched_s=DEMO_SECONDS_UNWATCHED)


@program.command()
@click.argument("model")
@_common
def load(model: str, server: str, config: str) -> int:
    """Load MODEL (an id or alias) and wait until it is there."""
    from llamabar.cli import control

    return control.load(model, _settings(server, config))


@program.command()
@click.argument("model", required=False)
@click.option("--all", "everything", is_flag=True, help="Unload every model.")
@_common
def unload(model: Optional[str], everything: bool, server: str, config: str) -> int:
    """Unload MODEL, or everything with --all. Its requests in flight are lost."""
    from llamabar.cli import control

    return control.unload(_one_or_all(model, everything, "MODEL"), _settings(server, config))


@program.command()
@click.argument("request", required=False)
@click.option("--all", "everything", is_flag=True, help="Cancel every request.")
@_common
def cancel(request: Optional[str], everything: bool, server: str, config: str) -> int:
    """Cancel the request in flight with the id REQUEST (`status --json` lists them), or all of them."""
    from llamabar.cli import control

    return control.cancel_request(_one_or_all(request, everything, "REQUEST"), _settings(server, config))


@program.command()
@click.argument("name", required=False)
@click.option("--none", "nothing", is_flag=True, help="Leave the active profile.")
@_common
def profile(name: Optional[str], nothing: bool, server: str, config: str) -> int:
    """Choose the routing profile NAME, or leave it with --none."""
    from llamabar.cli import control

    return control.choose_profile(_one_or_all(name, nothing, "NAME", "--none") or "", _settings(server, config))


@program.command("config")
@_common
def show_config(server: str, config: str) -> int:
    """The settings in force and where each came from."""
    from llamabar.cli import reports

    found = _settings(server, config)
    print("\n".join(reports.settings_lines(found)))
    return KNOWN_FAULT if found.mistakes else OK


@program.command("click", hidden=True)
@click.argument("token")
@_common
def click_item(token: str, server: str, config: str) -> int:
    """Do what a menu item's click means: SwiftBar before 2.1.0 starts a process for it."""
    from llamabar.cli.control import perform_token

    return perform_token(token, _settings(server, config))


def _one_or_all(one: Optional[str], everything: bool, name: str, option: str = "--all") -> Optional[str]:
    if bool(one) == everything:
        raise click.UsageError(f"Say either {name} or {option}.")
    return one


def _scene(server: str, config: str) -> Any:
    settings = _settings(server, config)
    lean.without_tls(one.url for one in settings.servers)
    from llamabar.look import look
    from llamabar.sources import clock

    return look(settings).monitor.scene(now_s=clock.now_s())


def _print_status(server: str, config: str, *, as_json: bool) -> int:
    scene = _scene(server, config)
    from llamabar.cli import reports

    if as_json:
        print(json.dumps(reports.status_document(scene), indent=2))
    else:
        for shown in scene.servers:
            print(reports.status_line(shown, scene.now_s))
    return _code(scene)


def _code(scene: Any) -> int:
    from llamabar.cli import reports

    return OK if reports.is_well(scene) else KNOWN_FAULT
