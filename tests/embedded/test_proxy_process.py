"""The built proxy as the process that it is on Lambda, in front of a fake SageMaker runtime."""

import asyncio
import json
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from openai import APIError, AsyncOpenAI, BadRequestError, InternalServerError, RateLimitError

from embedded_aws.host.processes import free_port
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.sagemaker.runtime import sagemaker_runtime
from tests.embedded.proxy_process import proxy_environment, running_proxy
from tests.unit.invoke_proxy.proxy_double import tgi_frames
from tests.unit.invoke_proxy.sagemaker_double import END, HEAD, FakeSageMaker, error, part, stream

CHAT: Any = [{"role": "user", "content": "Hi"}]
WORDS = [f" word{number}" for number in range(20)]
SECONDS_APART = 0.02
SLOW = [
    HEAD,
    *(step for frame in tgi_frames(WORDS) for step in (part(frame), SECONDS_APART)),
    END,
]


@dataclass
class Proxy:
    """A running proxy, and where it looks for SageMaker."""

    url: str
    sagemaker_port: int
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    sagemaker_port = free_port()
    with running_proxy(sagemaker_port, output=subprocess.PIPE) as running:
        yield Proxy(running.url, sagemaker_port, running.process)
        running.process.terminate()
        assert running.process.wait(timeout=120) in {0, -15}


@asynccontextmanager
async def client_of(proxy: Proxy, sagemaker: FakeSageMaker) -> AsyncIterator[AsyncOpenAI]:
    """Yield OpenAI's client of the proxy, while this SageMaker stands behind it."""
    server = await asyncio.start_server(sagemaker.serve, "127.0.0.1", proxy.sagemaker_port)
    async with AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="x", max_retries=0) as client:
        yield client
    server.close()
    sagemaker.hang_up()
    await server.wait_closed()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.01)


async def test_tokens_come_one_by_one(proxy: Proxy) -> None:
    received = asyncio.Semaphore(0)
    # A token is made when the one before has come: one that is held back anywhere never comes.
    steps = [step for frame in tgi_frames(WORDS) for step in (part(frame), received)]
    async with client_of(proxy, FakeSageMaker([HEAD, *steps, END])) as client, asyncio.timeout(120):
        answer = await client.chat.completions.create(model="tgi", messages=CHAT, stream=True)
        words = []
        async for chunk in answer:
            if word := chunk.choices[0].delta.content:
                words.append(word)
                received.release()
    assert words == WORDS


async def test_a_client_that_leaves_cancels_the_stream_at_sagemaker(proxy: Proxy) -> None:
    sagemaker = FakeSageMaker(SLOW)
    async with client_of(proxy, sagemaker) as client:
        answer = await client.chat.completions.create(model="tgi", messages=CHAT, stream=True)
        await anext(aiter(answer))
        await answer.close()
        await until(lambda: sagemaker.left == 1)


async def test_many_streams_at_once_lose_nothing(proxy: Proxy) -> None:
    async with client_of(proxy, FakeSageMaker(SLOW)) as client:

        async def text() -> str:
            answer = await client.chat.completions.create(model="tgi", messages=CHAT, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])

        texts = await asyncio.gather(*(text() for _ in range(32)))
    assert texts == ["".join(WORDS)] * 32


@pytest.mark.parametrize(
    ("reply", "request_", "raised"),
    [
        (stream(tgi_frames(["x"])), {"max_tokens": 9999}, BadRequestError),
        (stream(tgi_frames(["x"])), {"tools": [{"type": "function"}]}, BadRequestError),
        (error("ModelError", 424, OriginalStatusCode=429), {}, RateLimitError),
        (error("ServiceUnavailable", 503), {}, InternalServerError),
        ([None], {}, InternalServerError),
        (stream(tgi_frames(["x", "y"])[:1]), {"stream": True}, APIError),
    ],
    ids=["context", "tools", "overloaded", "unavailable", "dropped", "interrupted"],
)
async def test_openais_client_raises_its_typed_errors(
    proxy: Proxy, reply: Any, request_: dict[str, Any], raised: type[APIError]
) -> None:
    async with client_of(proxy, FakeSageMaker(reply)) as client:
        with pytest.raises(raised) as error:
            await _ask(client, **request_)
    assert error.value.code


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        (error("ModelError", 424, OriginalStatusCode=0), 1),  # timeout: minutes, three times
        (error("AccessDeniedException", 403), 1),  # endpoint_refused
        (error("ModelError", 424, OriginalStatusCode=424), 3),  # model_error
    ],
    ids=["timeout", "refused", "model"],
)
async def test_openais_client_tries_again_only_where_that_can_help(
    proxy: Proxy, reply: Any, asked: int
) -> None:
    sagemaker = FakeSageMaker(reply)
    async with client_of(proxy, sagemaker) as client:
        with pytest.raises(InternalServerError):
            await _ask(client.with_options(max_retries=2))
    assert len(sagemaker.requests) == asked


async def _ask(client: AsyncOpenAI, **request_: Any) -> None:
    answer = await client.chat.completions.create(
        model="smollm2-135m-instruct", messages=CHAT, **request_
    )
    if request_.get("stream"):
        assert [chunk async for chunk in answer]


async def test_a_log_line_leaves_the_process(proxy: Proxy) -> None:
    output = proxy.process.stdout
    assert output is not None
    os.set_blocking(output.fileno(), False)
    said = b""
    async with client_of(proxy, FakeSageMaker(stream(tgi_frames(["x"])))) as client:
        answer = await client.chat.completions.with_raw_response.create(model="tgi", messages=CHAT)

    def is_said() -> bool:
        nonlocal said
        said += output.read() or b""
        lines = map(json.loads, said.split(b"\n")[:-1])
        return request_id in [line["request_id"] for line in lines]

    request_id = answer.headers["x-request-id"]
    await until(is_said)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a key and a certificate for `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "localhost.pem"
    file.write_bytes(key.private_bytes(pem, *plain) + builder.sign(key, SHA256()).public_bytes(pem))
    return file


@pytest.mark.parametrize("trusted", [True, False])
async def test_sagemaker_is_met_over_tls_that_is_verified(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    sagemaker = FakeSageMaker(stream([b"a"]))
    server = await asyncio.start_server(sagemaker.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    for name, value in proxy_environment(0, 0).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{port}")
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    async with sagemaker_runtime("endpoint") as runtime:
        if trusted:
            assert [part async for part in runtime.invoke(b"{}", None)] == [b"a"]
        else:
            with pytest.raises(EndpointError, match="unavailable"):
                await anext(runtime.invoke(b"{}", None))
    server.close()
