"""Commands that query once: `status`, `models`, `requests`, `frame`, `config`; and starting `stream` and `export`."""

import os
from typing import Any

import click

from llamabar.cli.output import say, say_json, say_whole
from llamabar.cli.program import KNOWN_FAULT, OK, pass_on, settings_of
from llamabar.core.queries import Kind
from llamabar.settings import discover
from llamabar.settings.load import Settings
from llamabar.settings.mistakes import shown
from llamabar.settings.page import config_lines
from llamabar.sources import without_tls

NO_SEPARATOR = ("XBARDarkMode", "BitBarDarkMode", "ARGOS_VERSION")  # set by programs that don't know SwiftBar's frames


def stream(server: str, config: str) -> int:
    """Run the SwiftBar plugin: print frames until told to stop."""
    from llamabar.plugin.main import stream as run_stream

    pass_on(config)
    return run_stream(os.environ, server=server, config=config)


def frame(server: str, config: str) -> int:
    """Print one frame."""
    settings = settings_of(server, config, allow_unusable=True)  # the menu shows what is wrong with the settings
    speak_language_of(settings)
    scene = scene_of(settings, services=True, behind=os.environ)
    from llamabar.plugin.click_style import click_style
    from llamabar.view.compose import compose
    from llamabar.view.swiftbar import END, render

    text = render(compose(scene), click_style(os.environ, ends=True)).decode("utf-8")
    without_end = any(variable in os.environ for variable in NO_SEPARATOR)  # these would show it as one more item
    say_whole(text[: -len(END) - 1] if without_end else text)
    return OK


def export(listen: str, once: bool, server: str, config: str) -> int:
    """Serve the metrics to Prometheus, or print them once."""
    if once and listen:
        raise click.UsageError("Use --once or --listen, not both.")
    settings = settings_of(server, config)
    without_tls.without_tls(one.url for one in settings.servers)
    from llamabar.cli import export as exporting

    return exporting.once(settings) if once else exporting.serve(settings, listen)


def show_config(check: bool, server: str, config: str) -> int:
    """Print the effective settings, or with `check` only their mistakes."""
    if check:
        found = discover.settings(os.environ, option=config, server=server)
        none = f"✓ No mistakes in {found.file}"
        if not found.file:
            none = "No settings file, and no mistakes in the environment."
        say(*(line for one in found.mistakes for line in shown(one)), *([] if found.mistakes else [none]))
    else:
        found = settings_of(server, config, allow_unusable=True)
        say(*config_lines(found))
    return KNOWN_FAULT if found.mistakes else OK


def report(what: str, server: str, config: str, *, as_json: bool) -> int:
    """Query the servers once and print them, their models or their requests; return the exit code."""
    unwanted = {Kind.PROFILES} if as_json or what == "models" else {Kind.PROFILES, Kind.FINISHED}
    kept = os.environ if what == "models" else None  # only `models` shows what models needed when they were loaded
    scene = scene_of(settings_of(server, config), behind=kept, unwanted=frozenset(unwanted))
    from llamabar.cli import reports
    from llamabar.store import names

    names.note(os.environ, {one.name: one.snapshot for one in scene.servers})
    document, lines = reports.REPORTS[what]
    if as_json:
        say_json(document(scene))
    else:
        say(*lines(scene))
        if what != "status":
            say(*reports.status_lines(scene, only_silent=True), error=True)
    return OK if reports.is_well(scene) else KNOWN_FAULT


def scene_of(settings: Settings, **how: Any) -> Any:
    """Query the servers once and return their scene. `how` are the arguments of `look`."""
    without_tls.without_tls(one.url for one in settings.servers)
    from llamabar.app.one_look import look
    from llamabar.sources import clock

    return look(settings, **how).monitor.scene(now_s=clock.now_s())


def speak_language_of(settings: Settings) -> None:
    """Switch to the user's language. Only the menu and the dashboard use it; commands speak English."""
    from llamabar.settings.language import language
    from llamabar.view.languages import speak

    speak(language(settings, os.environ))
