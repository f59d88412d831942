"""Server-sent events as OpenAI writes them."""

import msgspec

DONE = b"data: [DONE]\n\n"

_encoder = msgspec.json.Encoder()


def event(payload: msgspec.Struct) -> bytes:
    """Return one event."""
    return b"data: " + _encoder.encode(payload) + b"\n\n"
