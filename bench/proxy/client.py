"""Many streams at once, each token timed from where it was made to where it is read."""

import asyncio
import re
import time
from dataclasses import dataclass, field

from bench.proxy.stub import SECONDS_A_TOKEN

TOKENS = 50  # a stream lasts a second

_ROUNDS = 3
_STREAMS_AT_LEAST = 12

_SENT_AT = re.compile(rb"@(\d+)@")
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Target:
    """Where streams are asked for, and the bytes that end one well."""

    name: str
    port: int
    path: str
    body: bytes
    end: bytes

    @property
    def request(self) -> bytes:
        """The request as it is sent."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer none\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass
class Load:
    """What the streams of one run had: seconds to first tokens, seconds a token was on its way."""

    first_tokens: list[float] = field(default_factory=list)
    on_the_way: list[float] = field(default_factory=list)
    lost: int = 0


class _Stream(asyncio.Protocol):
    def __init__(self, target: Target) -> None:
        self._target = target
        self._rest = b""
        self.ended = asyncio.get_running_loop().create_future()
        self.complete = False
        self.first_token = 0.0
        self.on_the_way: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP client's
        self._transport = transport
        self._asked = time.monotonic_ns()
        transport.write(self._target.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._rest += data
        end = 0
        for token in _SENT_AT.finditer(self._rest):
            if not self.on_the_way:
                self.first_token = (now - self._asked) / 1e9
            self.on_the_way.append((now - int(token[1])) / 1e9)
            end = token.end()
        self._rest = self._rest[end:]
        if self._target.end in self._rest:
            self.complete = len(self.on_the_way) == TOKENS
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.ended.done():
            self.ended.set_result(None)


def rounds(concurrency: int) -> int:
    """Return how many streams each user asks for, one after the other."""
    return max(_ROUNDS, _STREAMS_AT_LEAST // concurrency)


async def load(target: Target, concurrency: int, streams: int) -> Load:
    """Keep that many streams open, their starts spread, and so many of each user in turn."""
    got = Load()
    await asyncio.gather(
        *(_user(target, worker / concurrency, streams, got) for worker in range(concurrency))
    )
    return got


async def _user(target: Target, offset: float, streams: int, got: Load) -> None:
    await asyncio.sleep(offset * TOKENS * SECONDS_A_TOKEN)
    loop = asyncio.get_running_loop()
    for _ in range(streams):
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                _, stream = await loop.create_connection(
                    lambda: _Stream(target), "127.0.0.1", target.port
                )
                await stream.ended
        except OSError:  # TimeoutError is one
            got.lost += 1
            continue
        got.lost += not stream.complete
        got.on_the_way += stream.on_the_way[1:]
        if stream.on_the_way:
            got.first_tokens.append(stream.first_token)


def measure(target: Target, concurrency: int, streams: int | None = None) -> Load:
    """Return what the streams had, of each user as many as asked for, or enough for a median."""
    return asyncio.run(load(target, concurrency, streams or rounds(concurrency)))
