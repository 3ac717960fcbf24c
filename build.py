#!/usr/bin/env python3
"""Project tasks: set up, build, demo, test, check, bench. Needs Python 3.9 or newer and nothing else.

    python3 build.py            lists the commands
"""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, List

from tools import parts

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 9)
VENV = ROOT / ".venv"
WHEELS = ROOT / ".wheels"
PYZ = ROOT / "dist" / "llamabar.pyz"
STAMP = VENV / "llamabar-setup.txt"
PLATFORMS = ("macosx_11_0_arm64", "macosx_10_9_x86_64", "manylinux2014_x86_64")
SIDE_BY_SIDE = ("-n", "4", "--dist", "worksteal")  # most tests spend their time waiting for a process
CHECK_FUZZ_S, TEST_FUZZ_S = "60", "4"  # in addition to the kept corpus; `fuzz` runs for an hour
INTERPRETERS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


class Failed(Exception):
    """A step that failed, and what to do."""


def main(arguments: List[str]) -> int:
    """Run a command and return its exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__.strip().splitlines()[0] + "\n")
        for name, command in COMMANDS.items():
            print(f"    python3 build.py {name:<8} {(command.__doc__ or '').splitlines()[0]}")
        return 0
    command = COMMANDS.get(arguments[0])
    if command is None:
        print(f"There is no command {arguments[0]!r}. `python3 build.py` lists them.", file=sys.stderr)
        return 2
    try:
        return command(arguments[1:])
    except Failed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def setup(_: List[str]) -> int:
    """Makes .venv from hash-pinned requirements, unless it is up to date."""
    wanted = _fingerprint()
    if STAMP.is_file() and STAMP.read_text("utf-8") == wanted and _python().exists():
        return 0
    print("Setting up .venv …", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    _run(
        "making .venv",
        [sys.executable, "-m", "venv", str(VENV)],
        "Install Python's venv module (Debian: python3-venv).",
    )
    _install()
    site = next(VENV.glob("lib/python*/site-packages"))
    (site / "llamabar.pth").write_text(f"{ROOT / 'src'}\n{ROOT / 'installer'}\n", "utf-8")
    STAMP.write_text(wanted, "utf-8")
    return 0


def pyz(_: List[str]) -> int:
    """Builds dist/llamabar.pyz, the one file that runs everywhere."""
    setup([])
    wanted = _tree_fingerprint()
    stamp = ROOT / "build" / "pyz.txt"
    if PYZ.is_file() and stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return 0
    for platform in PLATFORMS:
        _fetch_platform(platform)
    _run(
        "building the pyz",
        [str(_python()), "-B", str(ROOT / "tools" / "pyz.py"), str(WHEELS), str(PYZ)],
        "See the lines above.",
    )
    stamp.write_text(wanted, "utf-8")
    print(f"{PYZ.relative_to(ROOT)}: {PYZ.stat().st_size:,} bytes", flush=True)
    return 0


def demo(arguments: List[str]) -> int:
    """Runs the real program against the built-in llama-swap; options are passed to it (--seconds N)."""
    pyz([])
    return _call([str(PYZ), "demo", *arguments])


def test(arguments: List[str]) -> int:
    """Checks, then runs all tests or those of one module or room (test NAME); --all adds long ones and every Python."""
    everything = "--all" in arguments
    arguments = [path for word in arguments if word != "--all" for path in _tests_named(word)]
    setup([])
    steps = _checks(["--seconds", TEST_FUZZ_S])
    steps[1:1] = [functools.partial(pyz, []), *([] if arguments else [_read_tests])]
    _two_at_a_time(steps)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **({"LLAMABAR_LONG_TESTS": "1"} if everything else {})}
    code = _call([str(_python()), "-m", "pytest", *SIDE_BY_SIDE, *arguments], environment)
    for version in INTERPRETERS if everything and code == 0 else ():
        code = max(code, _test_with(version))
    return code


def check(arguments: List[str]) -> int:
    """Runs lint, types, the import rule, the code figures and a minute of fuzzing (--seconds N)."""
    setup([])
    _two_at_a_time(_checks(arguments or ["--seconds", CHECK_FUZZ_S]))
    return 0


def bench(arguments: List[str]) -> int:
    """Prints every figure in one table, next to a simple plugin's of the same run (--json, --compare FILE, --page)."""
    pyz([])
    return _call([str(_python()), str(ROOT / "tools" / "bench.py"), *arguments])


def soak(arguments: List[str]) -> int:
    """Runs a month in minutes: memory, threads, descriptors and files must not grow (--events N)."""
    pyz([])
    return _call([str(_python()), str(ROOT / "tools" / "soak.py"), *arguments])


