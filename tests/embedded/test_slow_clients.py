"""Two hundred clients that do not behave, at the proxy's process: others notice nothing."""

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests import slow_clients
from tests.embedded.proxy_process import running_proxy
from tests.unit.invoke_proxy.proxy_double import tgi_frames
from tests.unit.invoke_proxy.sagemaker_double import END, HEAD, part

TIMEOUT_SECONDS = 2
CLIENTS_OF_A_KIND = 50

_SHORT = b"".join([HEAD, *map(part, tgi_frames([" short", " answer"])), END])
_LONG, _LAST = map(part, tgi_frames(["x" * 16_384, ""]))
_LONG_CHUNKS = 2000  # 32 MB each: held anywhere, they would be seen
_MAX_MEGABYTES = 64


class Endpoint:
    """A SageMaker runtime that answers `long` with more than anyone reads, and else shortly."""

    def __init__(self) -> None:
        self.open = 0
        self.cancelled = 0
        self._connections: set[asyncio.StreamWriter] = set()

    async def hang_up(self) -> None:
        """Close what the proxy keeps for its next request."""
        for writer in self._connections:
            writer.transport.abort()
        await until(lambda: not self._connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self._connections.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
                body = await reader.readexactly(int(length))
                if b"long" in body:
                    await self._stream(writer)
                else:
                    writer.write(_SHORT)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()
            self._connections.remove(writer)

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            writer.write(HEAD)
            for _ in range(_LONG_CHUNKS):
                writer.write(_LONG)
                await writer.drain()
            writer.write(_LAST + END)
        except ConnectionError:
            self.cancelled += 1
            raise
        finally:
            self.open -= 1


@dataclass(frozen=True)
class Proxy:
    """A running proxy with clients that it must be quick to give up."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def descriptors(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    @property
    def most_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def ends(self) -> Counter[tuple[int, str | None]]:
        """Count the requests by their status and error in the log."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return Counter((line["status"], line["error"]) for line in lines)


@pytest.fixture
def sagemaker_port() -> int:
    return free_port()


@pytest.fixture
def proxy(sagemaker_port: int, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    log, timeout = tmp_path / "log", str(getattr(request, "param", TIMEOUT_SECONDS))
    with (
        log.open("wb") as output,
        running_proxy(sagemaker_port, output=output, CLIENT_TIMEOUT_SECONDS=timeout) as running,
    ):
        yield Proxy(running.url, running.process, log)


@asynccontextmanager
async def endpoint_on(port: int) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    async with await asyncio.start_server(endpoint.serve, "127.0.0.1", port):
        yield endpoint
        await endpoint.hang_up()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.05)


def asking(words: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": words}], "stream": True}


async def ask_shortly(client: httpx.AsyncClient, url: str) -> None:
    answer = await client.post(url, json={**asking("Hi"), "stream": False}, timeout=120)
    assert answer.json()["choices"][0]["message"]["content"] == " short answer"


async def test_two_hundred_slow_clients_hold_nothing_and_nobody_up(
    proxy: Proxy, sagemaker_port: int
) -> None:
    url = f"{proxy.url}/v1/chat/completions"
    kinds: list[slow_clients.SlowClient] = [
        slow_clients.read_nothing,
        slow_clients.read_a_byte_at_a_time,
        slow_clients.send_a_byte_at_a_time,
    ]
    async with endpoint_on(sagemaker_port) as endpoint, httpx.AsyncClient(timeout=120) as client:
        await ask_shortly(client, url)
        descriptors, megabytes = proxy.descriptors, proxy.most_megabytes
        vanishing = (slow_clients.vanish(url, {}, asking("long")) for _ in range(CLIENTS_OF_A_KIND))
        await asyncio.gather(*vanishing)
        slow = [
            asyncio.create_task(kind(url, {}, asking("long")))
            for kind in kinds
            for _ in range(CLIENTS_OF_A_KIND)
        ]
        for _ in range(20):
            await ask_shortly(client, url)

        await asyncio.wait_for(asyncio.gather(*slow), 120)
        await until(lambda: endpoint.cancelled == 3 * CLIENTS_OF_A_KIND and not endpoint.open)
        await until(lambda: proxy.descriptors <= descriptors)
        assert proxy.most_megabytes - megabytes < _MAX_MEGABYTES
        await ask_shortly(client, url)
    await until(lambda: proxy.ends().total() == 22 + 4 * CLIENTS_OF_A_KIND)
    assert proxy.ends() == {
        (200, None): 22,
        (499, "client_stalled"): 3 * CLIENTS_OF_A_KIND,
        (499, None): CLIENTS_OF_A_KIND,
    }


@pytest.mark.parametrize("proxy", [120], indirect=True)
async def test_a_client_that_pauses_gets_the_whole_answer(
    proxy: Proxy, sagemaker_port: int
) -> None:
    async with endpoint_on(sagemaker_port), httpx.AsyncClient(timeout=120) as client:
        url = f"{proxy.url}/v1/chat/completions"
        async with client.stream("POST", url, json=asking("long")) as answer:
            received = 0
            async for chunk in answer.aiter_raw():
                if received == 0:
                    await asyncio.sleep(1)
                received += len(chunk)
    assert received > 16_384 * _LONG_CHUNKS
