import asyncio
import hmac
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from invoke_proxy.http.errors import EndpointError
from invoke_proxy.sagemaker import runtime, transport
from invoke_proxy.sagemaker.faults import service_fault
from invoke_proxy.sagemaker.runtime import SageMakerRuntime, sagemaker_runtime
from invoke_proxy.sagemaker.signing import Signer
from invoke_proxy.sagemaker.transport import Connection
from tests.unit.invoke_proxy.sagemaker_double import (
    END,
    HEAD,
    FakeSageMaker,
    error,
    on_unix_socket,
    part,
    stream,
    stream_exception,
)

Start = Callable[[FakeSageMaker], AbstractAsyncContextManager[SageMakerRuntime]]


ENVIRONMENT = {
    "AWS_ENDPOINT_URL": "http://sagemaker.test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


@pytest.fixture(scope="session")
def signer() -> Signer:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        return Signer()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signer: Signer) -> Start:
    monkeypatch.setattr(runtime, "_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(runtime, "Signer", lambda: signer)
    path = tmp_path / "socket"

    async def open_unix(_: object) -> Connection:
        _, opened = await asyncio.get_running_loop().create_unix_connection(Connection, str(path))
        return opened

    monkeypatch.setattr(transport.Host, "_open", open_unix)

    @asynccontextmanager
    async def started(sagemaker: FakeSageMaker) -> AsyncIterator[Any]:
        async with on_unix_socket(sagemaker, path), sagemaker_runtime("My-Endpoint") as opened:
            yield opened

    return started


async def received(
    opened: SageMakerRuntime, body: bytes = b"{}", component: str | None = None
) -> list[bytes]:
    return [chunk async for chunk in opened.invoke(body, component)]


async def fault(opened: SageMakerRuntime) -> EndpointError:
    with pytest.raises(EndpointError) as failed:
        await received(opened)
    return failed.value


async def test_the_payload_parts_of_a_stream_come_as_they_are(start: Start) -> None:
    sagemaker = FakeSageMaker(stream([b"data:", b"{}\n\n"]))
    async with start(sagemaker) as opened:
        assert b"".join(await received(opened, b'{"inputs":"x"}')) == b"data:{}\n\n"
    (request,) = sagemaker.requests
    assert request.startswith(b"POST /endpoints/My-Endpoint/invocations-response-stream HTTP/1.1")
    assert request.endswith(b'\r\n\r\n{"inputs":"x"}')
    scope = b"/eu-central-1/sagemaker/aws4_request, SignedHeaders="
    assert b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" in request
    assert scope in request
    assert b"\r\nhost: sagemaker.test\r\n" in request.lower()


async def test_the_signature_is_that_of_the_bytes_that_are_sent(start: Start) -> None:
    sagemaker = FakeSageMaker(stream([b"a"]))
    async with start(sagemaker) as opened:
        await received(opened, b'{"inputs":"\xc3\xa9"}', "support-endpoint")
    head, _, body = sagemaker.requests[0].partition(b"\r\n\r\n")
    request_line, *lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    matched = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/(.+), SignedHeaders=(.+), Signature=(.+)",
        headers["authorization"],
    )
    assert matched is not None
    scope, signed, signature = matched.groups()
    canonical = "\n".join(
        [
            "POST",
            request_line.split()[1],
            "",
            *(f"{name}:{headers[name]}" for name in signed.split(";")),
            "",
            signed,
            sha256(body).hexdigest(),
        ]
    )
    digest = sha256(canonical.encode()).hexdigest()
    key = b"AWS4secret"
    for part_ in (
        *scope.split("/"),
        f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}",
    ):
        key = hmac.digest(key, part_.encode(), "sha256")
    assert key.hex() == signature
    component = "x-amzn-sagemaker-inference-component"
    assert {"host", "x-amz-date", component} <= set(signed.split(";"))
    assert headers[component] == "support-endpoint"


async def test_messages_may_be_cut_anywhere(start: Start) -> None:
    whole = b"".join([HEAD, part(b"one"), part(b"two"), END])
    sagemaker = FakeSageMaker([whole[at : at + 7] for at in range(0, len(whole), 7)])
    async with start(sagemaker) as opened:
        assert b"".join(await received(opened)) == b"onetwo"


async def test_a_connection_is_kept_for_the_next_request(start: Start) -> None:
    sagemaker = FakeSageMaker(stream([b"a"]))
    async with start(sagemaker) as opened:
        for _ in range(3):
            await received(opened)
    assert sagemaker.connections == 1