def fuzz(arguments: List[str]) -> int:
    """Feeds hostile bytes to every reader of outside text for an hour (--seconds N, TARGET)."""
    setup([])
    return _call([str(_python()), str(ROOT / "tools" / "fuzz.py"), *arguments])


def live(arguments: List[str]) -> int:
    """Runs the end-to-end checks against every llama-swap on PATH, or against those named."""
    pyz([])
    return _call([str(_python()), str(ROOT / "tools" / "live.py"), *arguments])


def pictures(_: List[str]) -> int:
    """Makes docs/pictures, every state of the menu, with a headless Chromium."""
    setup([])
    return _call([str(_python()), "-m", "tools.pictures"])


def fleet(_: List[str]) -> int:
    """Makes docs/pictures/fleet-*.svg, the Grafana dashboard's panels, with data from a real Prometheus."""
    pyz([])
    return _call([str(_python()), "-m", "tools.fleet_pictures"])


def release(arguments: List[str]) -> int:
    """Builds a release's other files: sha256, SBOM, notes, formula, listing; --tag vX.Y.Z checks the version."""
    pyz([])
    return _call([str(_python()), str(ROOT / "tools" / "release.py"), str(PYZ), str(WHEELS), *arguments])


def lock(_: List[str]) -> int:
    """Refreshes requirements/*.txt from pyproject.toml, with hashes for every platform (needs uv on PATH)."""
    if not shutil.which("uv"):
        raise Failed("uv was not found. Install it: python3 -m pip install uv")
    for name, extra in (("runtime", []), ("dev", ["--extra", "dev"])):
        words = ["uv", "pip", "compile", "-q", "--universal", "--python-version", "3.9", "--generate-hashes"]
        words += ["--no-header", "--no-annotate", "--no-emit-index-url", *extra, "pyproject.toml"]
        _run(f"locking {name}", [*words, "-o", f"requirements/{name}.txt"], "See the lines above.")
    return 0


COMMANDS: Dict[str, Callable[[List[str]], int]] = {
    "setup": setup, "demo": demo, "test": test, "check": check, "pyz": pyz, "bench": bench, "live": live, "lock": lock,
    "soak": soak, "fuzz": fuzz, "pictures": pictures, "fleet": fleet, "release": release,
}  # fmt: skip


def _checks(fuzzing: List[str]) -> "List[Callable[[], object]]":
    """Return the steps of `check`, longest first."""
    return [
        functools.partial(_say, name, [str(_python()), *words])
        for name, words in (
            ("mypy (types)", ["-m", "mypy"]),
            ("fuzz", [str(ROOT / "tools" / "fuzz.py"), *fuzzing, "--quiet"]),
            ("the house", [str(ROOT / "tools" / "house.py")]),
            ("import rule", [str(ROOT / "tools" / "layers.py")]),
            ("ruff (lint)", ["-m", "ruff", "check", "--quiet", "src", "installer", "tests", "tools", "build.py"]),
        )
    ]


def _read_tests() -> None:
    """Compile the program and the tests once; otherwise every process that a test starts would compile them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    _say("compiling", [str(_python()), "-m", "compileall", "-q", "src", "installer"], environment, quiet=True)
    _say("reading the tests", [str(_python()), "-m", "pytest", "--collect-only", "-q"], environment, quiet=True)


def _two_at_a_time(steps: "List[Callable[[], object]]") -> None:
    """Run independent steps that each keep one core busy, two at a time; raise the first step's failure."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(step) for step in steps]:
            done.result()


def _install() -> None:
    """Install from the downloaded wheels; download them first if some are missing."""
    requirements = str(ROOT / "requirements" / "dev.txt")
    pip = [str(_python()), "-m", "pip", "--disable-pip-version-check", "-q"]
    offline = [*pip, "install", "--no-index", "--find-links", str(WHEELS), "--require-hashes", "-r", requirements]
    quiet = {"cwd": ROOT, "stdin": subprocess.DEVNULL, "capture_output": True}
    if WHEELS.is_dir() and subprocess.run(offline, **quiet).returncode == 0:
        return
    download = [*pip, "download", "--require-hashes", "-r", requirements, "-d", str(WHEELS)]
    done = subprocess.run(download, **quiet, text=True)
    if done.returncode:
        missing = re.findall(r"(?:satisfies the requirement|No matching distribution found for) (\S+)", done.stderr)
        tail = "\n".join(done.stderr.strip().splitlines()[-4:])
        what = f"{missing[0]} is missing" if missing else f"pip said:\n{tail}"
        raise Failed(
            f"Step failed: fetching what .venv needs; {what}.\nGo online once, or put the wheels into {WHEELS.name}/."
        )
    _run("installing", offline, f"Remove {WHEELS.name}/ and try again.")


