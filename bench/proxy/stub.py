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


class _Runtime(asyncio.Protocol):
    """One connection: a request, then its stream, then the next request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server's
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if found and len(body) >= int(length):
            self._received = b""
            parameters = json.loads(body)["parameters"]
            self._transport.write(_HEAD)
            loop = asyncio.get_running_loop()
            self._emit(loop, loop.time(), 0, parameters["max_new_tokens"])

    def _emit(self, loop: asyncio.AbstractEventLoop, begun: float, sent: int, last: int) -> None:
        """Send a token and plan the next, by the clock: delays do not add up."""
        if self._transport.is_closing():
            return
        if sent:
            now = time.monotonic_ns()
            self._transport.write(_message(_MORE % now if sent < last else _LAST % (now, last)))
        if sent == last:
            self._transport.write(_END)
            return
        at = begun + (sent + 1) * SECONDS_A_TOKEN
        loop.call_at(at, self._emit, loop, begun, sent + 1, last)


def _message(payload: bytes) -> bytes:
    """Return a PayloadPart of an event stream, as an HTTP chunk."""
    prelude = pack(">II", 16 + len(_HEADERS) + len(payload), len(_HEADERS))
    whole = prelude + pack(">I", crc32(prelude)) + _HEADERS + payload
    return b"%x\r\n%b%b\r\n" % (len(whole) + 4, whole, pack(">I", crc32(whole)))


def _header(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + b"\x07" + pack(">H", len(value)) + value


_HEADERS = _header(b":message-type", b"event") + _header(b":event-type", b"PayloadPart")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Runtime, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
