"""caffeinate (its man page): an assertion until it ends itself, or `-w pid` does; -t seconds; or around a utility.

Each assertion is noted in assertions.txt with the process that holds it: it lasts as long as that lives.
"""

import os
import subprocess
import time

from tests.mac.call import Call

USAGE = "usage: caffeinate [-disu] [-t timeout] [-w Process ID] [command arguments...]"
LOOK_EVERY_S = 0.02


def run(call: Call) -> int:
    """Return 0, the utility's exit code, or 64 for wrong usage; ends when the assertion does."""
    words, flags, numbers = list(call.arguments), "", {}
    while words and words[0].startswith("-"):
        for flag in words.pop(0)[1:]:
            if flag in "tw" and words and words[0].isdigit():
                numbers[flag] = int(words.pop(0))
            elif flag in "dimsu":
                flags += flag
            else:
                return call.err(USAGE, 64)
    call.note("assertions.txt", {"pid": os.getpid(), "flags": flags or "i", "waits_for": numbers.get("w")})
    if words:
        return subprocess.call(words)
    ends_s = time.monotonic() + numbers.get("t", float("inf"))
    while time.monotonic() < ends_s and ("w" not in numbers or is_alive(numbers["w"])):
        time.sleep(LOOK_EVERY_S)
    return 0


def is_alive(pid: int) -> bool:
    """Tell whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