def _fetch_platform(platform: str) -> None:
    """Download one platform's wheels for the runtime requirements, unless they are there."""
    requirements = ROOT / "requirements" / "runtime.txt"
    folder = WHEELS / platform
    stamp = folder / "locked.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    print(f"Fetching wheels for {platform} …", flush=True)
    words = [
        str(_python()),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "-q",
        "download",
        "--no-deps",
        "--require-hashes",
    ]
    words += ["--only-binary=:all:", "--platform", platform, "--python-version", "3.9", "--implementation", "cp"]
    if platform.startswith("manylinux"):
        words += ["--platform", "manylinux2010_x86_64"]
    every = ROOT / "build" / "runtime-every-python.txt"
    every.parent.mkdir(exist_ok=True)
    every.write_text(_for_every_python(requirements.read_text("utf-8")), "utf-8")
    words += ["--abi", "abi3", "--abi", "none", "-r", str(every), "-d", str(folder)]
    _run(
        f"fetching wheels for {platform}", words, f"Go online once, or put the wheels into {folder.relative_to(ROOT)}/."
    )
    stamp.write_text(wanted, "utf-8")


def _for_every_python(requirements: str) -> str:
    """Return requirements without their markers: the file contains what its oldest Python needs."""
    entries = re.split(r"^(?=\S)", requirements, flags=re.MULTILINE)
    kept = [entry for entry in entries if "sys_platform == 'win32'" not in entry]
    return "".join(re.sub(r" ; [^\\\n]*", " ", entry, count=1) for entry in kept)


def _test_with(version: str) -> int:
    """Run every test that starts the program, using the built file with another interpreter, if it is installed."""
    found = _interpreter(version)
    if found is None:
        print(f"Python {version}: not found, not tested", flush=True)
        return 0
    print(f"Python {version}: the built file", flush=True)
    environment = {**os.environ, "LLAMABAR_TEST_PYTHON": found, "PYTHONDONTWRITEBYTECODE": "1"}
    modules = sorted((ROOT / "tests").rglob("test_*.py"))
    starting = [str(path) for path in modules if _starts_it(path.read_text("utf-8"))]
    return _call([str(_python()), "-m", "pytest", *SIDE_BY_SIDE, *starting], environment)


def _tests_named(word: str) -> List[str]:
    """Return the test modules and folders with a name (`queries`, `test_queries`, `core`); other words stay."""
    if word.startswith("-") or (ROOT / word.split("::")[0]).exists():
        return [word]
    name = Path(word).name.replace("test_", "").replace(".py", "")
    found = [*(ROOT / "tests").rglob(f"test_{name}.py"), *(ROOT / "tests").glob(word)]
    if not found:
        raise Failed(f"No test module or folder is called {word}.\nSee them: ls tests")
    return [str(path) for path in found]


def _starts_it(test: str) -> bool:
    """Tell whether a test file starts the program."""
    imports = re.search(r"from tests\.fakes\.(programs|here) import", test)
    return bool(imports and re.search(r"(?<![.\w])(Plugin|run|run_here|command|start)\(", test))


def _interpreter(version: str) -> "str | None":
    for path in (
        shutil.which(f"python{version}"),
        *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")),
    ):
        if path and subprocess.run([path, "-c", "pass"], capture_output=True).returncode == 0:
            return path
    return None


def _python() -> Path:
    return VENV / "bin" / "python"


def _fingerprint() -> str:
    locked = (ROOT / "requirements" / "dev.txt").read_bytes()
    return f"{hashlib.sha256(locked).hexdigest()} {sys.version} {ROOT}"


def _tree_fingerprint() -> str:
    digest = hashlib.sha256(f"{parts.commit()} {parts.repository()} {(ROOT / 'LICENSE').read_text('utf-8')}".encode())
    folders = [ROOT / name for name in ("src", "installer", "launchd_templates", "tools", "requirements")]
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        if "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _run(step: str, words: List[str], remedy: str) -> None:
    if subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        raise Failed(f"Step failed: {step}.\n{remedy}")


def _say(step: str, words: List[str], environment: "dict[str, str] | None" = None, *, quiet: bool = False) -> None:
    """Run a step in parallel with others, and print its output in one piece."""
    done = subprocess.run(
        words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode or not quiet:
        print(done.stdout.decode("utf-8", "replace"), end="", flush=True)
    if done.returncode:
        raise Failed(f"Step failed: {step}.\nFix what is listed above.")


def _call(words: List[str], environment: "dict[str, str] | None" = None) -> int:
    """Run a program, pass Ctrl-C on to it, and return its exit code."""
    process = subprocess.Popen(words, cwd=ROOT, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            time.sleep(0.1)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(f"build.py needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}.")
    sys.exit(main(sys.argv[1:]))
