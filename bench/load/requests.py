"""One request as it was measured, and what it is judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request. Times are seconds of one clock; every duration starts when the request was due.

    In a closed loop a request is due when it is sent. In an open loop it is due when its arrival
    was planned, so that every figure shows a generator or a server that falls behind (no
    coordinated omission).
    """

    due: float
    sent: float
    arrivals: tuple[float, ...]  # of texts; a text may hold several tokens
    ended: float
    prompt_tokens: int | None = None  # as the server counts them
    completion_tokens: int | None = None
    failure: str | None = None  # its kind
    disconnected: bool = False  # by the client before the end, as the plan says

    @property
    def complete(self) -> bool:
        """Whether the answer came whole."""
        return self.failure is None and not self.disconnected

    @property
    def time_to_first_token(self) -> float | None:
        """Seconds until the first text arrived; None if none did."""
        return self.arrivals[0] - self.due if self.arrivals else None

    @property
    def request_latency(self) -> float | None:
        """Seconds until the last text, as AIPerf defines it; None if the answer is not whole."""
        return self.arrivals[-1] - self.due if self.complete and self.arrivals else None

    @property
    def inter_token_latency(self) -> float | None:
        """Seconds a token after the first one: AIPerf's definition, its mean over one request."""
        if self.request_latency is None or self.time_to_first_token is None:
            return None
        if not self.completion_tokens or self.completion_tokens == 1:
            return None
        return (self.request_latency - self.time_to_first_token) / (self.completion_tokens - 1)

    @property
    def time_per_output_token(self) -> float | None:
        """Seconds a token, the first one included: guidellm's and the published table's."""
        if self.request_latency is None or not self.completion_tokens:
            return None
        return self.request_latency / self.completion_tokens
