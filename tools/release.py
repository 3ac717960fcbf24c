"""Writes a release's other files, all from the same metadata, without any time or path in them.

Run by `build.py release [--tag vX.Y.Z] [--repository OWNER/NAME]`; the repository defaults to GITHUB_REPOSITORY.
"""

import argparse
import hashlib
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any, Dict, List, Optional

import manual
import parts

UNKNOWN_REPOSITORY = "OWNER/llamabar"
PYTHON_FORMULA = "python@3.13"


class Release:
    """The metadata of one built file."""

    def __init__(self, pyz: Path, wheels: Path, repository: str) -> None:
        self.folder = pyz.parent
        self.sha256 = _sha256(pyz)
        self.version = parts.project("version")
        self.description = parts.project("description")
        self.licence = parts.project("license")
        self.manual = manual.page().encode("utf-8")
        self.homepage = f"https://github.com/{repository}"
        self.downloads = f"{self.homepage}/releases/download/v{self.version}"
        self.url = f"{self.downloads}/{pyz.name}"
        self.author = re.findall(r"^Copyright (?:\(c\) )?[\d-]* ?(.+)$", _text("LICENSE"), re.MULTILINE)[0]
        used = sorted([*wheels.glob("*/*.whl"), *wheels.glob("shiv-*.whl")])  # not all of the builder's wheels
        self.wheels = {path.name: _sha256(path) for path in used}


def main(arguments: Optional[List[str]] = None) -> int:
    """Write and list the files; return 1 if the tag isn't this version's, or the changelog has no section for it."""
    options = _options(arguments)
    made = Release(options.pyz, options.wheels, options.repository)
    notes = changelog_section(_text("CHANGELOG.md"), made.version)
    if options.tag and (options.tag != f"v{made.version}" or notes is None):
        print(f"The tag is {options.tag}, the version {made.version}", end=", ", file=sys.stderr)
        print(f"and CHANGELOG.md has {'a' if notes else 'no'} section of it. All three must agree.", file=sys.stderr)
        return 1
    if notes is None:
        notes = changelog_section(_text("CHANGELOG.md"), "Unreleased") or ""
    files = {
        "llamabar.pyz.sha256": f"{made.sha256}  llamabar.pyz\n",
        "llamabar.cdx.json": json.dumps(bill_of_materials(made), indent=2, sort_keys=True) + "\n",
        "release-notes.md": notes,
        "llamabar.rb": formula(made),
        "plugin-listing.txt": listing(made),
        "llamabar.1": made.manual.decode("utf-8"),
    }
    for name, text in files.items():
        (made.folder / name).write_bytes(text.encode("utf-8"))
        print(f"dist/{name}: {len(text.encode('utf-8')):,} bytes")
    commit = parts.commit()
    if commit == parts.NO_COMMIT or commit.endswith("+"):
        print("This was not built from a clean commit: good for a look, not for a release.")
    return 0


def changelog_section(changelog: str, version: str) -> Optional[str]:
    """Return a version's section in the changelog, without its heading; None if there is none."""
    found = re.search(rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found.group(1).strip() + "\n" if found else None


def bill_of_materials(made: Release) -> Dict[str, Any]:
    """Return a CycloneDX 1.5 document of the file and its parts. The same bytes give the same document."""
    components = [_component(part, made) for part in parts.parts()]
    root = f"pkg:generic/llamabar@{made.version}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, made.sha256)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": root, "name": "llamabar", "version": made.version, "purl": root,
                "description": made.description, "licenses": [{"license": {"id": made.licence}}],
                "hashes": [{"alg": "SHA-256", "content": made.sha256}],
                "properties": [{"name": "llamabar:commit", "value": parts.commit()}],
            }
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [component["bom-ref"] for component in components]}],
    }  # fmt: skip


def _component(part: parts.Part, made: Release) -> Dict[str, Any]:
    purl = f"pkg:pypi/{part.name}@{part.version}"
    wheel = f"{part.name.replace('-', '_')}-"
    hashes = {sha for name, sha in made.wheels.items() if name.startswith(wheel) and sha in part.sha256}
    return {
        "type": "library", "bom-ref": purl, "name": part.name, "version": part.version, "purl": purl,
        "scope": "required", "licenses": [{"license": {"id": one}} for one in part.licences],
        "properties": [{"name": "llamabar:wheel-sha256", "value": sha} for sha in sorted(hashes)],
    }  # fmt: skip


def formula(made: Release) -> str:
    """Return a Homebrew formula."""
    all_of = {made.licence, *(one for part in parts.parts() for one in part.licences)}
    licences = ", ".join(f'"{one}"' for one in sorted(all_of))
    return f'''class Llamabar < Formula
  desc "{made.description}"
  homepage "{made.homepage}"
  url "{made.url}", using: :nounzip
  version "{made.version}"
  sha256 "{made.sha256}"
  license all_of: [{licences}]

  depends_on "{PYTHON_FORMULA}"

  resource "manual" do
    url "{made.downloads}/llamabar.1"
    sha256 "{hashlib.sha256(made.manual).hexdigest()}"
  end

  def install
    bin.install "llamabar.pyz" => "llamabar"
    resource("manual").stage {{ man1.install "llamabar.1" }}
    generate_completions_from_executable(bin/"llamabar", "completions")
  end

  def caveats
    <<~EOS
      To see it in the menu bar (SwiftBar): llamabar install
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{{bin}}/llamabar --version")
  end
end
'''


def listing(made: Release) -> str:
    """Return the metadata that SwiftBar's and xbar's plugin lists read."""
    said = {
        "xbar.title": "llamabar",
        "xbar.version": f"v{made.version}",
        "xbar.author": made.author,
        "xbar.desc": made.description,
        "xbar.dependencies": "python3 (3.9 or newer), llama-swap",
        "xbar.abouturl": made.homepage,
        "swiftbar.type": "streamable",
        "swiftbar.useTrailingStreamSeparator": "true",
        "swiftbar.hideLastUpdated": "true",
    }
    return "".join(f"# <{key}>{value}</{key}>\n" for key, value in said.items())


def _options(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="build.py release")
    parser.add_argument("pyz", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("wheels", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tag", default="", help="fail unless this is v and the version, and the changelog has it")
    parser.add_argument("--repository", default=parts.repository() or UNKNOWN_REPOSITORY, help="OWNER/NAME on GitHub")
    return parser.parse_args(arguments)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _text(name: str) -> str:
    return (parts.ROOT / name).read_text("utf-8")


if __name__ == "__main__":
    sys.exit(main())
