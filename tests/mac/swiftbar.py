"""SwiftBar on a Mac, as tests use it: the app in ~/Applications, a real process, its menus and clicks."""

import json
import plistlib
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import tests.fakes.swiftbar_host as host
from tests.fakes.programs import flat, wait_for
from tests.mac import user
from tests.mac.call import ask

DOMAIN = "com.ameba.SwiftBar"
ROOT = Path(__file__).parent.parent.parent
ANSWER_S = 10.0
SCRIPT = """#!{python} -IS
import sys

sys.path.insert(0, {root!r})
from tests.mac.swiftbar_app import main

main({state!r})
"""


class SwiftBar:
    """The app. A plugin is identified by its id, which is the file name of a streaming one."""

    def __init__(self, mac: Any, version: str, folder: Any, installed: bool, running: bool, debounce_s: float) -> None:
        self.mac, self.version = mac, version
        self.app = mac.home / "Applications" / "SwiftBar.app"
        about = {"version": version, "bin": str(mac.bin), "macos": mac.options["macos"], "debounce_s": debounce_s}
        (mac.state / "swiftbar.json").write_text(json.dumps(about), "utf-8")
        if folder is not None:
            self.choose_folder(folder)
        if installed:
            self.install()
        if installed and running:
            self.start()

    def install(self) -> None:
        """Install the app and register its URLs."""
        program = self.app / "Contents" / "MacOS" / "SwiftBar"
        program.parent.mkdir(parents=True, exist_ok=True)
        mac = self.mac
        program.write_text(SCRIPT.format(python=mac.python, root=str(ROOT), state=str(mac.state)), "utf-8")
        program.chmod(0o755)
        about = {
            "CFBundleExecutable": "SwiftBar", "CFBundleIdentifier": DOMAIN, "CFBundleName": "SwiftBar",
            "CFBundleShortVersionString": self.version, "CFBundleVersion": "600", "CFBundlePackageType": "APPL",
            "CFBundleURLTypes": [{"CFBundleURLName": DOMAIN, "CFBundleURLSchemes": ["swiftbar"]}],
        }  # fmt: skip
        (self.app / "Contents" / "Info.plist").write_bytes(plistlib.dumps(about))
        apps = {"SwiftBar": {"path": str(self.app), "scheme": "swiftbar"}}
        (mac.state / "apps.json").write_text(json.dumps(apps), "utf-8")
        user.give(mac.home / "Applications")

    def uninstall(self) -> None:
        """Delete the app; its settings stay."""
        self.quit()
        shutil.rmtree(self.app)

    def choose_folder(self, folder: Any) -> None:
        """Make a folder its plugin folder. The text is stored as given, including `~`."""
        made = Path(str(folder).replace("~", str(self.mac.home), 1)) if str(folder).startswith("~") else Path(folder)
        made.mkdir(parents=True, exist_ok=True)
        user.give(made)
        self.mac.set_default(DOMAIN, "PluginDirectory", str(folder))

    # the process

    @property
    def pid(self) -> Optional[int]:
        """Return its pid, None while it isn't running."""
        return (self._ask(about=True) or {}).get("pid")

    def start(self) -> None:
        """Start it and wait until it has loaded its folder."""
        environment = {**json.loads((self.mac.state / "options.json").read_text("utf-8"))["user_environment"]}
        environment["SSH_AUTH_SOCK"] = self.mac.environment()["SSH_AUTH_SOCK"]
        program = str(self.app / "Contents" / "MacOS" / "SwiftBar")
        self.mac.ask(control="spawn", words=[program], environment=environment)
        wait_for(lambda: self._ask(plugins=True) is not None)

    def quit(self) -> None:
        """Quit it, which tells its plugins to end."""
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        """Crash it, which leaves its plugins with broken pipes."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        pid = self.pid
        if pid is not None:
            self.mac.kill(pid, number)
            wait_for(lambda: not self.mac.is_alive(pid))

    def _ask(self, **request: Any) -> Any:
        """Return the app's answer, None if it isn't running."""
        try:
            return ask(str(self.mac.state), request, ANSWER_S, name="SwiftBar")
        except OSError:
            return None

    # menus

    def plugins(self) -> Dict[str, SimpleNamespace]:
        """Return what it knows of each plugin, by id: text, error, disabled, streams, starts, code, pid, stderr …"""
        return {name: SimpleNamespace(**one) for name, one in (self._ask(plugins=True) or {}).items()}

    def plugin(self, name: str) -> Optional[SimpleNamespace]:
        """Return one plugin, None if it has none with that id."""
        return self.plugins().get(name)

    def text(self, name: str) -> Optional[str]:
        """Return the frame that a plugin is showing."""
        plugin = self.plugin(name)
        return plugin.text if plugin else None

    def title(self, name: str) -> str:
        """Return the first line in the menu bar."""
        header = host.parse_menu(self.text(name) or "")[0]
        return header[0] if header else ""

    def items(self, name: str) -> List[host.Item]:
        """Return every item in a plugin's menu, including submenus."""
        return flat(host.parse_menu(self.text(name) or "")[1])

    def row(self, name: str, start: str) -> str:
        """Return the text of the first item that starts with a text, or ""."""
        return next((item.text for item in self.items(name) if item.text.startswith(start)), "")

    def click(self, name: str, start: str, under: str = "") -> Optional[SimpleNamespace]:
        """Click the first item that starts with a text, below the row that starts with `under`.

        Return words, code and err of the process that this started, or None if it wrote a line to stdin.
        """
        items = host.parse_menu(self.text(name) or "")[1]
        if under:
            items = next(item for item in items if item.text.startswith(under)).children
        item = next(item for item in flat(items) if item.text.startswith(start))
        number = self._ask(plugin=name, click=item.params)["number"]
        if number is None:
            return None
        return SimpleNamespace(**wait_for(lambda: (one := self._ask(clicks=True)[number])["code"] is not None and one))
