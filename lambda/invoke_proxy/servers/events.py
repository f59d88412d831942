"""Server-sent events, decoded from bytes that may be cut anywhere.

A token passes no generator but the two that read it: what is made of it, up to the client's bytes,
is made by plain calls.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Generic, TypeVar

from invoke_proxy.generation import Chunk
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.servers.server import Reader

MAX_FRAME_BYTES = 1024 * 1024  # TGI's last frame holds the whole text.
_END_SECONDS = 1.0  # The answer is complete: the client does not wait longer for the connection.

Item = TypeVar("Item")
# Appends what it makes of a chunk; returns whether it wants the next one.
Take = Callable[[Chunk, list[Item]], bool]


async def items(parts: AsyncGenerator[bytes], answer: "Answer[Item]") -> AsyncGenerator[list[Item]]:
    """Yield what is made of an answer, all that arrives at once together.

    Raises EndpointError unless the stream has an end.
    """
    async with aclosing(parts):
        async for part in parts:
            made: list[Item] = []
            try:
                answer.feed(part, made)
            except EndpointError:
                if made:
                    yield made  # It came before the fault.
                raise
            if made:
                yield made
            if answer.ended:
                await _read_to_end(parts)
            if answer.ended or not answer.goes_on:
                return
    made = []
    answer.break_off(made)
    yield made


class Answer(Generic[Item]):
    """One answer: its bytes in, items out; each chunk passes `observe` and `take` at once."""

    def __init__(self, reader: Reader, observe: Callable[[Chunk], None], take: Take[Item]) -> None:
        self._reader = reader
        self._observe = observe
        self._take = take
        self._rest = b""
        self.ended = False
        self.goes_on = True

    def feed(self, part: bytes, made: list[Item]) -> None:
        """Append what is made of a part; raise EndpointError for an error or garbage."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        read = self._reader.read
        for line in lines:
            if not line.startswith(b"data:") or (chunk := read(line[5:])) is None:
                continue
            self._observe(chunk)
            self.goes_on = self._take(chunk, made)
            self.ended = chunk.end is not None
            if self.ended or not self.goes_on:
                return
        if len(self._rest) > MAX_FRAME_BYTES:
            raise EndpointError("model_error", "endless frame")

    def break_off(self, made: list[Item]) -> None:
        """Append the end of a stream that breaks off; raise EndpointError if it has none."""
        last = self._reader.rest()
        if last is None:
            raise EndpointError("stream_interrupted")
        self._observe(last)
        self._take(last, made)


async def _read_to_end(parts: AsyncGenerator[bytes]) -> None:
    """Read to the end, so that the connection is kept for the next request."""
    with suppress(EndpointError, TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            async for _ in parts:
                pass
