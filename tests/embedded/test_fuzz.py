"""Whatever is sent to the operations of the OpenAPI document, the contract holds."""

import asyncio
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from invoke_proxy.http.errors import (
    KINDS,
    Error,
    ErrorBody,
    ProxyError,
    TgiErrorBody,
    status_of,
)
from invoke_proxy.openapi import document
from invoke_proxy.servers import SERVERS
from invoke_proxy.settings import MAX_CHOICES, ServerName
from invoke_proxy.tgi.routes import ROUTES as TGI_ROUTES
from tests.embedded.proxy_process import MODEL, running_proxy
from tests.unit.invoke_proxy.sagemaker_double import stream
from tests.unit.invoke_proxy.wires import LLAMA_CPP, TGI, VLLM, Said, Wire

pytestmark = pytest.mark.slow

# where nothing is sent, nothing can be wrong
OPERATIONS = [
    pytest.param(server, method, path, mode, id=f"{server} {method} {path} {mode.value}")
    for server in SERVERS
    for path, operations in document(server)["paths"].items()
    for method, operation in operations.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or {"requestBody", "parameters"} & operation.keys()
    # A server makes a difference to what has a body.
    if server == "tgi" or "requestBody" in operation
]
# A change is judged by the same few examples each time; `make fuzz` looks for new ones.
FEW = 25
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", FEW))
# How a message is cut is between HTTP's two ends: API Gateway and the Web Adapter write these anew,
# so what a caller puts there never reaches the proxy.
FRAMING = {"connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
# What a request is refused for that fits its schema: the window, the one model, what excludes what.
BEYOND_A_SCHEMA = {
    "context_length_exceeded",
    "invalid_request",
    "model_not_found",
    "unsupported_parameter",
}
DEPENDENT = {
    *("model", "max_tokens", "max_completion_tokens", "n", "echo", "stream_options"),
    *(
        "logit_bias",
        "response_format",
        "temperature",
        "top_logprobs",
        "best_of",
        "decoder_input_details",
        "max_new_tokens",
        "seed",
        "truncate",
    ),
}
TOKEN = b'{"id":7,"text":" a","logprob":-0.5,"special":false}'
DETAILS = b'{"finish_reason":"length","generated_tokens":1,"seed":null,"prefill":[],"tokens":[%b]}'
SAID = Said([" a", " b"])
WHOLE = stream([b'[{"generated_text":" a","details":%b}]' % (DETAILS % TOKEN)])


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a SageMaker runtime whose model is in the best of health."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            asked = json.loads(await reader.readexactly(int(length)))
            reply = stream(_wire(asked).frames(asked, SAID)) if asked["stream"] else WHOLE
            writer.writelines(step for step in reply if isinstance(step, bytes))
            await writer.drain()
    writer.transport.abort()


def _wire(asked: Any) -> Wire:
    if "inputs" in asked:
        return TGI
    return VLLM if "prompt" in asked else LLAMA_CPP


@pytest.fixture(scope="session")
def sagemaker_port() -> Iterator[int]:
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    with ThreadPoolExecutor(1) as thread:
        thread.submit(loop.run_forever)
        yield server.sockets[0].getsockname()[1]
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture(scope="session")
def apis(sagemaker_port: int) -> Iterator[dict[ServerName, Any]]:
    with ExitStack() as stack:
        proxies = {
            name: stack.enter_context(running_proxy(sagemaker_port, name)) for name in SERVERS
        }
        yield {
            name: schemathesis.openapi.from_url(f"{proxy.url}/openapi.json")
            for name, proxy in proxies.items()
        }


@pytest.mark.parametrize(("server", "method", "path", "mode"), OPERATIONS)
def test_every_answer_is_in_the_contract(
    apis: dict[ServerName, Any], server: ServerName, method: str, path: str, mode: GenerationMode
) -> None:
    cases = apis[server][path][method].as_strategy(generation_mode=mode)

    # the plugin's own way to write this is behind pytest's releases
    @given(case=cases)
    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES == FEW,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case[Any]) -> None:
        refusal = _check(case)
        if mode is GenerationMode.POSITIVE:
            assert refusal is None or refusal.code in BEYOND_A_SCHEMA
            _make_sense(case)
            assert _check(case) is None

    check()


def _check(case: schemathesis.Case[Any]) -> Error | None:
    """Hold an answer against the contract; return its error, if it is one."""
    for header in FRAMING:
        case.headers.pop(header, None)
    got = case.call(timeout=120)
    case.validate_response(
        got, checks=[not_a_server_error, status_code_conformance, content_type_conformance]
    )
    if got.status_code == 200:
        return None
    if case.operation.path in TGI_ROUTES:
        answer = msgspec.json.decode(got.content, type=TgiErrorBody)
        assert answer.error_type == KINDS[answer.code].tgi_type
        error = Error(answer.error, KINDS[answer.code].type, answer.param, answer.code)
    else:
        error = msgspec.json.decode(got.content, type=ErrorBody).error
    tgi = case.operation.path in TGI_ROUTES
    assert status_of(ProxyError(error.code), tgi=tgi) == got.status_code
    assert (error.type, bool(error.message)) == (KINDS[error.code].type, True)
    return error


def _make_sense(case: schemathesis.Case[Any]) -> None:
    """Take out of a request that fits its schema what the schema cannot forbid."""
    case.path_parameters = dict.fromkeys(case.path_parameters, MODEL)
    if not isinstance(case.body, dict):
        return
    body = _independent(json.loads(json.dumps(case.body)))
    if "messages" in body:
        texts = [message.get("content") for message in body["messages"]]
        body["messages"] = [
            {"role": "user", "content": text if isinstance(text, str) else "Hi"} for text in texts
        ]
    if isinstance(prompts := body.get("prompt"), list):
        body["prompt"] = prompts[:MAX_CHOICES]
    if body.get("parameters"):
        body["parameters"] = _independent(body["parameters"])
    case.body = body


def _independent(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in DEPENDENT}
