"""TGI's limits, under its own names; what TGI would not start with is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TgiLimits:
    """The tokens that one request and one batch may use, and the requests that are admitted."""

    max_input_length: int
    max_total_tokens: int
    max_batch_prefill_tokens: int
    max_batch_total_tokens: int | None = None
    max_concurrent_requests: int = 128  # TGI's default: more are refused as `overloaded`

    def __post_init__(self) -> None:
        if self.max_concurrent_requests < 1:
            raise ValueError(
                f"max_concurrent_requests must be positive, got {self.max_concurrent_requests}"
            )
        if not 0 < self.max_input_length < self.max_total_tokens:
            raise ValueError(
                "max_input_length must be positive and below max_total_tokens"
                f" {self.max_total_tokens}, got {self.max_input_length}"
            )
        if self.max_batch_prefill_tokens < self.max_input_length:
            raise ValueError(
                "max_batch_prefill_tokens must be at least max_input_length"
                f" {self.max_input_length}, got {self.max_batch_prefill_tokens}"
            )
        largest = max(self.max_total_tokens, self.max_batch_prefill_tokens)
        if self.max_batch_total_tokens is not None and self.max_batch_total_tokens < largest:
            raise ValueError(
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
