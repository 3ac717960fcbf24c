"""Feeds hostile bytes to every reader of outside text: the kept corpus, its mutations, made-up structures.

    python3 build.py fuzz                    an hour
    python3 build.py fuzz --seconds 60 NAME  some targets; NAME as in tests/fuzz/targets.py

First, every file of tests/fuzz/corpus goes to its target. Then the time is shared between mutations of the corpus (cut,
joined and changed bytes) and values from hypothesis, made of the words that the target knows. If atheris is installed
(CPython 3.11 to 3.13 on Linux: `pip install atheris`), it chooses mutations by the code they reach. An input that makes
a target raise is shortened as far as possible, added to the corpus and printed: from then on it is a test.
"""

import argparse
import hashlib
import importlib.util
import json
import random
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Callable, List, Optional

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "installer"), str(ROOT)]

from hypothesis import HealthCheck, Phase, given  # noqa: E402
from hypothesis import settings as rules  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from tests.fuzz.targets import STRUCTURED, TARGETS, dumps  # noqa: E402

from llamabar.core.fields import parse  # noqa: E402

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
HOUR_S = 3600.0
SLOW_S = 2.0  # of CPU, for one input of at most MOST_BYTES
MOST_BYTES = 60_000
BATCH, MADE_UP = 300, 30  # mutations and made-up values, in turn
ODD = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\n", b"\r\n", b"\n\n", b"|", b"\\", b'"', b"[" * 2000, b"{", b"}", b"-1",
    b"1e400", b"NaN", b"Infinity", b"9" * 400, b"9" * 5000, b"\xc2\xb2", b"\xd9\xa3", b"\\u0000", b"\\ud800", b"null",
    b"true", b"~~~", b"\x1b[", b"\xe2\x80\xae", b"0", b"0.5", b"1e-320", b"18446744073709551616",
    b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59",
)  # fmt: skip
VALUES = (
    None, True, -1, 0, 0.5, 1 << 70, 10**400, 1e308, -1e308, float("nan"), "", "9" * 400, "\ud800", "x|\n--y" * 90, [],
    {}, [None, [1]], {"id": {"id": 1}}, [[[[[[[[]]]]]]]], "{", "0001-01-01T00:00:00+23:59",
)  # fmt: skip


class Found(Exception):
    """An input that makes a target raise, or that takes too long."""

    def __init__(self, data: bytes, why: str) -> None:
        super().__init__(why)
        self.data = data
        self.why = why


