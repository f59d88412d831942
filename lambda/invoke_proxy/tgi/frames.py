"""TGI's server-sent events: decoded from bytes that may be cut anywhere, and encoded again."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

import msgspec

from invoke_proxy.http.errors import EndpointError
from invoke_proxy.http.unreadable import UNREADABLE
from invoke_proxy.tgi.types import StreamEvent

MAX_FRAME_BYTES = 1024 * 1024  # The last frame holds the whole text.
_END_SECONDS = 1.0  # The answer is complete: the client does not wait longer for the connection.


_CODES = {
    "generation": "model_error",
    "incomplete_generation": "model_error",
    "overloaded": "model_overloaded",
    "validation": "model_refused",
}


class _Failure(msgspec.Struct):
    """What TGI sends instead of a token when it fails; its text is not passed on."""

    error: str
    error_type: str | None = None


_event = msgspec.json.Decoder(StreamEvent)
_failure = msgspec.json.Decoder(_Failure)
_encoder = msgspec.json.Encoder()


async def stream_events(
    parts: AsyncGenerator[bytes], observe: Callable[[], None]
) -> AsyncGenerator[StreamEvent]:
    """Yield the tokens of a stream, each after `observe`.

    Raises EndpointError unless the stream ends with its last token.
    """
    rest = b""
    async with aclosing(parts):
        async for part in parts:
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if not line.startswith(b"data:"):
                    continue
                event = _decode(line[5:])
                observe()
                yield event
                if event.generated_text is not None:
                    await _read_to_end(parts)
                    return
            if len(rest) > MAX_FRAME_BYTES:
                raise EndpointError("model_error", "endless frame")
    raise EndpointError("stream_interrupted")


def frame(payload: msgspec.Struct) -> bytes:
    """Return an event as TGI writes it, without a space after `data:`."""
    return b"data:" + _encoder.encode(payload) + b"\n\n"


async def _read_to_end(parts: AsyncGenerator[bytes]) -> None:
    """Read to the end, so that the connection is kept for the next request."""
    with suppress(EndpointError, TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            async for _ in parts:
                pass


def _decode(payload: bytes) -> StreamEvent:
    try:
        return _event.decode(payload)
    except UNREADABLE:
        pass
    try:
        failure = _failure.decode(payload)
    except UNREADABLE:
        raise EndpointError("model_error", "garbage") from None
    raise _fault(failure.error_type)


def _fault(error_type: str | None) -> EndpointError:
    if error_type in _CODES:
        return EndpointError(_CODES[error_type], upstream=f"tgi {error_type}")
    return EndpointError("model_error", upstream="tgi")
