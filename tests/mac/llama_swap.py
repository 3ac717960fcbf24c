"""A llama-swap as an installer sees it: its version's flags, messages and exit codes. It serves the demo.

Source: shared facts on the llama-swap API, sections 12 to 14, and on launchd, section 4.4. YAML isn't parsed: a config
is bad if it contains the line `broken: [`. launchd starts it with almost no environment, so its script has full paths.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from tests.mac.call import Call

PRELOADS = "preloads.txt"
VALUES = ("config", "config-dir", "listen", "tls-cert-file", "tls-key-file")
SWITCHES = ("version", "watch-config")
COMMIT, BUILT = "0bdb3720", "2026-08-22T16:30:00Z"
SHUTDOWN_S = 30.0


class Program:
    """One run of it. `wanted` is how a test wants it to behave (LlamaSwap.behave)."""

    def __init__(self, path: str, state: str, version: str) -> None:
        self.call = Call("llama-swap", state, sys.argv[1:])
        self.path, self.version = path, int(version)
        self.wanted: Dict[str, Any] = self.call.load("llama-swap.json", {}).get(path, {})
        self.told = threading.Event()
        self.children: List[subprocess.Popen[bytes]] = []

    def main(self) -> int:
        """Run it and return its exit code."""
        if self.wanted.get("hang"):
            time.sleep(86_400)
        if self.wanted.get("dies"):
            os.kill(os.getpid(), self.wanted["dies"])
        flags, fault = read_flags(sys.argv[1:])
        if fault is not None:
            print(fault, file=sys.stderr)
            return 0 if "help requested" in fault else 2
        if "version" in flags:
            print(f"version: {self.version} ({COMMIT}), built at {BUILT}")
            return 0
        fault = self._config_fault(flags)
        return 1 if fault else self._serve(flags)

    def _config_fault(self, flags: Dict[str, str]) -> bool:
        config = flags.get("config") or ("" if self.version >= 218 else "config.yaml")
        if not config and not flags.get("config-dir"):
            self._error("at least one of -config or -config-dir must be provided")
            return True
        trouble = config_trouble(config) if config else None
        if trouble is not None and self.version >= 218:
            self._error("failed to load config", config=config, **{"config-dir": ""}, error=trouble)
        elif trouble is not None:
            print(f"Error loading config: {trouble}", flush=True)
        return trouble is not None

    def _serve(self, flags: Dict[str, str]) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._stop(number))
        if self.version >= 205:
            signal.signal(signal.SIGHUP, lambda *_: self._reload(flags))
        time.sleep(self.wanted.get("start_s", 0))
        self._preload(flags.get("config", ""))
        address = flags.get("listen") or (":8443" if "tls-cert-file" in flags else ":8080")
        print(f"[INFO] llama-swap listening on http://{address}", flush=True)
        if not self._is_free(address):
            return 1
        if "crash" in self.wanted and "crash_s" not in self.wanted:
            return self._crash()
        from tests.mac.demo import serve

        server = serve(self.version, port_of(address), self.wanted.get("api_key", ""))
        for _ in range(self.wanted.get("llama_servers", 0)):
            self._llama_server()
        if "crash_s" in self.wanted and not self.told.wait(self.wanted["crash_s"]):
            return self._crash()
        while not self.told.wait(0.5):
            pass
        self._shut_down(server)
        return 0

    def _crash(self) -> int:
        self._error("http server error", error="made to fail")
        return int(self.wanted.get("crash", 1))

    def _is_free(self, address: str) -> bool:
        """Tell whether a loopback port is available; print a message if not."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port_of(address)))
                probe.listen(1)
            except OSError:
                self._refused(f"listen tcp {address}: bind: address already in use")
                return False
        return True

    def _refused(self, words: str) -> None:
        if self.version >= 218:
            self._error("http server error", error=words)
        else:
            print(f"{time.strftime('%Y/%m/%d %H:%M:%S')} Fatal server error: {words}", file=sys.stderr)

    def _preload(self, config: str) -> None:
        """Start what `hooks:` preloads. That happens before the port is tried, and it is left running if that fails."""
        if config and any(line.startswith("hooks:") for line in Path(config).read_text("utf-8").splitlines()):
            self.call.note(PRELOADS, {"config": config, "pid": self._llama_server()})

    def _llama_server(self) -> int:
        """Start a model server, since v221 in its own process group."""
        null, own = subprocess.DEVNULL, self.version >= 221
        words = ["llama-server", "86400"]
        child = subprocess.Popen(
            words, executable="/bin/sleep", stdin=null, stdout=null, stderr=null, start_new_session=own
        )
        self.children.append(child)
        return self.children[-1].pid

    def _stop(self, number: int) -> None:
        print(f"[INFO] received signal {signal.strsignal(number).lower()}, shutting down", flush=True)
        if not self.wanted.get("ignore_sigterm"):
            self.told.set()

    def _reload(self, flags: Dict[str, str]) -> None:
        print("[INFO] received SIGHUP, reloading config", flush=True)
        trouble = config_trouble(flags.get("config", ""))
        print(f"[WARN] failed to reload config: {trouble}" if trouble else "[INFO] configuration reloaded", flush=True)

    def _shut_down(self, server: Any) -> None:
        """Wait for active requests, as long as the real one would, then end the models."""
        ends_s = time.monotonic() + SHUTDOWN_S
        while server.inflight.entries and time.monotonic() < ends_s:
            time.sleep(0.05)
        time.sleep(self.wanted.get("stop_s", 0))
        server.stop()
        for child in self.children:
            child.kill()
            child.wait()
        print("[INFO] shutdown complete", flush=True)

    @staticmethod
    def _error(message: str, **fields: str) -> None:
        """Print a line of Go's log with fields."""
        pairs = "".join(f" {key}={_quoted(value)}" for key, value in fields.items())
        print(f"{time.strftime('%Y/%m/%d %H:%M:%S')} ERROR {message}{pairs}", file=sys.stderr, flush=True)


