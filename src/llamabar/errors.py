"""The one exception that is a message to the user."""


class LlamabarError(Exception):
    """A known fault: what was found and expected, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
