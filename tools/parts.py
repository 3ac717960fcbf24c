"""What the built file contains besides our own code: the table that licenses, SBOM and formula are made from."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

ROOT = Path(__file__).resolve().parent.parent


class Part(NamedTuple):
    """A package in the file: its name, its version, the SPDX name of its license, and the hashes of its wheels."""

    name: str
    version: str
    licence: str
    sha256: Tuple[str, ...]

    @property
    def licences(self) -> List[str]:
        """Return the SPDX ids of its licenses, all of which apply."""
        return self.licence.split(" AND ")


LICENCES = {
    "click": "BSD-3-Clause",
    "prometheus-client": "Apache-2.0 AND BSD-2-Clause",
    "psutil": "BSD-3-Clause",
    "pypng": "MIT",
    "shiv": "BSD-2-Clause",
    "tomli": "MIT",
    "urllib3": "MIT",
    "wcwidth": "MIT",
}
SHIPPED = ("src", "installer", "launchd_templates", "tools", "requirements", "LICENSE")
NO_COMMIT = "none, built from a tree without git"
ONLY_ON_WINDOWS = ("colorama",)


def project(name: str) -> str:
    """Return a string from pyproject.toml's first tables, without a TOML parser, since Python 3.9 has none."""
    found = re.search(rf'^{name} = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise SystemExit(f"pyproject.toml has no {name}")
    return found.group(1)


def parts() -> List[Part]:
    """Return the packages in the file, sorted by name. shiv stands for its bootstrap code."""
    locked = {**_locked("runtime.txt"), "shiv": _locked("dev.txt")["shiv"]}
    missing = sorted(set(locked) ^ set(LICENCES) ^ set(ONLY_ON_WINDOWS))
    if missing:
        raise SystemExit(f"tools/parts.py and requirements/ do not name the same packages: {', '.join(missing)}")
    return [Part(name, locked[name][0], LICENCES[name], locked[name][1]) for name in sorted(LICENCES)]


def commit() -> str:
    """Return this tree's commit, with "+" if anything that is shipped differs from it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def _git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, env=environment, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = _git("rev-parse", "HEAD") if shutil.which("git") and (ROOT / ".git").exists() else ""
    changed = found and _git("status", "--porcelain", "--untracked-files=no", "--", *SHIPPED)
    return f"{found}{'+' if changed else ''}" or NO_COMMIT


def repository() -> str:
    """Return the public repository a release is built for, OWNER/NAME; "" for a private build."""
    found = os.environ.get("GITHUB_REPOSITORY", "")
    return found if re.fullmatch(r"[\w.-]+/[\w.-]+", found) else ""


def _locked(file: str) -> Dict[str, Tuple[str, Tuple[str, ...]]]:
    text = (ROOT / "requirements" / file).read_text("utf-8")
    entries = [entry for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if "==" in entry]
    found = {}
    for entry in entries:
        name, version = re.findall(r"^([\w.-]+)==(\S+)", entry)[0]
        found[name] = version, tuple(sorted(re.findall(r"sha256:([0-9a-f]{64})", entry)))
    return found
