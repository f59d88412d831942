"""Server-sent events, decoded from bytes that may be cut anywhere."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from invoke_proxy.generation import Chunk
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.servers.server import Reader

MAX_FRAME_BYTES = 1024 * 1024  # TGI's last frame holds the whole text.
_END_SECONDS = 1.0  # The answer is complete: the client does not wait longer for the connection.


async def chunks(
    parts: AsyncGenerator[bytes], reader: Reader, observe: Callable[[Chunk], None]
) -> AsyncGenerator[Chunk]:
    """Yield the chunks of an answer, each after `observe`.

    Raises EndpointError unless the stream has an end.
    """
    rest = b""
    read = reader.read
    async with aclosing(parts):
        async for part in parts:
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if not line.startswith(b"data:") or (chunk := read(line[5:])) is None:
                    continue
                observe(chunk)
                yield chunk
                if chunk.end is not None:
                    await _read_to_end(parts)
                    return
            if len(rest) > MAX_FRAME_BYTES:
                raise EndpointError("model_error", "endless frame")
    last = reader.rest()
    if last is None:
        raise EndpointError("stream_interrupted")
    observe(last)
    yield last


async def _read_to_end(parts: AsyncGenerator[bytes]) -> None:
    """Read to the end, so that the connection is kept for the next request."""
    with suppress(EndpointError, TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            async for _ in parts:
                pass