def main(arguments: List[str]) -> int:
    """Fuzz and print what was found; return 1 if anything was."""
    parser = argparse.ArgumentParser(prog="build.py fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=HOUR_S)
    parser.add_argument("--quiet", action="store_true", help="say only what was found")
    parser.add_argument("--page", action="store_true", help="keep what was done for docs/reliability.md")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args(arguments)
    names = asked.targets or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        print(f"There is no target {unknown[0]!r}. There are: {', '.join(TARGETS)}.", file=sys.stderr)
        return 2
    atheris = not asked.quiet and importlib.util.find_spec("atheris") is not None
    say = (lambda _: None) if asked.quiet else (lambda text: print(text, flush=True))
    say(f"{len(names)} targets, {asked.seconds:g} s, seed {asked.seed}, {'with' if atheris else 'without'} atheris")
    each_s = asked.seconds / len(names)
    counts = {name: _fuzz(name, each_s, asked.seed, atheris=atheris, say=say) for name in names}
    if asked.page:
        said = {"seconds": asked.seconds, "atheris": atheris, "inputs": counts}
        (ROOT / "docs" / "fuzz.json").write_text(json.dumps(said, indent=1) + "\n", "utf-8")
    return 1 if None in counts.values() else 0


def corpus(name: str) -> List[bytes]:
    """Return a target's kept inputs, sorted by name."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def fuzz(name: str, target: Callable[[bytes], None], seconds: float, chance: random.Random) -> int:
    """Feed inputs to a target for some seconds; return how many; raise Found."""
    known, ends_s, count = [*corpus(name), b""], time.monotonic() + seconds, 0
    for data in known:
        _try(target, data)
    structured = _structured(name)
    while time.monotonic() < ends_s:
        for _ in range(BATCH):
            _try(target, mutated(chance, known))
            count += 1
            if time.monotonic() >= ends_s:
                break
        else:
            count += MADE_UP
            if structured is not None:
                _values(target, structured, chance.getrandbits(32))
    return count + len(known)


def mutated(chance: random.Random, known: List[bytes]) -> bytes:
    """Return a corpus input with one to six changes; if it is JSON, in half the cases with changed values instead."""
    data = bytearray(chance.choice(known)[:MOST_BYTES])
    value = parse(bytes(data)) if chance.random() < 0.5 else None
    if isinstance(value, (dict, list)):
        return json.dumps(changed(chance, value)).encode()[:MOST_BYTES]
    for _ in range(chance.randint(1, 6)):
        at, until = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        until = min(until, at + chance.choice((0, 1, 8, 1000)))
        other = chance.choice(known)
        start = chance.randrange(len(other) + 1)
        data[at:until] = chance.choice((
            chance.choice(ODD), bytes([chance.randrange(256)]), other[start : start + chance.randrange(200)], b"",
            bytes(data[at:until]) * chance.randrange(5),
        ))  # fmt: skip
    return bytes(data[:MOST_BYTES])


def changed(chance: random.Random, value: Any) -> Any:
    """Return a JSON value with parts of it missing, replaced or of another type, including JSON within its strings."""
    if chance.random() < 0.1:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        return {key: changed(chance, one) for key, one in value.items() if chance.random() < 0.95}
    if isinstance(value, list):
        return [changed(chance, one) for one in value * chance.choice((1, 1, 1, 2)) if chance.random() < 0.95]
    inner = parse(value) if isinstance(value, str) and value[:1] in ("{", "[") else None
    return value if inner is None else json.dumps(changed(chance, inner))


def shortest(target: Callable[[bytes], None], data: bytes, seconds: float = 10.0) -> bytes:
    """Return a shorter input that fails in the same way, as far as one can be found in the time."""
    ends_s, kind, step = time.monotonic() + seconds, _kind(target, data), max(1, len(data) // 2)
    while step and time.monotonic() < ends_s:
        pieces = (data[:at] + data[at + step :] for at in range(0, len(data), step))
        found = next((piece for piece in pieces if _kind(target, piece) == kind), None)
        data, step = (found, step) if found is not None else (data, step // 2)
    return data


def _fuzz(name: str, seconds: float, seed: int, *, atheris: bool, say: Callable[[str], None]) -> Optional[int]:
    """Fuzz one target and print the result; return the number of inputs, None if something was found."""
    target, count = TARGETS[name], 0
    try:
        count = fuzz(name, target, seconds / 2 if atheris else seconds, random.Random(f"{seed} {name}"))
        if atheris:
            count += _guided(name, seconds / 2)
    except Found as found:
        data = shortest(target, found.data)
        path = CORPUS / name / hashlib.sha256(data).hexdigest()[:12]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{name:<10} {found.why} (seed {seed})")
        print(f"{'':<10} kept in {path.relative_to(ROOT)}: {data[:200]!r}", flush=True)
        return None
    say(f"{name:<10} {count:>9,} inputs")
    return count


def _try(target: Callable[[bytes], None], data: bytes) -> None:
    began_s = time.process_time()
    why = _kind(target, data)
    if why:
        raise Found(data, why)
    if time.process_time() - began_s > SLOW_S:
        raise Found(data, f"took {time.process_time() - began_s:.1f} s of CPU for {len(data):,} bytes")


def _kind(target: Callable[[bytes], None], data: bytes) -> str:
    """Return what an input makes a target raise, and where; "" if nothing."""
    try:
        target(data)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
    return ""


def _structured(name: str) -> "Optional[st.SearchStrategy[bytes]]":
    if name not in STRUCTURED:
        return None
    kind, words = STRUCTURED[name]
    word = st.sampled_from(words)
    if kind == "lines":
        line = st.lists(word, max_size=4).map(lambda parts: " ".join(parts) if name == "settings" else "".join(parts))
        return st.lists(line, max_size=12).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))
    leaf = st.one_of(st.integers(-2, 99), st.floats(), word, st.sampled_from(VALUES))
    value = st.recursive(leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(word, inner, max_size=6))
    return value.map(lambda one: dumps(kind, one))


def _values(target: Callable[[bytes], None], structured: "st.SearchStrategy[bytes]", seed: int) -> None:
    """Feed made-up structures to a target."""
    from hypothesis import seed as seeded

    @seeded(seed)
    @rules(max_examples=MADE_UP, deadline=None, database=None, phases=[Phase.generate],
           suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(structured)
    def _give(data: bytes) -> None:
        _try(target, data)

    _give()


def _guided(name: str, seconds: float) -> int:
    """Let atheris search for inputs and return how many it tried; raise Found.

    It runs in its own process, since libFuzzer ends the process it runs in. Inputs that reach new code are kept in
    build/fuzz, where the next run starts.
    """
    folder = ROOT / "build" / "fuzz" / name
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, str(Path(__file__).resolve()), "--guided", name, str(folder), str(CORPUS / name)]
    words += [f"-max_total_time={int(seconds) or 1}", f"-artifact_prefix={folder}/", f"-max_len={MOST_BYTES}"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, cwd=ROOT, check=False)
    for path in folder.glob("crash-*"):
        data = path.read_bytes()
        path.unlink()
        _try(TARGETS[name], data)
    runs = re.findall(rb"^Done (\d+) runs", done.stderr, re.MULTILINE)
    return int(runs[0]) if runs else 0


def guided(arguments: List[str]) -> None:
    """Run atheris on one target in this process. Modules are imported again, to instrument them."""
    import atheris  # type: ignore[import-not-found]

    for module in [name for name in sys.modules if name.startswith(("llamabar", "tests.fuzz"))]:
        del sys.modules[module]
    with atheris.instrument_imports(include=["llamabar", "llamabar_installer"]):
        from tests.fuzz import targets
    atheris.Setup([sys.argv[0], *arguments[1:]], targets.TARGETS[arguments[0]])
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--guided"]:
        guided(sys.argv[2:])
    sys.exit(main(sys.argv[1:]))
