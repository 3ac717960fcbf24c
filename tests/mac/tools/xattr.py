"""xattr: -p, -w, -d, -c, -l, a list of names; through links unless -s."""

import os

from tests.mac import attributes
from tests.mac.call import Call

COUNTS = {"p": 1, "w": 2, "d": 1, "c": 0, "l": 0, "": 0}


def run(call: Call) -> int:
    """Return 0, or 1 when a file or an attribute is missing."""
    words = list(call.arguments)
    flags = ""
    while words and words[0].startswith("-") and len(words[0]) > 1:
        flags += words.pop(0)[1:]
    verb = next((flag for flag in flags if flag in "pwdcl"), "")
    count = COUNTS[verb]
    if set(flags) - set("pwdclrsvx") or len(words) <= count:
        return call.err("usage: xattr [-l] [-r] [-s] [-v] [-x] file [file ...]", 64)
    return max(_one(call, verb, flags, words[:count], path, len(words) - count > 1) for path in words[count:])


def _one(call: Call, verb: str, flags: str, about: "list[str]", path: str, several: bool) -> int:
    state, follow = call.state, "s" not in flags
    if not (os.path.exists(path) if follow else os.path.lexists(path)):
        return call.err(f"xattr: No such file: {path}")
    try:
        if verb == "w":
            attributes.put(path, about[0], os.fsencode(about[1]), state=state, follow=follow)
        elif verb == "c":
            for name in attributes.names(path, state=state, follow=follow):
                attributes.remove(path, name, state=state, follow=follow)
        elif verb == "d":
            if not attributes.remove(path, about[0], state=state, follow=follow):
                return call.err(f"xattr: {path}: No such xattr: {about[0]}")
        else:
            return _show(call, verb, about, path, f"{path}: " if several else "", follow)
    except PermissionError:
        return call.err(f"xattr: [Errno 13] Permission denied: '{path}'")
    return 0


def _show(call: Call, verb: str, about: "list[str]", path: str, before: str, follow: bool) -> int:
    for name in about or attributes.names(path, state=call.state, follow=follow):
        value = attributes.get(path, name, state=call.state, follow=follow)
        if value is None:
            return call.err(f"xattr: {path}: No such xattr: {name}")
        text = os.fsdecode(value)
        call.out(before + {"p": text, "l": f"{name}: {text}"}.get(verb, name))
    return 0