def port_of(address: str) -> int:
    """Return the port of HOST:PORT, 0 if there is none."""
    port = address.rpartition(":")[2]
    return int(port) if port.isdigit() else 0


def config_trouble(path: str) -> Optional[str]:
    """Return what is wrong with a config, None if nothing is."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as error:
        return f"open {path}: {os.strerror(error.errno).lower()}"
    bad = next((index for index, line in enumerate(lines, 1) if line.rstrip() == "broken: ["), 0)
    return f"yaml: line {bad}: did not find expected node content" if bad else None


def read_flags(words: List[str]) -> Tuple[Dict[str, str], Optional[str]]:
    """Return Go's flags (-x v, --x v, -x=v, --x=v) and the complaint about them."""
    found: Dict[str, str] = {}
    words = list(words)
    while words and words[0].startswith("-") and words[0] not in ("-", "--"):
        name, equals, value = words.pop(0).lstrip("-").partition("=")
        if name in ("h", "help"):
            return found, "flag: help requested\nUsage of llama-swap:"
        if name not in (*VALUES, *SWITCHES):
            return found, f"flag provided but not defined: -{name}\nUsage of llama-swap:"
        if name in VALUES and not equals:
            if not words:
                return found, f"flag needs an argument: -{name}\nUsage of llama-swap:"
            value = words.pop(0)
        found[name] = value
    return found, None


def _quoted(text: str) -> str:
    plain = text and not set(text) & set(' "=')
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rename(path: str) -> None:
    """Make the process table show the program as if it weren't a script: its path, then its arguments."""
    try:
        with open("/proc/self/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return
    start, length = int(fields[45]), int(fields[46]) - int(fields[45])
    words = b"\0".join(os.fsencode(word) for word in [path, *sys.argv[1:]])
    if 0 < len(words) < length:
        ctypes.memmove(start, words.ljust(length, b"\0"), length)


def main(path: str, state: str, version: str) -> None:
    """Run as llama-swap."""
    from tests.mac import attributes

    if attributes.get(path, "com.apple.quarantine", state=state) is not None:
        os.kill(os.getpid(), signal.SIGKILL)  # Gatekeeper
    rename(path)
    sys.exit(Program(path, state, version).main())
