"""Every situation that a finding reports, created for real on a healthy Mac and undone at the end.

Situations of what answers at the address and what runs are in situations_live.py.
"""

import contextlib
import os
import plistlib
import signal
import socket
import subprocess
import time

from llamabar.macos import swiftbar
from tests.doctor.mac import CONFIG, LABEL
from tests.fakes.programs import wait_for

SITUATIONS = {}
BAR = ("swiftbar", "program")
DISK = ("settings", "agents", "service")
PROGRAM = (*DISK, "binary")
SERVICE = (*DISK, "logged_in", "job", "processes")


def situation(finding, *wanted, **options):
    """Declare which finding a situation leads to, and which facts it needs."""

    def add(make):
        SITUATIONS[finding] = (contextlib.contextmanager(make), wanted, options)
        return make

    return add


def settings(well, text, **mode):
    return well.changed(well.home / ".config" / "llamabar" / "config.toml", text, **mode)


# this program


@situation("cache-incomplete", "program", "cache")
def _(well):
    with well.changed(well.cache / "site-packages" / "click" / "core.py", "cl"):
        yield {}


@situation("data-folder-of-another", "program", "data")
def _(well):
    folder = well.home / "of another"
    folder.mkdir(mode=0o755)
    try:
        os.chown(folder, 12345, 12345)
    except PermissionError:
        yield {"LLAMABAR_DATA_DIR": "/"}
    else:
        yield {"LLAMABAR_DATA_DIR": str(folder)}
    folder.rmdir()


@situation("data-folder-read-only", "program", "data")
def _(well):
    folder = well.home / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    yield {"LLAMABAR_DATA_DIR": str(folder)}
    folder.rmdir()


@situation("data-unreadable", "program", "data")
def _(well):
    with well.changed(well.data / "history.sqlite", "{}", mode=0o000):
        yield {}


@situation("history-damaged", "program", "data")
def _(well):
    with well.changed(well.data / "history.sqlite", 'no database' * 99):
        yield {}


@situation("settings-unreadable", "settings")
def _(well):
    folder = well.home / ".config" / "llamabar" / "folder.toml"
    folder.mkdir(parents=True)
    yield {"LLAMABAR_CONFIG": str(folder)}
    folder.rmdir()


@situation("settings-mistake", "settings")
def _(well):
    with settings(well, "[menu]\nkey = 'CMD+L+OPTION'\n"):
        yield {}


@situation("variable-mistake", "settings")
def _(well):
    yield {"LLAMA_SWAP_CHART_WIDTH": "wide"}


@situation("key-not-found", "settings")
def _(well):
    with settings(well, f"[[server]]\nurl = '{well.url}'\napi_key_env = 'NOT_SET'\n"):
        yield {}


@situation("key-file-open", "settings")
def _(well):
    with well.changed(well.home / "key", "sk-secret", mode=0o644) as key, settings(
        well, f"[[server]]\nurl = '{well.url}'\napi_key_file = '{key}'\n"
    ):
        yield {}


@situation("ca-file-missing", "settings")
def _(well):
    with settings(well, "[[server]]\nurl = 'https://127.0.0.1:9'\nca_file = '/nowhere/ca.pem'\n"):
        yield {}


# SwiftBar


@contextlib.contextmanager
def app(well, version):
    with well.changed(well.info, plistlib.dumps({"CFBundleShortVersionString": version})):
        yield


@contextlib.contextmanager
def default(well, key, value, back):
    well.mac.set_default(swiftbar.DOMAIN, key, value)
    yield
    well.mac.set_default(swiftbar.DOMAIN, key, back)


@situation("swiftbar-missing", *BAR)
def _(well):
    with well.changed(well.app, gone=True), default(well, "PluginDirectory", "", str(well.plugins)):
        yield {}


@situation("swiftbar-too-old", *BAR)
def _(well):
    with app(well, "1.4.2"):
        yield {}


@situation("swiftbar-before-2-1", *BAR)
def _(well):
    with app(well, "2.0.1"):
        yield {}


@situation("swiftbar-not-running", *BAR)
def _(well):
    well.script("pgrep", "exit 1")
    yield {}
    well.script("pgrep", "echo 4711")


@situation("swiftbar-without-folder", *BAR)
def _(well):
    with default(well, "PluginDirectory", "", str(well.plugins)):
        yield {}


@situation("swiftbar-folder-gone", *BAR)
def _(well):
    with well.changed(well.plugins, gone=True):
        yield {}


@situation("plugin-place-taken", *BAR)
def _(well):
    with well.changed(well.link, "#!/bin/sh\n"):
        yield {}