async def test_a_kept_connection_that_was_closed_is_not_used_again(start: Start) -> None:
    sagemaker = FakeSageMaker([*stream([b"a"]), None])
    async with start(sagemaker) as opened:
        await received(opened)
        await asyncio.sleep(0.05)
        assert await received(opened) == [b"a"]
    assert sagemaker.connections == 2


async def test_a_connection_that_was_kept_for_long_is_not_used_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker = FakeSageMaker(stream([b"a"]))
    async with start(sagemaker) as opened:
        await received(opened)
        later = time.time() + transport.KEPT_SECONDS + 1  # as when the process was frozen
        monkeypatch.setattr("invoke_proxy.sagemaker.transport.time.time", lambda: later)
        await received(opened)
    assert sagemaker.connections == 2


async def test_a_kept_connection_that_fails_is_replaced_at_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_BACKOFF_SECONDS", 1000)
    sagemaker = FakeSageMaker(stream([b"a"]), [None], stream([b"b"]))
    async with start(sagemaker) as opened, asyncio.timeout(500):
        assert await received(opened) == [b"a"]
        assert await received(opened) == [b"b"]
    assert sagemaker.connections == 2


async def test_an_interim_response_is_passed_over(start: Start) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
    async with start(FakeSageMaker([interim, *stream([b"a"])])) as opened:
        assert await received(opened) == [b"a"]


async def test_a_refusal_without_a_length_ends_with_its_connection(start: Start) -> None:
    head = b"HTTP/1.1 400 X\r\nx-amzn-ErrorType: ValidationError\r\n\r\n"
    reply = [head, b'{"Message":"Endpoint E of account 1 not found."}', None]
    async with start(FakeSageMaker(reply)) as opened:
        assert (await fault(opened)).code == "endpoint_not_found"


async def test_a_connection_with_bytes_that_nobody_asked_for_is_not_used_again(
    start: Start,
) -> None:
    forged = b"".join(bytes(step) for step in stream([b"forged"]) if isinstance(step, bytes))
    whole = b"".join(bytes(step) for step in stream([b"a"]) if isinstance(step, bytes))
    async with start(sagemaker := FakeSageMaker([whole + forged], stream([b"b"]))) as opened:
        assert await received(opened) == [b"a"]
        assert await received(opened) == [b"b"]
    assert sagemaker.connections == 2


async def test_the_endpoint_waits_for_a_client_that_does_not_read(start: Start) -> None:
    taken = 0

    class Parts(list[bytes]):
        def __iter__(self) -> Any:
            nonlocal taken
            for each in super().__iter__():
                taken += 1
                yield each

    count = 200
    parts = Parts([HEAD, *[part(b"x" * 65_536)] * count, END])
    async with start(FakeSageMaker(parts)) as opened:
        answer = opened.invoke(b"{}", None)
        assert len(await anext(answer)) == 65_536
        await asyncio.sleep(0.2)
        assert taken < count / 4
        assert len([each async for each in answer]) == count - 1


async def test_leaving_a_stream_cancels_it_at_the_endpoint(start: Start) -> None:
    sagemaker = FakeSageMaker([HEAD, part(b"a"), 0.1, *[part(b"b")] * 100, END])
    async with start(sagemaker) as opened:
        answer = opened.invoke(b"{}", None)
        assert await anext(answer) == b"a"
        await answer.aclose()
        async with asyncio.timeout(60):
            while not sagemaker.left:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "refusal",
    [
        error("ThrottlingException", 400, Message="Rate exceeded"),
        error("ServiceUnavailable", 503),
        error("InternalFailure", 500),
        error("InternalDependencyException", 530),
        [None],
    ],
    ids=["throttled", "unavailable", "failure", "dependency", "dropped"],
)
async def test_what_may_pass_is_tried_again(start: Start, refusal: Any) -> None:
    sagemaker = FakeSageMaker(refusal, refusal, stream([b"a"]))
    async with start(sagemaker) as opened:
        assert await received(opened) == [b"a"]
    assert len(sagemaker.requests) == 3


