"""codesign: -d with more or fewer v, -v. What may be executed counts as signed ad hoc; its hash is of its content."""

import hashlib
import os

from tests.mac.call import Call

HASH_LEVEL = 3  # CDHash is shown from -dvvv on


def run(call: Call) -> int:
    """Return 0, or 1 for what is not signed or not there. All words go to stderr."""
    flags = "".join(word[1:] for word in call.arguments if word.startswith("-") and not word.startswith("--"))
    level = flags.count("v") + sum(int(word[-1]) for word in call.arguments if word.startswith("--verbose="))
    paths = [word for word in call.arguments if not word.startswith("-")]
    if not paths:
        return call.err("Usage: codesign -s identity [-fv*] [-o flags] [-r reqs] [-i ident] path ...", 2)
    return max(_one(call, path, level, "d" in flags or "--display" in call.arguments) for path in paths)


def _one(call: Call, path: str, level: int, displays: bool) -> int:
    if not os.path.exists(path):
        return call.err(f"{path}: No such file or directory")
    real = os.path.realpath(path)
    if not os.path.isfile(real) or not os.stat(real).st_mode & 0o111:
        return call.err(f"{path}: code object is not signed at all")
    if not displays:
        return 0
    lines = [f"Executable={real}"]
    if level:
        size = os.path.getsize(real)
        lines += [f"Identifier={os.path.basename(real)}", "Format=Mach-O thin (arm64)"]
        lines += [f"CodeDirectory v=20400 size={size} flags=0x20002(adhoc,linker-signed) hashes=1+0 location=embedded"]
    if level >= HASH_LEVEL:
        lines += ["Hash type=sha256 size=32", f"CDHash={cd_hash(real)}"]
    if level:
        lines += ["Signature=adhoc", "Info.plist=not bound", "TeamIdentifier=not set", "Sealed Resources=none"]
        lines += ["Internal requirements=none"]
    call.stderr += [f"{line}\n" for line in lines]
    return 0


def cd_hash(path: str) -> str:
    """Return 40 digits that change with the content."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:40]
