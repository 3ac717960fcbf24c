"""A healthy Mac: llama-swap as our service, SwiftBar with our plugin, the plugin running."""

import contextlib
import json
import os
import plistlib
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

from llamabar import __version__
from llamabar.macos import swiftbar
from llamabar.store import plugin_state
from tests.fakes.programs import ROOT, free_port, wait_for
from tests.mac.machine import Mac

WORKER = ROOT / "tests" / "doctor" / "worker.py"
LABEL = "org.llamabar.llama-swap"
PATHS = f"{ROOT / 'src'}:{ROOT / 'installer'}:{ROOT}"
CONFIG = "models:\n  alpha:\n    cmd: llama-server --port ${PORT}\n"
BUILD = "0123abcd" * 8
SYSCTL = {"kern.memorystatus_vm_pressure_level": 1, "sysctl.proc_translated": 0, "hw.optional.arm64": 1}


class WellMac:
    """A Mac, what is installed on it, and a process that examines it."""

    def __init__(self, folder):
        self.mac = Mac(folder, seconds_per_second=0.05)
        self.kept, self.loaded_s = [], time.time()
        self.home, self.port = self.mac.home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._swiftbar()
        self.tools()
        self._service()
        self._program()
        self.watcher = self.mac.popen("sleep", "86400")
        self.note()
        self.examiner = self.mac.popen(
            sys.executable, str(WORKER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, encoding="utf-8",
            env=self.environment(),
        )  # fmt: skip

    def environment(self):
        """Return the environment of a terminal in which the one file was started."""
        more = {"PYTHONPATH": PATHS, "PYTHONDONTWRITEBYTECODE": "1", "LLAMABAR_FILE": str(self.file)}
        return self.mac.environment(**more)

    def _service(self):
        self.program = self.home / "go" / "bin" / "llama-swap"
        self.server = self.mac.llama_swap(self.program)
        self.config = self.home / ".config" / "llama-swap" / "config.yaml"
        self.config.parent.mkdir(parents=True)
        self.config.write_text(CONFIG)
        self.log = self.home / "Library" / "Logs" / "llama-swap" / "llama-swap.log"
        done = self.mac.llamabar("install", "--yes", "--no-plugin", "--port", str(self.port), env={"PYTHONPATH": PATHS})
        assert done.returncode == 0, done.stdout + done.stderr
        self.plist = self.home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self.keys = plistlib.loads(self.plist.read_bytes())

    def _swiftbar(self):
        self.app = self.home / "Applications" / "SwiftBar.app"
        (self.app / "Contents").mkdir(parents=True)
        self.info = self.app / "Contents" / "Info.plist"
        self.info.write_bytes(plistlib.dumps({"CFBundleShortVersionString": "2.1.1"}))
        self.plugins = self.home / "Plug ins"
        self.plugins.mkdir()
        self.mac.set_default("com.ameba.SwiftBar", "PluginDirectory", str(self.plugins))

    def tools(self):
        """Make the small macOS tools answer as on a healthy Mac."""
        self.script("pgrep", "echo 4711")
        self.script("pmset", "echo ' sleep                1 (sleep prevented by caffeinate)'")
        self.script("sw_vers", "echo 26.1")
        self.script("security", "exit 44")
        self.sysctl()

    def _program(self):
        self.data = next(path for path in self.home.rglob("manifest.json")).parent
        self.file = self.home / "Downloads" / "llamabar.pyz"
        members = {"site-packages/llamabar/__init__.py": b"start", "site-packages/click/core.py": b"click"}
        self.file.write_text(f'#!/bin/sh\nexec {sys.executable} -m llamabar "$@"\n')
        self.file.chmod(0o755)
        with zipfile.ZipFile(self.file, "a") as archive:
            archive.writestr("environment.json", json.dumps({"build_id": BUILD}))
            for name, content in members.items():
                archive.writestr(name, content)
        self.cache = self.home / ".shiv" / f"llamabar.pyz_{BUILD}"
        for name, content in members.items():
            (self.cache / name).parent.mkdir(parents=True)
            (self.cache / name).write_bytes(content)
        self.installed = self.data / "llamabar.pyz"
        shutil.copy(self.file, self.installed)
        self.installed.chmod(0o755)
        self.set_attribute()
        self.link = self.plugins / "llamabar.pyz"
        self.link.symlink_to(self.installed)

    def set_attribute(self):
        self.mac.set_attribute(self.installed, swiftbar.ATTRIBUTE, swiftbar.ATTRIBUTE_VALUE.encode())

    def script(self, tool, text):
        """Put a program on the Mac's PATH."""
        path = self.mac.bin / tool
        new = path.with_name(f".{tool}.new")
        new.write_text(f"#!/bin/sh\n{text}\n")
        new.chmod(0o755)
        os.replace(new, path)  # a file that is being executed can't be written

    def sysctl(self, **values):
        """Make sysctl answer. Write dots in names as double underscores."""
        all_of_them = {**SYSCTL, **{name.replace("__", "."): value for name, value in values.items()}}
        cases = "".join(f"{name}) echo {value};;\n" for name, value in all_of_them.items())
        self.script("sysctl", f'case "$2" in\n{cases}*) exit 1;;\nesac')

    def note(self, **more):
        """Write the state file of a plugin that has run for an hour; `watcher` stands for its process."""
        pid = self.pid_inside()
        known = {"pid": pid, "version": __version__, "started_unix_s": time.time() + 1, "frames": 40,
                 "printed_bytes": 90_000, "reconnects": 1, "lagged": 0, "last_error": "refused", "reachable": True,
                 "ended": False, "llamabar_watcher": 1}  # fmt: skip
        plugin_state.path_in(self.data).write_text(json.dumps({**known, **more}))

    def pid_inside(self):
        """Return the watcher's pid as the Mac itself counts it."""
        inner = wait_for(lambda: self.watcher._inner() if hasattr(self.watcher, "_inner") else (self.watcher.pid,))[0]
        status = Path(f"/proc/{inner}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        spaces = [line for line in lines if line.startswith("NSpid")]
        return int(spaces[0].split()[-1]) if spaces else inner

    def examine(self, *wanted, without=(), **environment):
        """Return the findings by id."""
        return self.ask(*wanted, without=without, **environment).findings

    def ask(self, *wanted, without=(), fix="", **environment):
        question = {"wanted": wanted, "environment": environment, "without": without, "fix": fix}
        self.examiner.stdin.write(json.dumps(question) + "\n")
        self.examiner.stdin.flush()
        answer = json.loads(self.examiner.stdout.readline())
        answer["findings"] = {one: SimpleNamespace(**found) for one, found in answer["findings"].items()}
        return SimpleNamespace(**answer)

    def doctor(self, *arguments, **environment):
        """Run the command itself."""
        return self.mac.run(
            sys.executable, "-m", "llamabar", "doctor", *arguments, env={**self.environment(), **environment}
        )

    def type(self, remedy, **environment):
        """Type a remedy into a shell, and confirm its question."""
        env = {**self.environment(), **environment}
        return self.mac.run("sh", "-c", remedy, input="y\ny\n", env=env, timeout=30)

    @contextlib.contextmanager
    def changed(self, path, content=None, *, mode=None, link=None, gone=False):
        """Change a path's content or mode, or remove it; restore it at the end."""
        kept = self.mac.root / f"kept-{len(self.kept)}"
        self.kept.append(kept)
        was = path.exists() or path.is_symlink()
        if was and (content is not None or gone or link is not None):
            os.rename(path, kept)
        before = path.stat().st_mode & 0o7777 if mode is not None and path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        if link is not None:
            path.symlink_to(link)
        elif content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            shutil.copymode(kept, path) if was and kept.is_file() else None
        if mode is not None:
            path.chmod(mode)
        try:
            yield path
        finally:
            if before is not None and path.exists():
                path.chmod(before)
            if kept.exists() or kept.is_symlink():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
                os.rename(kept, path)
            elif not was and path.parent.exists():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)

    def agent(self, **keys):
        """Give the plist other keys; None removes one."""
        content = {**self.keys, **keys}
        kept = {key: value for key, value in content.items() if value is not None}
        return self.changed(self.plist, plistlib.dumps(kept))

    def command(self, *words):
        """Give the plist other command words."""
        return self.agent(ProgramArguments=list(words))

    def launchctl(self, *words):
        return self.mac.run("launchctl", *words)

    @contextlib.contextmanager
    def out(self):
        """Unload the service; load and run it again at the end."""
        self.launchctl("bootout", f"gui/{self.mac.uid}/{LABEL}")
        wait_for(lambda: self.mac.job(LABEL) is None)
        try:
            yield
        finally:
            self.launchctl("bootout", f"gui/{self.mac.uid}/{LABEL}")
            wait_for(lambda: self.mac.job(LABEL) is None)
            self.load()

    def load(self):
        """Load the service, and wait until it runs."""
        self.launchctl("enable", f"gui/{self.mac.uid}/{LABEL}")
        self.launchctl("bootstrap", f"gui/{self.mac.uid}", str(self.plist))
        wait_for(self.answers)
        self.loaded_s = time.time()

    def answers(self):
        import http.client

        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
            connection.request("GET", "/wol-health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def close(self):
        self.examiner.stdin.close()
        for process in (self.examiner, self.watcher):
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self.mac.close()