@pytest.mark.parametrize(
    ("refusal", "code", "attempts"),
    [
        (error("ThrottlingException", 400), "endpoint_throttled", 3),
        (error("ServiceUnavailable", 503), "endpoint_unavailable", 3),
        (error("InternalFailure", 500), "endpoint_error", 3),
        (error("InternalDependencyException", 530), "endpoint_error", 3),
        (error("Whatever", 500), "endpoint_error", 3),
        (error("ModelNotReadyException", 429), "endpoint_updating", 1),
        (error("AccessDeniedException", 403), "endpoint_refused", 1),
        (error("ExpiredTokenException", 403), "endpoint_refused", 1),
        (error("ValidationError", 400, Message="Endpoint E of account 1 not found."),
         "endpoint_not_found", 1),
        (error("ValidationError", 400, Message="Inference Component has no capacity to process"),
         "no_capacity", 1),
        (error("ValidationError", 400, Message="Endpoint is not InService"),
         "endpoint_updating", 1),
        (error("ValidationError", 413, Message="too large"), "request_too_large", 1),
        (error("ValidationError", 400, Message="what?"), "endpoint_refused", 1),
        (error("ModelError", 424, OriginalStatusCode=400), "model_refused", 1),
        (error("ModelError", 424, OriginalStatusCode=422), "model_refused", 1),
        (error("ModelError", 424, OriginalStatusCode=501), "model_refused", 1),
        (error("ModelError", 424, OriginalStatusCode=503), "endpoint_unavailable", 3),
        (error("ModelError", 424, OriginalStatusCode=429), "model_overloaded", 1),
        (error("ModelError", 424, OriginalStatusCode=424), "model_error", 1),
        (error("ModelError", 424, OriginalStatusCode=500), "model_error", 1),
        (error("ModelError", 424, OriginalStatusCode=0), "timeout", 1),
        (error("ModelError", 424), "model_error", 1),
        ([b"HTTP/1.1 502 X\r\nContent-Length: 4\r\n\r\n<ht>"], "endpoint_error", 3),
        ([b"garbage\r\n\r\n"], "endpoint_unavailable", 3),
        ([None], "endpoint_unavailable", 3),
        ([HEAD, None], "stream_interrupted", 1),
        ([HEAD, END], "none", 1),
        ([HEAD, stream_exception("ModelStreamError", ErrorCode="StreamBroken")],
         "stream_interrupted", 1),
        ([HEAD, stream_exception("ModelStreamError", ErrorCode="ModelInvocationTimeExceeded")],
         "timeout", 1),
        ([HEAD, stream_exception("InternalStreamFailure"), END], "endpoint_error", 3),
        ([HEAD, b"10\r\n0123456789abcdef\r\n", END], "stream_interrupted", 1),
    ],
)  # fmt: skip
async def test_each_fault_is_the_tables(
    start: Start, refusal: Any, code: str, attempts: int
) -> None:
    sagemaker = FakeSageMaker(refusal)
    async with start(sagemaker) as opened:
        if code == "none":  # an empty stream is the business of who reads its frames
            assert await received(opened) == []
        else:
            assert (await fault(opened)).code == code
    assert len(sagemaker.requests) == attempts


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (None, "stream_interrupted"),
        (stream_exception("ModelStreamError", ErrorCode="StreamBroken"), "stream_interrupted"),
        (stream_exception("InternalStreamFailure", Message="secret"), "endpoint_error"),
    ],
)
async def test_a_fault_after_the_first_byte_is_never_tried_again(
    start: Start, end: Any, code: str
) -> None:
    sagemaker = FakeSageMaker([HEAD, part(b"a"), end])
    async with start(sagemaker) as opened:
        error = await fault(opened)
    assert error.code == code
    assert "secret" not in str(error)
    assert len(sagemaker.requests) == 1


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"x":' * 100_000, b"\xff", b"9" * 5000])
def test_a_fault_with_an_unreadable_body_is_the_endpoints(body: bytes) -> None:
    assert service_fault("InternalFailure", 500, body).code == "endpoint_error"


async def test_nothing_of_upstreams_text_is_in_a_fault(start: Start) -> None:
    message = "Received client error (422) with message: secret prompt"
    reply = error(
        "ModelError", 424, Message=message, OriginalMessage=message, OriginalStatusCode=422
    )
    async with start(FakeSageMaker(reply)) as opened:
        failed = await fault(opened)
    assert "secret" not in f"{failed} {failed.message} {failed.upstream}"


async def test_without_credentials_the_endpoint_refuses(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nowhere")
    without = Signer()
    monkeypatch.setattr(runtime, "Signer", lambda: without)
    async with start(FakeSageMaker(stream([]))) as opened:
        assert (await fault(opened)).code == "endpoint_refused"


def test_the_default_endpoint_is_the_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    assert Signer().url == "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn"
