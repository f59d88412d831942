"""hypercorn with two hundred clients that do not read: others are served, and nothing is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypercorn.asyncio import run, serve
from hypercorn.config import Config

from embedded_aws.core import connections
from embedded_aws.host.processes import free_port
from embedded_aws.tests import slow_clients

CLIENTS_OF_A_KIND = 100
_CHUNK = b"x" * 65_536


class Endless:
    """An application that streams without end, but for `/short`."""

    def __init__(self) -> None:
        self.open = 0
        self.begun = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] != "/short":
            await self._stream(receive, send)
        await send({"type": "http.response.body", "body": b"short"})

    async def _stream(self, receive: Any, send: Any) -> None:
        async def write() -> None:
            while True:
                await send({"type": "http.response.body", "body": _CHUNK, "more_body": True})

        self.open += 1
        self.begun += 1
        writer = asyncio.create_task(write())
        while (await receive())["type"] != "http.disconnect":
            pass
        writer.cancel()
        self.open -= 1


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[str]:
    """Yield the URL of hypercorn with the embedded AWS's connections."""
    config, stopping = Config(), asyncio.Event()
    config.bind = [f"127.0.0.1:{free_port()}"]
    config.graceful_timeout = 1
    url = f"http://{config.bind[0]}"

    async def stopped() -> None:
        await stopping.wait()

    server = asyncio.create_task(serve(application, config, shutdown_trigger=stopped))
    async with asyncio.timeout(120), httpx.AsyncClient(timeout=120) as client:
        while not await _answers(client, url):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    yield url
    stopping.set()
    await server


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/short")).is_success
    except httpx.TransportError:
        return False


async def test_clients_that_do_not_read_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TCPServer", connections.Connection)
    monkeypatch.setattr(connections, "STALLED_SECONDS", 1.0)
    kinds: list[slow_clients.SlowClient] = [
        slow_clients.read_nothing,
        slow_clients.read_a_byte_at_a_time,
    ]
    application = Endless()
    async with serving(application) as url, httpx.AsyncClient(timeout=120) as client:
        slow = [
            asyncio.create_task(kind(f"{url}/long", {}, {}))
            for kind in kinds
            for _ in range(CLIENTS_OF_A_KIND)
        ]
        for _ in range(20):
            assert (await client.get(f"{url}/short")).text == "short"
        await asyncio.wait_for(asyncio.gather(*slow), 120)
        async with asyncio.timeout(120):
            while application.open:  # noqa: ASYNC110 - the server does it
                await asyncio.sleep(0.05)
    assert application.begun == 2 * CLIENTS_OF_A_KIND
