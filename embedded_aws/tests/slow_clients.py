"""Clients that do not behave: they read nothing, read or send a byte at a time, or vanish."""

import asyncio
import json
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from struct import pack
from typing import Any
from urllib.parse import urlsplit

_RECEIVE_BYTES = 4096  # what the kernel takes in for a client that reads nothing
_SECONDS_A_BYTE = 0.1

SlowClient = Callable[[str, Mapping[str, str], object], Coroutine[Any, Any, None]]


async def read_nothing(url: str, headers: Mapping[str, str], body: object) -> None:
    """Ask, and never read; return when the server has reset the connection."""
    with await _asking(url, request(url, headers, body)) as connection:
        while not _is_reset(connection):  # noqa: ASYNC110 - only reading would be told of it
            await asyncio.sleep(_SECONDS_A_BYTE)


async def read_a_byte_at_a_time(url: str, headers: Mapping[str, str], body: object) -> None:
    """Ask, and read so slowly that it comes to the same as reading nothing."""
    loop = asyncio.get_running_loop()
    with await _asking(url, request(url, headers, body)) as connection, suppress(ConnectionError):
        while not _is_reset(connection):
            await loop.sock_recv(connection, 1)
            await asyncio.sleep(_SECONDS_A_BYTE)


async def send_a_byte_at_a_time(url: str, headers: Mapping[str, str], body: object) -> None:
    """Begin a request, and send the rest of it so slowly that the server gives up."""
    whole = request(url, headers, body)
    loop = asyncio.get_running_loop()
    with await _asking(url, whole[:-50]) as connection, suppress(ConnectionError):
        for at in range(len(whole) - 50, len(whole) - 1):
            await asyncio.sleep(_SECONDS_A_BYTE)
            await loop.sock_sendall(connection, whole[at : at + 1])
        while not _is_reset(connection):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(_SECONDS_A_BYTE)


async def vanish(url: str, headers: Mapping[str, str], body: object) -> None:
    """Ask, read the beginning of the answer, and reset the connection."""
    with await _asking(url, request(url, headers, body)) as connection:
        await asyncio.get_running_loop().sock_recv(connection, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))


def request(url: str, headers: Mapping[str, str], body: object) -> bytes:
    """Return a POST of this JSON."""
    content = json.dumps(body).encode()
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def _asking(url: str, sent: bytes) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    connection.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    await loop.sock_connect(connection, (parts.hostname, parts.port))
    await loop.sock_sendall(connection, sent)
    return connection


def _is_reset(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
