"""SwiftBar's process: scans its folder, runs plugins, receives URLs and clicks. One loop.

Source: shared facts on SwiftBar, and on packaging, section 6.
"""

import fnmatch
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional
from urllib.parse import parse_qs, urlsplit

from tests.mac import preferences
from tests.mac.call import Call, packed, receive
from tests.mac.swiftbar_plugin import Plugin

DOMAIN = "com.ameba.SwiftBar"
SOCKET = "SwiftBar.sock"
LOOK_S = 0.03
SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"


class App:
    """The menus by plugin id. `dying` are processes that were told to end."""

    def __init__(self, state: str) -> None:
        self.call = Call("SwiftBar", state, [])
        about = self.call.load("swiftbar.json", {})
        self.debounce_s: float = about["debounce_s"]
        self.version_text: str = about["version"]
        self.version = tuple(int(part) for part in self.version_text.split("-")[0].split("."))
        self.bin: str = about["bin"]
        self.macos: int = about["macos"]
        self.plugins: Dict[str, Plugin] = {}
        self.dying: List[subprocess.Popen[bytes]] = []
        self.clicks: List[Dict[str, Any]] = []
        self.seen: Any = None
        self.load_at_s: Optional[float] = None
        self.ending = False
        os.chdir(state)
        if os.path.lexists(SOCKET):
            os.unlink(SOCKET)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(SOCKET)
        self.listener.listen(16)
        os.chdir(os.environ["HOME"])
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ending", True))

    @property
    def defaults(self) -> Dict[str, Any]:
        """Return its settings."""
        return preferences.read(self.call.state, DOMAIN) or {}

    @property
    def folder(self) -> Optional[str]:
        """Return the plugin folder, None if none was ever chosen or it is gone."""
        chosen = os.path.expanduser(self.defaults.get("PluginDirectory", ""))
        return chosen if chosen and os.path.isdir(chosen) else None

    def run(self) -> None:
        """Serve until told to quit."""
        self.load()
        while not self.ending:
            self._watch_folder()
            pipes = {number: (one, name) for one in self.plugins.values() for number, name in one.pipes().items()}
            ready, _, _ = select.select([self.listener, *pipes], [], [], LOOK_S)
            for number in ready:
                if number in pipes:
                    pipes[number][0].read(number, pipes[number][1])
            if self.listener in ready:
                self._serve(self.listener.accept()[0])
            self.dying = [process for process in self.dying if process.poll() is None]
            self._finish_clicks()
        for plugin in self.plugins.values():
            plugin.stop()

    # the folder

    def _watch_folder(self) -> None:
        """Reload some time after the folder itself has changed. Targets of symlinks aren't watched."""
        folder = self.folder
        found = (folder, os.stat(folder).st_mtime_ns, os.stat(folder).st_ctime_ns) if folder else None
        if found != self.seen:
            self.seen, self.load_at_s = found, time.monotonic() + self.debounce_s
        if self.load_at_s is not None and self.load_at_s <= time.monotonic():
            self.load()

    def load(self) -> None:
        """Take over what is in the folder: start new plugins, end removed ones, and since 2.1 restart changed ones."""
        folder, self.load_at_s = self.folder, None
        self.seen = (folder, os.stat(folder).st_mtime_ns, os.stat(folder).st_ctime_ns) if folder else None
        before = {plugin.path: plugin for plugin in self.plugins.values()}
        now: Dict[str, Plugin] = {}
        for path in self._candidates(folder) if folder else ():
            plugin = Plugin(path, state=self.call.state, version=self.version)
            old = before.get(path)
            if old is not None and (self.version < (2, 1) or old.mark == plugin.mark):
                plugin = old
            now[plugin.id] = plugin
        for plugin in before.values():
            if plugin not in now.values():
                self._stop(plugin)
        self.plugins = now
        for plugin in now.values():
            plugin.disabled = plugin.id in self.defaults.get("DisabledPlugins", [])
            if plugin not in before.values():
                self._start(plugin, "FirstLaunch")

    def _candidates(self, folder: str) -> List[str]:
        """Return every visible file except *.json and those in .swiftbarignore; since 2.1 each resolved file once."""
        found: List[str] = []
        for where, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found += [os.path.join(where, name) for name in sorted(names) if not name.startswith(".")]
        ignored = self._ignored(folder)
        found = [path for path in found if not path.endswith(".json") and self._is_plugin(path)]
        found = [path for path in found if not any(fnmatch.fnmatch(os.path.basename(path), one) for one in ignored)]
        if self.version < (2, 1):
            return found
        return list({os.path.realpath(path): path for path in reversed(found)}.values())[::-1]

    @staticmethod
    def _ignored(folder: str) -> List[str]:
        try:
            with open(os.path.join(folder, ".swiftbarignore"), encoding="utf-8") as file:
                return [line.strip() for line in file if line.strip() and not line.startswith("#")]
        except OSError:
            return []

    @staticmethod
    def _is_plugin(path: str) -> bool:
        return os.path.isfile(path) and os.path.getsize(path) > 0

    # plugins

    def _start(self, plugin: Plugin, reason: str) -> None:
        if plugin.disabled:
            return
        if self.defaults.get("MakePluginExecutable", True):
            mode = os.stat(plugin.path).st_mode
            if mode & 0o111 != 0o111:
                os.chmod(plugin.path, mode | 0o111)
        plugin.start(self._command(plugin, [plugin.path]), self._environment(plugin, reason))

    def _stop(self, plugin: Plugin) -> None:
        process = plugin.stop()
        self.dying += [process] if process is not None else []

    def refresh(self, plugin: Plugin, reason: str) -> None:
        """Restart its process at once. Metadata isn't read again."""
        self._stop(plugin)
        self._start(plugin, reason)

    def _command(self, plugin: Plugin, words: List[str]) -> List[str]:
        """Return how words are run: by a login shell, where only spaces are quoted, or directly."""
        if not plugin.is_set("runInBash", True):
            return words
        quoted = " ".join(f"'{word}'" if " " in word else word for word in words)
        return [os.path.join(self.bin, "zsh"), "-l", "-c", f"{quoted} "]

    def _environment(self, plugin: Plugin, reason: str) -> Dict[str, str]:
        home = os.environ["HOME"]
        return {
            **os.environ,
            "PATH": f"{self.bin}:{SYSTEM_PATH}",  # bin stands for the system's own folders
            "SWIFTBAR": "1",
            "SWIFTBAR_VERSION": self.version_text,
            "SWIFTBAR_BUILD": "600",
            "SWIFTBAR_PLUGINS_PATH": self.folder or "",
            "SWIFTBAR_PLUGIN_PATH": plugin.path,
            "SWIFTBAR_PLUGIN_CACHE_PATH": f"{home}/Library/Caches/{DOMAIN}/Plugins/{os.path.basename(plugin.path)}",
            "SWIFTBAR_PLUGIN_DATA_PATH": f"{home}/Library/Application Support/SwiftBar/Plugins/{plugin.name}",
            "SWIFTBAR_PLUGIN_REFRESH_REASON": reason,
            "SWIFTBAR_LAUNCH_TIME": "2026-11-24T08:00:00Z",
            "OS_APPEARANCE": "Dark",
            "OS_VERSION_MAJOR": str(self.macos),
            "OS_VERSION_MINOR": "0",
            "OS_VERSION_PATCH": "0",
            "OS_LAST_SLEEP_TIME": "",
            "OS_LAST_WAKE_TIME": "",
        }

    # requests

    def _serve(self, caller: socket.socket) -> None:
        with caller:
            request = receive(caller)
            answer: Any = {}
            if request.get("open"):
                self._open(request["open"])
            elif "click" in request:
                answer = self._click(self.plugins[request["plugin"]], request["click"])
            elif "clicks" in request:
                answer = [{key: one[key] for key in ("words", "code", "err")} for one in self.clicks]
            elif "about" in request:
                answer = {"pid": os.getpid()}
            elif "plugins" in request:
                answer = {one.id: one.describe() for one in self.plugins.values()}
            try:
                caller.sendall(packed(answer))
            except OSError:
                pass

    def _open(self, url: str) -> None:
        parts = urlsplit(url)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        wanted = (asked.get("name") or asked.get("plugin") or "").lower()
        for plugin in self.plugins.values():
            named = wanted in (plugin.id.lower(), plugin.name.lower())
            if (parts.netloc == "refreshplugin" and named) or parts.netloc == "refreshallplugins":
                self.refresh(plugin, "URLScheme")
            elif parts.netloc in ("enableplugin", "disableplugin") and named:
                self._set_disabled(plugin, parts.netloc == "disableplugin")

    def _set_disabled(self, plugin: Plugin, disabled: bool) -> None:
        kept = [one for one in self.defaults.get("DisabledPlugins", []) if one != plugin.id]
        content = {**self.defaults, "DisabledPlugins": [*kept, *([plugin.id] if disabled else [])]}
        preferences.write(self.call.state, os.environ["HOME"], DOMAIN, content)
        plugin.disabled = disabled
        self._stop(plugin)
        if not disabled:
            self._start(plugin, "PluginEnabled")

    def _click(self, plugin: Plugin, params: Dict[str, str]) -> Dict[str, Any]:
        """Do everything an item asks for, in SwiftBar's order: href, bash, stdin, refresh."""
        refreshes = params.get("refresh", "").lower() == "true"
        bash = params.get("bash", params.get("shell"))
        if "href" in params:
            subprocess.run([os.path.join(self.bin, "open"), params["href"]], check=False)
        if bash:
            self._run(plugin, bash, params, refreshes)
        heard = plugin.hear(params["stdin"]) if "stdin" in params and self.version >= (2, 1) else None
        if refreshes and not bash:
            self.refresh(plugin, "MenuAction")
        return {"heard": heard, "number": len(self.clicks) - 1 if bash else None}

    def _run(self, plugin: Plugin, bash: str, params: Dict[str, str], refreshes: bool) -> None:
        keys = sorted((key for key in params if key.startswith("param")), key=lambda key: int(key[5:] or 0))
        words = [bash, *(params[key] for key in keys)]
        process = subprocess.Popen(
            self._command(plugin, words), env=self._environment(plugin, "MenuAction"), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        plugin_to_refresh = plugin if refreshes else None
        self.clicks.append({"process": process, "refresh": plugin_to_refresh, "words": words, "code": None, "err": ""})

    def _finish_clicks(self) -> None:
        for one in self.clicks:
            if one["code"] is None and one["process"].poll() is not None:
                one["code"] = one["process"].returncode
                with one["process"].stderr as errors:
                    one["err"] = errors.read().decode("utf-8", "replace")
                if one["refresh"] is not None and one["code"] == 0:
                    self.refresh(one["refresh"], "MenuAction")


def main(state: str) -> None:
    """Run as SwiftBar."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    App(state).run()
    sys.exit(0)
