"""The limits of a model's requests, which every server and the proxy hold to."""

from dataclasses import dataclass
from typing import Annotated

from allowed_values.rules import Range, RefusedValueError

from .checked import Checked

_Tokens = Annotated[int, Range(at_least=1, at_most=1_048_576)]  # no model has a longer window

# Each of them is an execution of the proxy, and a place in the server's queue.
MAX_CONCURRENT_REQUESTS = Range(at_least=1, at_most=10_000)


@dataclass(frozen=True, kw_only=True)
class RequestLimits(Checked):
    """The tokens that one request may use, and the requests that one instance works on at once."""

    max_input_length: _Tokens
    max_total_tokens: _Tokens
    # TGI's default. It refuses more as `overloaded`; vLLM and llama.cpp let them wait. The proxy's
    # reservation and the scaling's target follow it, and no request may ask for more sequences at
    # once.
    max_concurrent_requests: Annotated[int, MAX_CONCURRENT_REQUESTS] = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_input_length >= self.max_total_tokens:
            raise RefusedValueError(
                f"max_input_length must be below max_total_tokens {self.max_total_tokens},"
                f" got {self.max_input_length}"
            )

    def with_window(self, max_total_tokens: int) -> "RequestLimits":
        """Return the limits in another window, with the same room for the longest prompt's answer.

        Raise ValueError for a window that has none beside it.
        """
        room = self.max_total_tokens - self.max_input_length
        if max_total_tokens <= room:
            raise RefusedValueError(
                f"window must be above the {room} tokens that are kept for an answer, got"
                f" {max_total_tokens}"
            )
        return RequestLimits(
            max_input_length=max_total_tokens - room,
            max_total_tokens=max_total_tokens,
            max_concurrent_requests=self.max_concurrent_requests,
        )
