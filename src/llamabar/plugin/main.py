"""The plugin: frames for SwiftBar until told to stop.

The first frame is written before anything heavy is imported: it needs only this module.
"""

import os
import sys
import time

from llamabar.damage import is_repairable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

    from llamabar.app.loop import Watch
    from llamabar.view.menu import Menu
    from llamabar.view.swiftbar import Renderer

FIRST_FRAME = (
    b"|sfimage=circle.dashed font=Menlo size=12 trim=false\n---\n"
    b"llama-swap: connecting\xe2\x80\xa6|sfimage=circle.dashed\n~~~\n"
)
FAULT_FRAME = (
    b"|sfimage=exclamationmark.triangle\n---\nllamabar ran into a problem starting up: %s\n"
    b"Trying again every 10 s. In Terminal: llamabar status\n~~~\n"
)
FAULT_PAUSE_S = 10.0
END_S, LAST_FRAME_S, LATEST_S = 0.4, 0.1, 0.45


def stream(environment: "Mapping[str, str]", *, server: str = "", config: str = "") -> int:
    """Print frames until a signal comes or the reader is gone; return the exit code."""
    try:
        os.write(sys.stdout.fileno(), FIRST_FRAME)
    except (OSError, AttributeError):  # the reader is gone, or stdout was closed before the start
        return 0
    while True:
        try:
            return _run(environment, server, config)
        except Exception as error:  # SwiftBar doesn't restart a plugin that exits: show the error, and try again
            if is_repairable(error):
                raise
            os.write(sys.stdout.fileno(), FAULT_FRAME % type(error).__name__.encode())
            time.sleep(FAULT_PAUSE_S)


def _run(environment: "Mapping[str, str]", server: str, config: str) -> int:
    """Repair a missing streaming attribute and exit, or watch."""
    from llamabar.plugin.repair_attribute import repair

    repaired = repair(environment)
    if repaired is None:
        return _watch(environment, server, config)
    os.write(sys.stdout.fileno(), repaired.encode("utf-8"))
    return 0


def _watch(environment: "Mapping[str, str]", server: str, config: str) -> int:
    from llamabar.settings import discover, language
    from llamabar.sources import without_tls

    settings = discover.settings(environment, option=config, server=server)
    without_tls.without_tls([*(one.url for one in settings.servers), *filter(None, [settings.update_url])])
    from llamabar.app.frame_writer import FrameWriter
    from llamabar.app.loop import Watch
    from llamabar.app.notifications import Notifier
    from llamabar.doctor.explain import explain
    from llamabar.plugin import update
    from llamabar.plugin.click_style import click_style
    from llamabar.plugin.keep_awake import KeepAwake
    from llamabar.plugin.restart_request import RestartRequest
    from llamabar.sources.clicks import ClickReader
    from llamabar.sources.inbox import Notice
    from llamabar.store.known_servers import KnownServers
    from llamabar.store.plugin_state import Seen, WatcherState
    from llamabar.view.languages import speak
    from llamabar.view.swiftbar import Renderer

    renderer = Renderer(click_style(environment))
    watch: Watch = Watch(
        settings, lambda menu, _: writer.show(_frame(renderer, menu, watch)), known=KnownServers(environment)
    )
    writer = FrameWriter(sys.stdout.fileno(), gone=lambda: watch.stop("nobody reads"))
    watch.explain, watch.notifier = explain, Notifier(settings.notify)
    watch.stop_on_signals(within_s=LATEST_S)
    writer.start()
    ClickReader(sys.stdin.fileno() if sys.stdin else 0, watch.inbox).start()
    watch.start()
    speak(language.language(settings, environment))  # may ask macOS, while the servers connect
    update.start(settings.update_url, environment, tell=lambda said: watch.inbox.put("", Notice(said)))
    parent, monitor, history = os.getppid(), watch.monitor, watch.keep(environment)
    state = WatcherState(environment, lambda: Seen(monitor.snapshots(), writer.frames, writer.written_bytes))
    limit_bytes = settings["limits.printed_mb"] * 1e6
    restart_request = RestartRequest(writer, environment, limit_bytes=limit_bytes, is_busy=monitor.is_busy)
    awake = KeepAwake(monitor, wanted=settings["power.keep_awake"])
    notes = (state.note, history.note, restart_request.note, awake.note)
    watch.loop(until=lambda _: any(note() for note in notes) or os.getppid() != parent)
    ends_s = time.monotonic() + END_S
    for kept in (awake, history, state):
        kept.end()
    history.finish(ends_s - time.monotonic() - LAST_FRAME_S)
    writer.flush(max(0.0, ends_s - time.monotonic()))
    return 0


def _frame(renderer: "Renderer", menu: "Menu", watch: "Watch") -> bytes:
    """Return a menu's frame, and record its size, which determines the pace of the next one."""
    frame = renderer.render(menu)
    watch.monitor.note_size(len(frame))
    return frame
