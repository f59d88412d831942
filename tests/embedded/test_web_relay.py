"""Two hundred slow readers of a streaming function, and a reservation that is full."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError, WaiterError

from embedded_aws.tests import slow_clients
from embedded_aws.tests.account import Account
from tests.embedded.web_function import template

RESERVED = 205
READERS_OF_A_KIND = 100
_MAX_MEGABYTES = 128

# `POST /stream` never ends, `POST /silent` never begins, `GET /open` tells how many are open.
_FUNCTION = """exec python - <<'END'
import os
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer

streams = set()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(len(streams)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        streams.add(self)
        try:
            if self.path == "/silent":
                self.connection.recv(1)  # until the connection ends
                return
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 16384)
        except OSError:
            pass
        finally:
            streams.remove(self)

    def log_message(self, *_):
        pass

class Server(ThreadingMixIn, UnixStreamServer):
    request_queue_size = 256
    daemon_threads = True

Server(os.environ["UVICORN_UDS"], Handler).serve_forever()
END
"""


_ROUTES = (("POST", "stream"), ("POST", "silent"), ("GET", "open"))


def create(account: Account, name: str, reserved: int) -> dict[str, str]:
    """Deploy the stack, and return its outputs; raises WaiterError when it fails."""
    cloudformation = account.aws.client("cloudformation")
    body = template(_FUNCTION, *_ROUTES, Timeout=120, ReservedConcurrentExecutions=reserved)
    cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@dataclass(frozen=True)
class Streams:
    """The deployed function and the embedded AWS that it runs in."""

    url: str
    function_name: str
    account: Account

    def reserve(self, executions: int) -> None:
        """Change the function's reservation."""
        self.account.aws.client("lambda").put_function_concurrency(
            FunctionName=self.function_name, ReservedConcurrentExecutions=executions
        )

    @property
    def _process(self) -> Path:
        return Path(f"/proc/{self.account.aws.pid}")

    @property
    def descriptors(self) -> int:
        return sum(1 for _ in (self._process / "fd").iterdir())

    @property
    def most_megabytes(self) -> float:
        status = (self._process / "status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.fixture(name="streams", scope="module")
def _streams(account: Account) -> Iterator[Streams]:
    outputs = create(account, "Streams", RESERVED)
    base = f"http://127.0.0.1:{account.aws.port}/_aws/execute-api/{outputs['ApiId']}/prod"
    yield Streams(base, outputs["FunctionName"], account)
    account.aws.client("cloudformation").delete_stack(StackName="Streams")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await holds():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.1)


async def test_two_hundred_slow_readers_hold_nobody_up_and_leave_nothing_behind(
    streams: Streams,
) -> None:
    async with httpx.AsyncClient(timeout=120) as client:

        async def open_streams() -> int:
            answer = await client.get(f"{streams.url}/open")
            assert answer.status_code == 200
            return int(answer.text)

        async def all_are_open() -> bool:
            return await open_streams() == 2 * READERS_OF_A_KIND

        async def none_is_open() -> bool:
            return await open_streams() == 0

        async def as_few_descriptors() -> bool:
            return streams.descriptors <= before

        assert await open_streams() == 0
        before, megabytes = streams.descriptors, streams.most_megabytes
        readers = [
            asyncio.create_task(kind(f"{streams.url}/stream", {}, {}))
            for kind in (slow_clients.read_nothing, slow_clients.read_a_byte_at_a_time)
            for _ in range(READERS_OF_A_KIND)
        ]
        await until(all_are_open)
        for _ in range(20):
            await open_streams()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        await until(none_is_open)
        await until(as_few_descriptors)
    assert streams.most_megabytes - megabytes < _MAX_MEGABYTES


async def test_a_client_that_disconnects_before_its_answer_ends_it(streams: Streams) -> None:
    async with httpx.AsyncClient(timeout=120) as client:

        async def is_open(count: int) -> bool:
            return (await client.get(f"{streams.url}/open")).text == str(count)

        waiting = asyncio.create_task(slow_clients.read_nothing(f"{streams.url}/silent", {}, {}))
        await until(lambda: is_open(1))
        waiting.cancel()
        await until(lambda: is_open(0))


async def test_a_full_reservation_throttles_until_an_execution_ends(streams: Streams) -> None:
    streams.reserve(1)
    async with httpx.AsyncClient(timeout=120) as client:

        async def is_served() -> bool:
            return (await client.get(f"{streams.url}/open")).is_success

        async with client.stream("POST", f"{streams.url}/stream", json={}) as answer:
            chunks = answer.aiter_raw()  # httpx closes the stream when this is collected
            await anext(chunks)
            refused = await client.get(f"{streams.url}/open")
        await until(is_served)
    streams.reserve(RESERVED)
    assert refused.status_code >= 500


def test_a_reservation_is_refused_when_too_little_would_be_left(streams: Streams) -> None:
    with pytest.raises(ClientError, match=r"below its minimum value of \[100\]") as refused:
        streams.reserve(901)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_stack_fails_when_it_reserves_too_much(account: Account) -> None:
    with pytest.raises(WaiterError):
        create(account, "TooMuch", 901)
    cloudformation = account.aws.client("cloudformation")
    events = cloudformation.describe_stack_events(StackName="TooMuch")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("below its minimum value of [100]" in reason for reason in reasons)
