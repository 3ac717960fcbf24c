"""Builds dist/llamabar.pyz: locked wheels and our two packages, joined by shiv, the same bytes everywhere.

Run by build.py with the project's own Python, which has shiv.
"""

import json
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, Iterable, List

ROOT = Path(__file__).resolve().parent.parent
PLATFORMS = ("macosx_11_0_arm64", "macosx_10_9_x86_64", "manylinux2014_x86_64")
MAC_MODULE = "psutil/_psutil_osx.abi3.so"
ENTRY = "llamabar.launch:start"
LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|tests?)/|\.data/|/(RECORD|WHEEL|INSTALLER|REQUESTED|direct_url\.json|entry_points\.txt|top_level\.txt)$"
    r"|^psutil/_ps(aix|bsd|sunos|windows)\.py$|^urllib3/contrib/(emscripten|pyopenssl|socks)"
    r"|\.pyi$"
)
EPOCH = (1980, 1, 1, 0, 0, 0)
ALIGNMENT_BITS = 14


def build(wheels: Path, target: Path) -> None:
    """Write the archive; `wheels` has a folder of wheels for each platform."""
    stage = ROOT / "build" / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    stage_wheels(wheels, stage)
    stage_ours(stage)
    raw = ROOT / "build" / "raw.pyz"
    shiv = [sys.executable, "-m", "shiv", "--site-packages", str(stage), "-e", ENTRY, "-p", "/usr/bin/env python3"]
    subprocess.run([*shiv, "--reproducible", "-o", str(raw)], check=True, stdout=subprocess.DEVNULL)
    target.parent.mkdir(exist_ok=True)
    finish(raw, target)


def stage_wheels(wheels: Path, stage: Path) -> None:
    """Unpack every platform's wheels into one tree; the two macOS modules of psutil become one."""
    mac_modules: List[bytes] = []
    for platform in PLATFORMS:
        for wheel in sorted((wheels / platform).glob("*.whl")):
            for name, content in members(wheel):
                if name == MAC_MODULE:
                    mac_modules.append(content)
                elif not LEFT_OUT.search(name):
                    write(stage / name, content)
    write(stage / MAC_MODULE, fuse(mac_modules))


def stage_ours(stage: Path) -> None:
    """Copy our packages, and the templates into the installer's."""
    copies = {
        "llamabar": ROOT / "src" / "llamabar",
        "llamabar_installer": ROOT / "installer" / "llamabar_installer",
        "llamabar_installer/launchd_templates": ROOT / "launchd_templates",
    }
    for name, source in copies.items():
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                write(stage / name / path.relative_to(source), path.read_bytes())
    write(stage / "licenses" / "llamabar.txt", (ROOT / "LICENSE").read_bytes())


def members(wheel: Path) -> Iterable["tuple[str, bytes]"]:
    """Yield names and contents of a wheel's files, sorted."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith("/"):
                yield name, archive.read(name)


def write(path: Path, content: bytes) -> None:
    """Write a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def fuse(slices: List[bytes]) -> bytes:
    """Return one universal Mach-O file of thin 64-bit ones, each unchanged at a 16 KiB border."""
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
    """Rewrite shiv's archive: our header, members sorted, times and modes fixed."""
    contents: Dict[str, bytes] = dict(members(raw))
    build_id = json.loads(contents["environment.json"])["build_id"]
    header = (ROOT / "tools" / "launcher.sh").read_text("utf-8").replace("@BUILD_ID@", build_id)
    temporary = target.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(header.encode("utf-8"))
        with zipfile.ZipFile(file, "w") as archive:
            for name in sorted(contents):
                info = zipfile.ZipInfo(name, EPOCH)
                info.create_system = 3
                info.external_attr = (0o100755 if name.endswith(".so") else 0o100644) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, contents[name], compresslevel=9)
    temporary.chmod(0o755)
    temporary.replace(target)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