@situation("plugin-not-linked", *BAR)
def _(well):
    with well.changed(well.link, gone=True):
        yield {}


@situation("plugin-program-missing", *BAR)
def _(well):
    with well.changed(well.installed, gone=True):
        yield {}


@situation("plugin-not-executable", *BAR)
def _(well):
    with well.changed(well.installed, mode=0o644):
        yield {}


@situation("plugin-quarantined", *BAR)
def _(well):
    well.mac.quarantine(well.installed)
    yield {}
    well.mac.run("xattr", "-d", "com.apple.quarantine", str(well.installed))


@situation("plugin-attribute-missing", *BAR)
def _(well):
    assert well.mac.run("xattr", "-d", swiftbar.ATTRIBUTE, str(well.installed)).returncode == 0
    yield {}
    well.set_attribute()


@situation("plugin-disabled", *BAR)
def _(well):
    with default(well, "DisabledPlugins", ["llamabar.pyz"], []):
        yield {}


@situation("plugin-ignored", *BAR)
def _(well):
    with well.changed(well.plugins / ".swiftbarignore", "# not wanted\nllama*\n"):
        yield {}


@situation("plugin-twice", *BAR)
def _(well):
    with well.changed(well.plugins / "llamabar.1s.pyz", "x"):
        yield {}


@situation("older-plugin-beside", *BAR)
def _(well):
    with well.changed(well.plugins / "llama-swap.5s.o", "x"):
        yield {}


@situation("plugin-of-another-version", *BAR)
def _(well):
    with well.changed(well.installed, b"another version"):
        well.set_attribute()
        yield {}


# the service on disk


@situation("no-login-at-the-screen", *SERVICE)
def _(well):
    well.mac.logout()
    yield {}
    well.mac.login()
    wait_for(well.answers)


@situation("agents-folder-refused", *DISK)
def _(well):
    with well.changed(well.plist.parent, mode=0o777):
        yield {}


@situation("service-plist-broken", *DISK)
def _(well):
    with well.changed(well.plist.parent / "com.user.llama-swap.plist", "<plist>"):
        yield {}


@situation("service-plist-missing", *DISK)
def _(well):
    with well.changed(well.plist, gone=True):
        yield {}


@situation("service-plist-refused", *DISK)
def _(well):
    with well.changed(well.plist, mode=0o664):
        yield {}


@situation("service-plist-linked", *DISK)
def _(well):
    with well.changed(well.home / "kept.plist", well.plist.read_bytes()) as real, well.changed(well.plist, link=real):
        yield {}


@situation("service-plist-quarantined", *DISK)
def _(well):
    well.mac.quarantine(well.plist)
    yield {}
    well.mac.run("xattr", "-d", "com.apple.quarantine", str(well.plist))


@situation("service-program-missing", *DISK)
def _(well):
    with well.changed(well.program, gone=True):
        yield {}


@situation("service-program-quarantined", *PROGRAM)
def _(well):
    well.mac.quarantine(well.program)
    yield {}
    well.mac.run("xattr", "-d", "com.apple.quarantine", str(well.program))


@situation("service-program-fails", *PROGRAM)
def _(well):
    with well.changed(well.program, "#!/bin/sh\necho no such library >&2\nexit 1\n"):
        yield {}


@situation("service-without-config", *DISK)
def _(well):
    with well.command(str(well.program), "--listen", f"127.0.0.1:{well.port}"):
        yield {}


@situation("service-config-missing", *DISK)
def _(well):
    with well.changed(well.config, gone=True):
        yield {}


@situation("service-config-refused", *PROGRAM)
def _(well):
    with well.changed(well.config, "broken: [\n"):
        yield {}


@situation("service-twice", *DISK)
def _(well):
    other = plistlib.dumps({**well.keys, "Label": "com.user.llama-swap"})
    with well.changed(well.plist.parent / "com.user.llama-swap.plist", other):
        yield {}


@situation("service-throttled-by-type", *DISK)
def _(well):
    with well.agent(ProcessType=None):
        yield {}


@situation("service-without-path", *DISK)
def _(well):
    with well.agent(EnvironmentVariables=None):
        yield {}


@situation("service-open-to-all", "servers", *DISK)
def _(well):
    with well.command(str(well.program), "--config", str(well.config), "--listen", f":{well.port}"):
        yield {}


@situation("service-log-large", *DISK)
def _(well):
    with well.changed(well.log, b"the last line\n"):
        os.truncate(well.log, 100_000_001)
        yield {}


@situation("service-log-unwritable", *DISK)
def _(well):
    with well.changed(well.log.parent, gone=True):
        yield {}


