"""Compares the proxy's token counts with those that the server reports."""

from invoke_proxy.generation import Chunk, End
from invoke_proxy.http.logs import Record


class UsageCheck:
    """Counts one generation's tokens as they arrive; notes a difference, and fails nothing."""

    __slots__ = ("_count", "_prompt_tokens", "_record")

    def __init__(self, record: Record, prompt_tokens: int) -> None:
        self._record = record
        self._prompt_tokens = prompt_tokens
        self._count = 0

    def __call__(self, chunk: Chunk) -> None:
        """Count what has arrived; compare at the end."""
        self._count += chunk.count
        self._record.tokens(chunk.count)
        if chunk.end is not None:
            self._compare(chunk.end)

    def _compare(self, end: End) -> None:
        own = {"prompt_tokens": self._prompt_tokens, "completion_tokens": self._count}
        for name, counted in own.items():
            reported = getattr(end, name)
            if reported is not None and reported != counted:
                self._record.usage_differs(name, reported - counted)
