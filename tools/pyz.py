"""Builds dist/llamabar.pyz: locked wheels and our two packages, joined by shiv, with the same bytes everywhere.

Law: nothing of the machine goes in: no path, time, mode, folder order or zlib. So members are stored, not deflated.
build.py runs this with the project's own Python, which has shiv.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Dict, Iterable, List

import parts
import shipped_source

ROOT = Path(__file__).resolve().parent.parent
PLATFORMS = ("macosx_11_0_arm64", "macosx_10_9_x86_64", "manylinux2014_x86_64")
MAC_MODULE = "psutil/_psutil_osx.abi3.so"
ENTRY = "llamabar.boot.launch:start"
LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|tests?)/|\.(data|dist-info)/"
    r"|^psutil/_ps(aix|bsd|sunos|windows)\.py$|^urllib3/contrib/(emscripten|pyopenssl|socks)"
    r"|^click/(testing|_winconsole)\.py$|^urllib3/http2/connection\.py$"
    r"|^prometheus_client/(aiohttp|bridge|django|twisted|(openmetrics/)?parser\.py)"
    r"|\.pyi$"
)
LICENCE = re.compile(r"^([\w.]+)-[^/]+\.dist-info/(?:licenses/)?(LICEN[CS]E|NOTICE)(?:\.txt)?$")
LYING_ABOUT = re.compile(r"(^|/)(__pycache__/|\.)|(~|\.orig|\.rej|\.pyc)$")
NOT_SHIVS = ("SOURCE_DATE_EPOCH", "TZ", "PYTHONHASHSEED")
MAIN = """\
import sys

if sys.version_info < (3, 9):
    sys.exit("llamabar needs Python 3.9 or newer, and this is %d.%d: %s" % (sys.version_info[:2] + (sys.executable,)))
archive = sys.path[0]
sys.path[0] = archive + "/site-packages"

from llamabar.boot.unpack import main

main(archive)
"""
EPOCH = (1980, 1, 1, 0, 0, 0)
ALIGNMENT_BITS = 14


def build(wheels: Path, target: Path) -> None:
    """Write the archive. `wheels` has a folder of wheels for each platform."""
    stage = ROOT / "build" / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    stage_wheels(wheels, stage)
    stage_ours(stage)
    stage_licences(stage)
    raw = ROOT / "build" / "raw.pyz"
    shiv = [sys.executable, "-m", "shiv", "--site-packages", str(stage), "-e", ENTRY, "-p", "/usr/bin/env python3"]
    environment = {name: value for name, value in os.environ.items() if name not in NOT_SHIVS}
    subprocess.run([*shiv, "--reproducible", "-o", str(raw)], check=True, stdout=subprocess.DEVNULL, env=environment)
    target.parent.mkdir(exist_ok=True)
    finish(raw, target)


def stage_wheels(wheels: Path, stage: Path) -> None:
    """Unpack every platform's wheels into one tree, and join psutil's two macOS modules into one."""
    mac_modules: List[bytes] = []
    for platform in PLATFORMS:
        for wheel in sorted((wheels / platform).glob("*.whl")):
            for name, content in members(wheel):
                if name == MAC_MODULE:
                    mac_modules.append(content)
                elif LICENCE.match(name):
                    part, kind = LICENCE.match(name).groups()
                    ending = ".NOTICE.txt" if kind == "NOTICE" else ".txt"
                    write(stage / "licenses" / f"{part.replace('_', '-')}{ending}", content)
                elif not LEFT_OUT.search(name):
                    write(stage / name, shipped_source.slim(name, content))
    write(stage / MAC_MODULE, fuse(mac_modules))


def stage_ours(stage: Path) -> None:
    """Copy our packages, with the templates into the installer's."""
    copies = {
        "llamabar": ROOT / "src" / "llamabar",
        "llamabar_installer": ROOT / "installer" / "llamabar_installer",
        "llamabar_installer/launchd_templates": ROOT / "launchd_templates",
    }
    for name, source in copies.items():
        for path in sorted(source.rglob("*")):
            if path.is_file() and not LYING_ABOUT.search(path.relative_to(source).as_posix()):
                write(stage / name / path.relative_to(source), shipped_source.slim(path.name, path.read_bytes()))
    write(stage / "licenses" / "llamabar.txt", (ROOT / "LICENSE").read_bytes())
    write(stage / "llamabar" / "commit.txt", parts.commit().encode("ascii"))
    write(stage / "llamabar" / "repository.txt", parts.repository().encode("ascii"))


def stage_licences(stage: Path) -> None:
    """Add the license of shiv's bootstrap and the list of parts. Each part must have brought its own license."""
    text = distribution("shiv").read_text("LICENSE")
    write(stage / "licenses" / "shiv.txt", (text or "").encode("utf-8"))
    lines = [f"{part.name} {part.version}: {part.licence}, {part.name}.txt\n" for part in parts.parts()]
    write(stage / "licenses" / "PARTS.txt", "".join(lines).encode("utf-8"))
    for part in parts.parts():
        if not (stage / "licenses" / f"{part.name}.txt").is_file():
            raise SystemExit(f"{part.name} brings no licence that was found; see LICENCE in tools/pyz.py")


def members(wheel: Path) -> Iterable["tuple[str, bytes]"]:
    """Yield names and contents of a wheel's files, sorted."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith("/"):
                yield name, archive.read(name)


def write(path: Path, content: bytes) -> None:
    """Write a file, creating its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def fuse(slices: List[bytes]) -> bytes:
    """Return a universal Mach-O file of thin 64-bit ones, each unchanged and aligned to 16 KiB."""
    records, position = [], 8 + 20 * len(slices)
    step = 1 << ALIGNMENT_BITS
    for piece in sorted(slices, key=lambda piece: struct.unpack_from("<I", piece, 4)):
        magic, cpu, kind = struct.unpack_from("<3I", piece)
        if magic != 0xFEEDFACF:
            raise SystemExit("psutil's macOS module is not a thin 64-bit Mach-O file")
        position = -(-position // step) * step
        records.append((cpu, kind, position, len(piece), ALIGNMENT_BITS, piece))
        position += len(piece)
    out = bytearray(struct.pack(">2I", 0xCAFEBABE, len(records)))
    for record in records:
        out += struct.pack(">5I", *record[:5])
    for record in records:
        out += bytes(record[2] - len(out)) + record[5]
    return bytes(out)


def finish(raw: Path, target: Path) -> None:
    """Rewrite shiv's archive: our header and `__main__`, members sorted and stored, times and modes fixed."""
    contents: Dict[str, bytes] = dict(members(raw))
    environment = json.loads(contents["environment.json"])
    contents["environment.json"] = json.dumps(environment, indent=1, sort_keys=True).encode("ascii")
    contents["__main__.py"] = MAIN.encode("ascii")
    build_id = environment["build_id"]
    header = (ROOT / "tools" / "launcher.sh").read_text("utf-8").replace("@BUILD_ID@", build_id)
    temporary = target.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(header.encode("utf-8"))
        with zipfile.ZipFile(file, "w") as archive:
            for name in sorted(contents):
                info = zipfile.ZipInfo(name, EPOCH)
                info.create_system = 3
                info.external_attr = (0o100755 if name.endswith(".so") else 0o100644) << 16
                info.compress_type = zipfile.ZIP_STORED
                archive.writestr(info, contents[name])
    temporary.chmod(0o755)
    temporary.replace(target)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
