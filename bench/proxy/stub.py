"""A SageMaker runtime whose model emits a token every 20 ms: `python -m bench.proxy.stub PORT`.

Every token's text is the moment it was sent, `@nanoseconds@` of the monotonic clock, which all
processes of a machine share: who receives it knows how long it was on its way.
"""

import asyncio
import json
import sys
import time
from binascii import crc32
from struct import pack
from typing import NamedTuple

from bench.stub_server import Connection, chunk, serve

SECONDS_A_TOKEN = 0.02

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"


class _Wire(NamedTuple):
    """A server's events: of a token, and of the last one of that many."""

    more: bytes
    last: bytes


_TGI = b'data:{"token":{"id":7,"text":"@%d@","logprob":-0.5,"special":false},'
_VLLM = (
    b'data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{'
    b'"index":0,"text":"@%d@","logprobs":null,"finish_reason":null,"stop_reason":null,"token_ids":[7]}]}\n\n'
)
_LLAMA_CPP = (
    b'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"@%d@"}}],"created":1,'
    b'"id":"chatcmpl-1","model":"m","system_fingerprint":"b1","object":"chat.completion.chunk",'
    b'"timings":{"cache_n":0,"prompt_n":1,"prompt_ms":1.0,"predicted_ms":1.0}}\n\n'
)
_USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":%d,"total_tokens":9}}\n\n'
    b"data: [DONE]\n\n"
)
# By the member that only this server's requests have.
_WIRES = {
    "inputs": _Wire(
        _TGI + b'"generated_text":null,"details":null}\n\n',
        _TGI + b'"generated_text":"x",'
        b'"details":{"finish_reason":"length","generated_tokens":%d,"seed":null}}\n\n',
    ),
    "prompt": _Wire(_VLLM, _VLLM.replace(b'_reason":null', b'_reason":"length"', 1) + _USAGE),
    "messages": _Wire(
        _LLAMA_CPP,
        _LLAMA_CPP
        + b'data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}]}\n\n'
        + _USAGE,
    ),
}


class _Runtime(Connection):
    """The model's runtime."""

    def answer(self, _head: bytes, body: bytes) -> None:
        """Stream as many tokens as are asked for."""
        asked = json.loads(body)
        self._wire = next(wire for member, wire in _WIRES.items() if member in asked)
        last = asked.get("max_tokens") or asked["parameters"]["max_new_tokens"]
        self.transport.write(_HEAD)
        loop = asyncio.get_running_loop()
        self._emit(loop, loop.time(), 0, last)

    def _emit(self, loop: asyncio.AbstractEventLoop, begun: float, sent: int, last: int) -> None:
        """Send a token and plan the next, by the clock: delays do not add up."""
        if self.transport.is_closing():
            return
        if sent:
            now, wire = time.monotonic_ns(), self._wire
            event = wire.more % now if sent < last else wire.last % (now, last)
            self.transport.write(_message(event))
        if sent == last:
            self.transport.write(_END)
            return
        at = begun + (sent + 1) * SECONDS_A_TOKEN
        loop.call_at(at, self._emit, loop, begun, sent + 1, last)


def _message(payload: bytes) -> bytes:
    """Return a PayloadPart of an event stream, as an HTTP chunk."""
    prelude = pack(">II", 16 + len(_HEADERS) + len(payload), len(_HEADERS))
    whole = prelude + pack(">I", crc32(prelude)) + _HEADERS + payload
    return chunk(whole + pack(">I", crc32(whole)))


def _header(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + b"\x07" + pack(">H", len(value)) + value


_HEADERS = _header(b":message-type", b"event") + _header(b":event-type", b"PayloadPart")


if __name__ == "__main__":
    asyncio.run(serve(_Runtime, int(sys.argv[1])))
