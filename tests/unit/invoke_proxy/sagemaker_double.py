"""A SageMaker runtime on a socket, which answers each request with the next of its replies."""

import asyncio
import json
from binascii import crc32
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from struct import pack
from typing import Any

# To send, to wait, to wait until something is read; None breaks the connection.
Reply = Sequence[bytes | float | asyncio.Semaphore | None]

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"


def message(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one message of an event stream, as an HTTP chunk."""
    whole = unchunked(headers, payload)
    return b"%x\r\n%b\r\n" % (len(whole), whole)


def unchunked(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one message of an event stream."""
    encoded = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    prelude += pack(">I", crc32(prelude))
    whole = prelude + encoded + payload
    return whole + pack(">I", crc32(whole))


def part(payload: bytes) -> bytes:
    """Return a PayloadPart."""
    return message({":message-type": "event", ":event-type": "PayloadPart"}, payload)


def stream(parts: Sequence[bytes]) -> Reply:
    """Return the reply of a container that streams."""
    return [HEAD, *map(part, parts), END]


def stream_exception(code: str, **body: Any) -> bytes:
    """Return an exception within a stream."""
    headers = {":message-type": "exception", ":exception-type": code}
    return message(headers, json.dumps(body).encode())


def error(code: str, status: int, **body: Any) -> Reply:
    """Return the reply of SageMaker that refuses."""
    payload = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} X\r\nx-amzn-ErrorType: {code}:http://internal.amazon.com/\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return [head.encode() + payload]


class FakeSageMaker:
    """Serves connections; the last reply is for all further requests."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[bytes] = []
        self.connections = 0
        self.left = 0
        self._open: set[asyncio.StreamWriter] = set()

    def hang_up(self) -> None:
        """Close the connections that are kept."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        self._open.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        except ConnectionError:
            self.left += 1
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
        self.requests.append(head + await reader.readexactly(int(length)))
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        for step in reply:
            if step is None:
                return False
            if isinstance(step, float):
                await asyncio.sleep(step)
                continue
            if isinstance(step, asyncio.Semaphore):
                await step.acquire()
                continue
            if reader.at_eof():
                raise ConnectionResetError
            writer.write(step)
            await writer.drain()
        return True


@asynccontextmanager
async def on_unix_socket(sagemaker: FakeSageMaker, path: Path) -> AsyncIterator[None]:
    """Serve where unit tests may: on a socket in the file system."""
    server = await asyncio.start_unix_server(sagemaker.serve, path)
    try:
        yield
    finally:
        server.close()
