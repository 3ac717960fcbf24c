"""Controls a headless Chromium through its DevTools pipe: opens pages, evaluates expressions, takes screenshots.

Needs nothing except the browser itself.
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser")
HINT = "Install Chromium: `apt-get install chromium` on Debian, `brew install --cask chromium` on a Mac."
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--disable-dev-shm-usage", "--disable-lcd-text", "--font-render-hinting=none", "--remote-debugging-pipe",
)  # fmt: skip
ANSWER_S = 20.0
END_S = 3.0
COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Network.loadingFailed")


def find() -> Optional[str]:
    """Return the path of a Chromium, or None."""
    on_path = (shutil.which(name) for name in NAMES)
    apps = (f"/Applications/{name}.app/Contents/MacOS/{name}" for name in APPLICATIONS)
    return next((found for found in (*on_path, *apps) if found and os.access(found, os.X_OK)), None)


class Browser:
    """One browser with one page. `complaints` are messages from its console and log, and failed loads."""

    def __init__(self, process: "subprocess.Popen[bytes]", to_browser: int, from_browser: int) -> None:
        self._process, self._to, self._from = process, to_browser, from_browser
        self._rest = b""
        self._number = 0
        self._session: Optional[str] = None
        self.complaints: List[Dict[str, Any]] = []
        self._events: List[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Dict[str, Any]:
        """Return the result of a DevTools command; raise RuntimeError with the browser's message if it fails."""
        self._number += 1
        message: Dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self._number:
                if "error" in heard:
                    raise RuntimeError(f"{method}: {heard['error']['message']}")
                result: Dict[str, Any] = heard["result"]
                return result

    def open(self, path: Path) -> None:
        """Open a file and wait until it has loaded."""
        self._events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._hear()

    def resize(self, width_px: int, height_px: int = 800, *, scale: float = 1.0) -> None:
        """Set the page's size; `scale` is the number of image pixels per page pixel."""
        size = {"width": width_px, "height": height_px, "deviceScaleFactor": scale, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def ask(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def picture(self, box: Dict[str, float]) -> bytes:
        """Return a part of the page (x, y, width, height) as PNG."""
        clip = {**box, "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def _hear(self) -> Dict[str, Any]:
        """Return the browser's next message and keep any complaint."""
        ends_s = time.monotonic() + ANSWER_S
        while b"\0" not in self._rest:
            ready = select.select([self._from], [], [], max(0.0, ends_s - time.monotonic()))[0]
            piece = os.read(self._from, 1 << 20) if ready else b""
            if not piece:
                raise RuntimeError(f"Chromium said nothing for {ANSWER_S:.0f} s" if not ready else "Chromium ended")
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        heard: Dict[str, Any] = json.loads(message)
        method = heard.get("method", "")
        self._events.append(method)
        if method in COMPLAINTS:
            self.complaints.append(heard)
        return heard


@contextlib.contextmanager
def browser(program: str) -> Iterator[Browser]:
    """Start a Chromium with its own profile, and end it with everything it started."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        ours, theirs = os.pipe(), os.pipe()
        heard, said = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (ours[0], theirs[1]))
        process = subprocess.Popen(
            [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            pass_fds=(3, 4), preexec_fn=lambda: [os.dup2(heard, 3), os.dup2(said, 4)].clear(),
        )  # fmt: skip
        for descriptor in (ours[0], theirs[1], heard, said):
            os.close(descriptor)
        try:
            yield Browser(process, ours[1], theirs[0])
        finally:
            os.close(ours[1])
            os.close(theirs[0])
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process group: SIGTERM first, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(END_S)
            return
    process.wait()
