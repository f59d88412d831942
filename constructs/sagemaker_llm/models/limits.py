"""TGI's limits, under its own names; what TGI would not start with is refused."""

from dataclasses import dataclass
from typing import Annotated

from allowed_values.rules import Range, RefusedValueError

from .checked import Checked

_Tokens = Annotated[int, Range(at_least=1, at_most=1_048_576)]  # no model has a longer window
_BatchTokens = Annotated[int, Range(at_least=1, at_most=2**32 - 1)]  # TGI's type

# Each of them is an execution of the proxy, and a place in the server's queue.
MAX_CONCURRENT_REQUESTS = Range(at_least=1, at_most=10_000)


@dataclass(frozen=True, kw_only=True)
class TgiLimits(Checked):
    """The tokens that one request and one batch may use, and the requests that are admitted."""

    max_input_length: _Tokens
    max_total_tokens: _Tokens
    max_batch_prefill_tokens: _BatchTokens
    max_batch_total_tokens: _BatchTokens | None = None
    # TGI's default: more are refused as `overloaded`. The proxy's reservation and the scaling's
    # target follow it, and no request may ask for more sequences at once.
    max_concurrent_requests: Annotated[int, MAX_CONCURRENT_REQUESTS] = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_input_length >= self.max_total_tokens:
            raise RefusedValueError(
                f"max_input_length must be below max_total_tokens {self.max_total_tokens},"
                f" got {self.max_input_length}"
            )
        if self.max_batch_prefill_tokens < self.max_input_length:
            raise RefusedValueError(
                "max_batch_prefill_tokens must be at least max_input_length"
                f" {self.max_input_length}, got {self.max_batch_prefill_tokens}"
            )
        largest = max(self.max_total_tokens, self.max_batch_prefill_tokens)
        if self.max_batch_total_tokens is not None and self.max_batch_total_tokens < largest:
            raise RefusedValueError(
                "max_batch_total_tokens must be at least max_total_tokens and"
                f" max_batch_prefill_tokens, so {largest}, got {self.max_batch_total_tokens}"
            )

    @property
    def environment(self) -> dict[str, str]:
        """The container's environment variables."""
        variables = {
            "MAX_INPUT_LENGTH": str(self.max_input_length),
            "MAX_TOTAL_TOKENS": str(self.max_total_tokens),
            "MAX_BATCH_PREFILL_TOKENS": str(self.max_batch_prefill_tokens),
            "MAX_CONCURRENT_REQUESTS": str(self.max_concurrent_requests),
        }
        if self.max_batch_total_tokens is not None:
            variables["MAX_BATCH_TOTAL_TOKENS"] = str(self.max_batch_total_tokens)
        return variables
