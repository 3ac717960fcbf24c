"""The exception whose text is a message to the user."""

from enum import Enum


class Code(str, Enum):
    """The kind of failure, for scripts that read `--json`. The values are stable."""

    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNKNOWN_MODEL = "unknown_model"
    AMBIGUOUS_MODEL = "ambiguous_model"
    UNKNOWN_REQUEST = "unknown_request"
    UNKNOWN_PROFILE = "unknown_profile"
    SEVERAL_SERVERS = "several_servers"
    UNSUPPORTED = "unsupported"  # this llama-swap is too old for it
    REFUSED = "refused"  # llama-swap, or this Mac, didn't do it
    SETTINGS = "settings"
    USAGE = "usage"
    DISK_FULL = "disk_full"
    INTERNAL = "internal"


class LlamabarError(Exception):
    """A known fault: what was found, what was expected, and how to fix it."""

    def __init__(self, message: str, hint: str = "", *, code: Code = Code.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
