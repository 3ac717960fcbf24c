"""The contents of a Mac: agents, attributes, defaults, a keychain, apps. This half of Mac creates them."""

import json
import plistlib
from pathlib import Path
from typing import Any, Dict, Optional

from tests.mac import attributes, preferences, user
from tests.mac.server_program import LlamaSwap, preloads
from tests.mac.snapshot import snapshot
from tests.mac.swiftbar import SwiftBar

QUARANTINE = "com.apple.quarantine"


class Belongings:
    """Needs: home, state, agents."""

    home: Path
    state: Path
    agents: Path

    def own(self) -> None:
        """Give everything in the home to its user, after a test has written there."""
        user.give(self.home)

    def snapshot(self) -> Dict[str, Any]:
        """Return the whole home, to the byte: absolute path → kind, mode, content, attributes."""
        return snapshot(self.home, str(self.state))

    def write_agent(self, label: str, *words: Any, folder: Optional[Path] = None, **keys: Any) -> Path:
        """Write a LaunchAgent into the home, as another program would; return its path."""
        path = (folder or self.agents) / f"{label}.plist"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"Label": label, "ProgramArguments": [str(word) for word in words], **keys}
        path.write_bytes(plistlib.dumps(content))
        path.chmod(0o644)
        user.give(path.parent)
        return path

    def attribute(self, path: Any, name: str) -> Optional[bytes]:
        """Return an extended attribute of a file, None if it has none."""
        return attributes.get(str(path), name, state=str(self.state))

    def set_attribute(self, path: Any, name: str, value: bytes) -> None:
        """Set an extended attribute of a file."""
        attributes.put(str(path), name, value, state=str(self.state))

    def quarantine(self, path: Any) -> None:
        """Mark a file as a browser does."""
        self.set_attribute(path, QUARANTINE, b"0083;66c1a2b3;Safari;0B1C2D3E-4F50-6172-8394-A5B6C7D8E9F0")

    def set_default(self, domain: str, key: str, value: Any) -> None:
        """Set a default of the user."""
        content = preferences.read(str(self.state), domain) or {}
        preferences.write(str(self.state), str(self.home), domain, {**content, key: value})
        user.give(self.state)
        user.give(self.home / "Library" / "Preferences")

    def default(self, domain: str, key: str) -> Any:
        """Return a default of the user, None if it isn't set."""
        return (preferences.read(str(self.state), domain) or {}).get(key)

    def set_keychain(self, service: str, password: str, account: str = "") -> None:
        """Put a password into the keychain."""
        self._add("keychain.json", [], lambda held: [*held, {"service": service, "account": account or "someuser",
                                                             "password": password}])  # fmt: skip

    def set_sysctl(self, name: str, value: Any) -> None:
        """Set a value that sysctl reports."""
        self._add("sysctl.json", {}, lambda held: {**held, name: value})

    def set_power(self, **settings: Any) -> None:
        """Set what `pmset -g` reports, e.g. sleep=0."""
        self._add("pmset.json", {}, lambda held: {**held, **settings})

    def _add(self, name: str, empty: Any, change: Any) -> None:
        path = self.state / name
        path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")) if path.exists() else empty)), "utf-8")

    @property
    def pasteboard(self) -> str:
        """Return what was copied last, "" if nothing."""
        path = self.state / "pasteboard"
        return path.read_text("utf-8") if path.exists() else ""

    def llama_swap(self, path: Any = None, version: str = "250", **behaviour: Any) -> LlamaSwap:
        """Put a llama-swap at a path, by default ~/bin/llama-swap. Other arguments go to LlamaSwap.behave."""
        return LlamaSwap(self, Path(path or self.home / "bin" / "llama-swap"), version, behaviour)

    def preloaded(self) -> Any:
        """Return what any llama-swap has preloaded: config, pid of its model server."""
        return preloads(self.state)

    def swiftbar(
        self, version: str = "2.1.1", folder: Any = "~/SwiftBar", *, installed: bool = True, running: bool = True,
        debounce_s: float = 0.1,
    ) -> SwiftBar:  # fmt: skip
        """Install SwiftBar. With folder None, none was ever chosen. `debounce_s` is 0.5 on a real Mac."""
        return SwiftBar(self, version, folder, installed, running, debounce_s)
