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

from bench.stub_server import Connection, chunk, serve

SECONDS_A_TOKEN = 0.02

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"
_TOKEN = b'data:{"token":{"id":7,"text":"@%d@","logprob":-0.5,"special":false},'
_MORE = _TOKEN + b'"generated_text":null,"details":null}\n\n'
_LAST = (
    _TOKEN + b'"generated_text":"x",'
    b'"details":{"finish_reason":"length","generated_tokens":%d,"seed":null}}\n\n'
)


class _Runtime(Connection):
    """The model's runtime."""

    def answer(self, _head: bytes, body: bytes) -> None:
        """Stream as many tokens as are asked for."""
        parameters = json.loads(body)["parameters"]
        self.transport.write(_HEAD)
        loop = asyncio.get_running_loop()
        self._emit(loop, loop.time(), 0, parameters["max_new_tokens"])

    def _emit(self, loop: asyncio.AbstractEventLoop, begun: float, sent: int, last: int) -> None:
        """Send a token and plan the next, by the clock: delays do not add up."""
        if self.transport.is_closing():
            return
        if sent:
            now = time.monotonic_ns()
            self.transport.write(_message(_MORE % now if sent < last else _LAST % (now, last)))
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
