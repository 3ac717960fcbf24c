"""launchctl: hands its arguments to launchd and prints the answer."""

import os

from tests.mac.call import Call


def run(call: Call) -> int:
    """Return launchd's own exit code."""
    request = {"launchctl": call.arguments, "folder": os.getcwd(), "tty": os.isatty(1)}
    answer = call.ask_launchd(request)
    call.stdout.append(answer["out"])
    call.stderr.append(answer["err"])
    return answer["code"]
