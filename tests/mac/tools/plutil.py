"""plutil: -lint, -convert, -extract, -p. It accepts more than launchd does: JSON, and `<true></true>`."""

import json
import os
import plistlib
import re
import sys
from typing import Any, List, Optional

from tests.mac.call import Call
from tests.mac.tools.defaults import shown

FORMATS = ("xml1", "binary1", "json", "raw")


def run(call: Call) -> int:
    """Return 0, or 1 when a file is no property list or has no such key."""
    words = list(call.arguments)
    output = _option(words, "-o")
    silent = "-s" in words
    verb = words.pop(0) if words and words[0] in ("-lint", "-convert", "-extract", "-p") else "-lint"
    about = [words.pop(0) for _ in range({"-convert": 1, "-extract": 2}.get(verb, 0)) if words]
    files = [word for word in words if word not in ("-s", "--", "-n")]
    wrong = about and about[-1] not in FORMATS
    if wrong or not files:
        return call.err("No files specified." if not files else f"Unknown format specifier: {about[-1]}")
    return max(_one(call, verb, about, path, output, silent) for path in files)


def _option(words: List[str], name: str) -> Optional[str]:
    if name not in words[:-1]:
        return None
    at = words.index(name)
    value = words[at + 1]
    del words[at : at + 2]
    return value


def _one(call: Call, verb: str, about: List[str], path: str, output: Optional[str], silent: bool) -> int:
    try:
        content = read(path)
    except FileNotFoundError:
        return call.err(f"{path}: file does not exist or is not readable or is not a regular file")
    except (OSError, ValueError) as error:
        call.out(f"{path}: (Property List error: {error} / JSON error: not JSON)")
        return 1
    if verb == "-lint":
        if not silent:
            call.out(f"{path}: OK")
        return 0
    if verb == "-extract":
        try:
            content = _value(content, about[0])
        except (KeyError, IndexError, TypeError, ValueError):
            words = f"No value at that key path or invalid key path: {about[0]}"
            return call.err(f"{path}: Could not extract value, error: {words}")
    _write(call, content if verb != "-p" else shown(content), about[-1] if about else "raw", output, path)
    return 0


def read(path: str) -> Any:
    """Return the content of a property list or of JSON; raise ValueError for anything else."""
    data = sys.stdin.buffer.read() if path == "-" else _bytes(path)
    try:
        return plistlib.loads(data)
    except Exception as error:  # plistlib raises whatever its parsers do
        try:
            return json.loads(data)
        except ValueError:
            raise ValueError(f"{type(error).__name__}: {error}") from error


def _bytes(path: str) -> bytes:
    if not os.path.isfile(path):
        raise FileNotFoundError(path)
    with open(path, "rb") as file:
        return file.read()


def _value(content: Any, key_path: str) -> Any:
    for key in re.split(r"(?<!\\)\.", key_path):
        content = content[int(key)] if isinstance(content, list) else content[key.replace("\\.", ".")]
    return content


def _write(call: Call, content: Any, form: str, output: Optional[str], path: str) -> None:
    if form == "raw":
        text = {True: "true", False: "false"}.get(content) if isinstance(content, bool) else None
        plain = len(content) if isinstance(content, (list, dict)) else content
        data = f"{text or plain}\n".encode()
    elif form == "json":
        data = json.dumps(content).encode()
    else:
        data = plistlib.dumps(content, fmt=plistlib.FMT_XML if form == "xml1" else plistlib.FMT_BINARY)
    if output == "-" or (form == "raw" and output is None):
        call.stdout.append(data.decode("utf-8", "surrogateescape"))
        return
    with open(output or path, "wb") as file:
        file.write(data)
