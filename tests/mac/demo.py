"""The demo's server inside this Mac's llama-swap."""

import subprocess
from types import SimpleNamespace
from typing import Any

import llamabar.demo.world as world
from llamabar.demo.dialect import DIALECTS
from llamabar.demo.server import DemoServer
from tests.fakes.keyed import demo_server
from tests.fakes.programs import MODELS


class OwnGroup(subprocess.Popen):
    """A model server in its own session, so the end of llama-swap's process group doesn't reach it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more, start_new_session=True)


def serve(version: int, port: int, api_key: str) -> DemoServer:
    """Return a started server in the dialect of a version."""
    if version >= 221:
        world.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": OwnGroup})  # type: ignore[assignment]
    known = [name for name in DIALECTS if int(name[1:]) <= version]
    return demo_server(world.World(known[-1] if known else "v150", MODELS), port, api_key).start()
