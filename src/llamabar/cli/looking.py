"""Commands that look: frames, status, models, requests, the live view, the demo, the settings."""

import os
from typing import Optional

import click

from llamabar.cli.output import say, say_whole
from llamabar.cli.program import KNOWN_FAULT, OK, as_json_option, common, program, report, scene_of, settings_of
from llamabar.sources import without_tls

DEMO_SECONDS_UNWATCHED = 15.0
NO_SEPARATOR = ("XBARDarkMode", "BitBarDarkMode", "ARGOS_VERSION")  # set by programs that know no SwiftBar frames


@program.command()
@common
def stream(server: str, config: str) -> int:
    """Run the SwiftBar plugin: print frames until told to stop."""
    from llamabar.plugin.main import stream as run_stream

    return run_stream(os.environ, server=server, config=config)


@program.command()
@common
def frame(server: str, config: str) -> int:
    """Print one frame: for xbar, Argos and non-streaming use."""
    scene = scene_of(server, config, for_menu=True)
    from llamabar.plugin.click_style import click_style
    from llamabar.view.compose import compose
    from llamabar.view.swiftbar import END, render

    shown = render(compose(scene), click_style(os.environ, ends=True)).decode("utf-8")
    if any(variable in os.environ for variable in NO_SEPARATOR):
        shown = shown[: -len(END) - 1]  # to these it would be one more item
    say_whole(shown)
    return OK


@program.command()
@as_json_option
@common
def status(server: str, config: str, as_json: bool) -> int:
    """Show server, model and request status. Exit code 1 if a server isn't reachable or needs a key."""
    return report("status", server, config, as_json=as_json)


@program.command()
@as_json_option
@common
def models(server: str, config: str, as_json: bool) -> int:
    """List every model with its state, speed, memory and context."""
    return report("models", server, config, as_json=as_json)


@program.command()
@as_json_option
@common
def requests(server: str, config: str, as_json: bool) -> int:
    """List the requests in flight."""
    return report("requests", server, config, as_json=as_json)


@program.command()
@common
def watch(server: str, config: str) -> int:
    """Show a live dashboard. Keys: ? help, q quit."""
    from llamabar.cli.watch import LiveView, speak

    settings = settings_of(server, config)
    speak(settings)
    return LiveView(settings, seconds=None, keeps=os.environ, config=config).run()


@program.command()
@click.option("--serve", "port", type=click.IntRange(0, 65535), help="Only serve, on this port (0: any free port).")
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop after this many seconds.")
@click.option("--dialect", default="v250", help="llama-swap version to imitate: v150, v228, v236 or v250.")
def demo(port: Optional[int], seconds: Optional[float], dialect: str) -> int:
    """Run the built-in llama-swap with made-up models and load, shown live."""
    from llamabar.cli.demo import run_demo

    return run_demo(port, seconds=seconds, dialect=dialect, unwatched_s=DEMO_SECONDS_UNWATCHED)


@program.command()
@click.argument("file", metavar="FILE.html")
@click.option("--demo", is_flag=True, help="Draw the built-in llama-swap in every state.")
@click.option("--dialect", help="With --demo: llama-swap version to imitate: v150, v228, v236 or v250.")
@common
def preview(file: str, demo: bool, dialect: Optional[str], server: str, config: str) -> int:
    """Save the menu as a web page, light and dark: as it is now, or of the demo."""
    from llamabar.cli import preview as pages

    if dialect and not demo:
        raise click.UsageError("--dialect needs --demo.")
    path = pages.target(file)
    pages.write(path, pages.of_demo(dialect or "v250") if demo else pages.of_settings(settings_of(server, config)))
    return OK


@program.command()
@click.option("--since", metavar="DAY", default="", help="From this day on: 2026-11-01, 7d (seven days) or today.")
@click.option("--by", type=click.Choice(["day", "model", "hour"]), default="day", help="A line for each of these.")
@click.option("--model", metavar="MODEL", default="", help="Of this model only.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--html", "file", metavar="FILE", default="", help="Write one page with charts to FILE.")
@click.option("--all", "everything", is_flag=True, help="More than fits on a screen.")
@click.option("--clear", is_flag=True, help="Delete the history; it asks first.")
@common
def history(
    since: str, by: str, model: str, as_csv: bool, as_json: bool, file: str, everything: bool, clear: bool, server: str,
    config: str,
) -> int:  # fmt: skip
    """What was answered, how fast, by day, model or hour, as the plugin and `watch` have written it down."""
    from llamabar.cli import history as kept
    from llamabar.store.reports import Asked

    first_day = kept.since(since) if since else ""
    if first_day is None:
        raise click.UsageError(f"{since!r} is no day: 2026-11-01, 7d or today.")
    if as_csv + as_json + bool(file) + clear > 1:
        raise click.UsageError("--csv, --json, --html and --clear exclude each other.")
    if file and by != "day":
        raise click.UsageError("--by goes with a table, --csv or --json.")
    if clear:
        return kept.clear(click.confirm)
    kind = "csv" if as_csv else "json" if as_json else ""
    wanted = kept.Wanted(Asked(server, model, first_day), by, kind, file, everything)
    return kept.show(wanted, lambda: settings_of("", config, allow_unusable=True))


@program.command()
@click.option("--listen", metavar="ADDRESS", default="", help="Answer there (default: 127.0.0.1:9469).")
@click.option("--once", is_flag=True, help="Print the metrics once, for a textfile collector.")
@common
def export(listen: str, once: bool, server: str, config: str) -> int:
    """Serve the same figures to Prometheus."""
    if once and listen:
        raise click.UsageError("Use --once or --listen, not both.")
    settings = settings_of(server, config)
    without_tls.without_tls(one.url for one in settings.servers)
    from llamabar.cli import export as exporting

    return exporting.once(settings) if once else exporting.serve(settings, listen)


@program.command("config")
@click.option("--check", is_flag=True, help="Only name mistakes, with their lines.")
@common
def show_config(check: bool, server: str, config: str) -> int:
    """Show the effective settings and their sources."""
    from llamabar.settings.mistakes import shown
    from llamabar.settings.page import config_lines

    if not check:
        found = settings_of(server, config, allow_unusable=True)
        say(*config_lines(found))
        return KNOWN_FAULT if found.mistakes else OK
    from llamabar.settings import discover

    found = discover.settings(os.environ, option=config, server=server)
    none = f"✓ No mistakes in {found.file}" if found.file else "No settings file, and no mistakes in the environment."
    say(*(map(shown, found.mistakes) if found.mistakes else [none]))
    return KNOWN_FAULT if found.mistakes else OK