@situation("service-denied-files", *DISK)
def _(well):
    with well.changed(well.log, "open /Users/x/Documents/m.gguf: Operation not permitted\n"):
        yield {}


@situation("service-program-replaced", *DISK, "logged_in", "job")
def _(well):
    wait_for(lambda: time.time() > well.loaded_s + 2.2)  # start times are in whole seconds
    well.server.replace("251")
    yield {}
    with well.out():
        well.server.replace("250")


# the service in launchd


@contextlib.contextmanager
def hard_work(well, **behaviour):
    """Reload the service with a llama-swap that behaves differently."""
    well.server.behave(**behaviour)
    with well.out():
        well.launchctl("bootstrap", f"gui/{well.mac.uid}", str(well.plist))
        yield
        well.server.behave()


@situation("port-held-by-another", "servers", *SERVICE)
def _(well):
    with well.out():
        code = f"import socket as s, time; h = s.create_server(('127.0.0.1', {well.port})); time.sleep(60)"
        holder = well.mac.popen(well.mac.python, "-c", code, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: _listens(well.port))
        yield {}
        end(holder)


@situation("runs-outside-its-service", "servers", *SERVICE)
def _(well):
    with well.out():
        words = (well.program, "--config", well.config, "--listen", f"127.0.0.1:{well.port}")
        by_hand = well.mac.popen(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(well.answers)
        yield {}
        end(by_hand)


@situation("service-disabled", *SERVICE)
def _(well):
    with well.out():
        well.launchctl("disable", f"gui/{well.mac.uid}/{LABEL}")
        yield {}


@situation("service-not-loaded", "servers", *SERVICE)
def _(well):
    with well.out():
        yield {}


@situation("service-signature-refused", *SERVICE)
def _(well):
    well.mac.change(lwcr=True)
    well.server.replace("251")
    well.launchctl("kill", "SIGKILL", f"gui/{well.mac.uid}/{LABEL}")
    wait_for(lambda: "CODESIGNING" in well.launchctl("print", f"gui/{well.mac.uid}/{LABEL}").stdout)
    yield {}
    well.mac.change(lwcr=False)
    well.server.replace("250")
    with well.out():
        pass


@situation("service-cannot-be-started", *SERVICE)
def _(well):
    folder = well.home / "work"
    with well.out(), well.agent(WorkingDirectory=str(folder)):
        well.launchctl("bootstrap", f"gui/{well.mac.uid}", str(well.plist))
        wait_for(lambda: "78" in well.launchctl("print", f"gui/{well.mac.uid}/{LABEL}").stdout)
        yield {}


@contextlib.contextmanager
def ended(well):
    """Let the service crash and, without KeepAlive, stay down."""
    well.server.behave(crash=1)
    with well.out(), well.agent(KeepAlive=None):
        well.launchctl("bootstrap", f"gui/{well.mac.uid}", str(well.plist))
        wait_for(lambda: well.mac.job(LABEL).runs >= 1 and well.mac.job(LABEL).pid is None)
        yield
        well.server.behave()


@situation("service-killed-for-memory", *SERVICE)
def _(well):
    real = well.mac.bin / "launchctl"
    with well.changed(well.mac.bin / "launchctl-real", real.read_bytes(), mode=0o755), ended(well):
        said = "s/last exit code = .*/last exit reason = JETSAM_REASON_MEMORY_HIGHWATER/"
        with well.changed(real, f'#!/bin/sh\n"$0-real" "$@" | sed "{said}"\n'):
            yield {}


@situation("service-crash-loop", "servers", *SERVICE)
def _(well):
    with hard_work(well, crash=1):
        wait_for(lambda: well.mac.job(LABEL).runs >= 3 and well.mac.job(LABEL).pid is None)
        yield {}


@situation("service-failed", "servers", *SERVICE)
def _(well):
    with ended(well):
        yield {}


@situation("service-not-running", "servers", *SERVICE)
def _(well):
    well.launchctl("kill", "SIGTERM", f"gui/{well.mac.uid}/{LABEL}")
    wait_for(lambda: well.mac.job(LABEL).pid is None)
    yield {}
    well.launchctl("kickstart", f"gui/{well.mac.uid}/{LABEL}")
    wait_for(well.answers)


@situation("service-plist-changed", *SERVICE)
def _(well):
    with well.command(*well.keys["ProgramArguments"], "--watch-config"):
        yield {}


@situation("config-newer-than-process", *SERVICE)
def _(well):
    with well.changed(well.config, CONFIG + "# changed\n"):
        os.utime(well.config, (time.time() + 5, time.time() + 5))
        yield {}


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process, number=signal.SIGTERM):
    process.send_signal(number)
    process.wait(20)
