"""The one exception that is meant for the user."""


class LlamabarError(Exception):
    """A known fault: `message` says what was found and what was expected, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
