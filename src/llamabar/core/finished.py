"""A finished request, as llama-swap lists it."""

from typing import NamedTuple, Optional


class FinishedRequest(NamedTuple):
    """One activity row. Rates and counts are None where the server didn't report them."""

    id: int
    model: str
    at_unix_s: Optional[float] = None
    path: str = ""
    status: Optional[int] = None
    prompt_tokens: Optional[int] = None
    cached_tokens: Optional[int] = None
    generated_tokens: Optional[int] = None
    prompt_tps: Optional[float] = None
    generation_tps: Optional[float] = None
    duration_s: Optional[float] = None
    error: str = ""
    draft_tokens: Optional[int] = None  # from v229 on, for speculative decoding
    accepted_tokens: Optional[int] = None
    client: str = ""  # if the request was seen in flight
    clock_s: float = 0.0  # how far the server's clock was ahead of this computer's

    @property
    def ended_unix_s(self) -> Optional[float]:
        """Return when it ended, by this computer's clock."""
        return None if self.at_unix_s is None else self.at_unix_s - self.clock_s
