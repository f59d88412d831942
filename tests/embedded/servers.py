"""Each server as its image starts it, and the proxy in front of it, in no AWS."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from threading import Thread
from typing import Any, Literal

import httpx
import uvicorn
from starlette.types import ASGIApp

from embedded_aws.tests.account import until
from embedded_aws.tests.model_server.conftest import ModelServer, started
from invoke_proxy.application import create_application
from invoke_proxy.sagemaker.faults import service_fault
from invoke_proxy.settings import ServerName, Settings
from invoke_proxy.tokens import HuggingFaceTokenizer
from tests.unit.invoke_proxy.proxy_double import Answer, Client, lifespan
from tests.unit.invoke_proxy.real_tokenizers import vocabularies

_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
_INPUT, _WINDOW, _CONCURRENT = 256, 512, 2
# As each image's own variables say it, and nothing of the test's environment.
ENVIRONMENTS: dict[ServerName, dict[str, str]] = {
    "tgi": {
        "HF_MODEL_ID": _HUB,
        "MAX_INPUT_LENGTH": str(_INPUT),
        "MAX_TOTAL_TOKENS": str(_WINDOW),
        "MAX_CONCURRENT_REQUESTS": str(_CONCURRENT),
    },
    "vllm": {
        "SM_VLLM_MODEL": _HUB,
        "SM_VLLM_MAX_MODEL_LEN": str(_WINDOW),
        "SM_VLLM_MAX_NUM_SEQS": str(_CONCURRENT),
        "SM_VLLM_GENERATION_CONFIG": "vllm",
    },
    "llama-cpp": {
        "SM_LLAMA_CPP_HF_REPO": f"{_HUB}-GGUF",
        "SM_LLAMA_CPP_CTX_SIZE": str(_CONCURRENT * _WINDOW),
        "SM_LLAMA_CPP_PARALLEL": str(_CONCURRENT),
        "SM_LLAMA_CPP_CHAT_TEMPLATE": "{{ messages[0]['content'] }}",
    },
}
_JSON = {"content-type": "application/json"}


@cache
def _tokenizer(name: str) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer(vocabularies() / f"{name}.json")


class Container:
    """A SageMaker runtime that hands each body to one model server's `/invocations`."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def invoke(self, body: bytes, component: str | None) -> AsyncGenerator[bytes]:
        assert component is None
        async with (
            httpx.AsyncClient(base_url=self._base_url, timeout=300) as http,
            http.stream("POST", "/invocations", content=body, headers=_JSON) as response,
        ):
            if response.status_code != httpx.codes.OK:
                await response.aread()
                refused = {"OriginalStatusCode": response.status_code}
                raise service_fault("ModelError", 424, json.dumps(refused).encode())
            async for part in response.aiter_raw():
                yield part

    def renew(self) -> None:
        """Keep everything: each request has a connection of its own, and no credentials."""


class Proxy:
    """The proxy's application in front of one server."""

    def __init__(self, name: ServerName, server: ModelServer) -> None:
        self.name = name
        self.other: Literal["tgi", "vllm"] | None = None
        self.log: list[dict[str, Any]] = []
        self._base_url = str(server.http.base_url)

    def ask(self, route: str, body: Any) -> Any:
        """Return the answer, or the events, of a request, which has a seed so that it repeats."""
        if "inputs" in body:
            body["parameters"] |= {"seed": 1}
        answer = asyncio.run(self._ask(route, {"seed": 1, **body} if "v1" in route else body))
        assert answer.status == 200, answer.body
        assert "usage_difference" not in self.log[-1], (self.log[-1], answer.body)
        return answer.events if body.get("stream") else answer.json

    async def _ask(self, route: str, body: Any) -> Answer:
        app = self._application()
        async with lifespan(app):
            return await Client(app).post(route, body)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Yield the base URL of the application, which has a port of its own."""
        server = uvicorn.Server(uvicorn.Config(self._application(), log_level="warning"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = Thread(target=server.run, args=([listener],))
            thread.start()
            try:
                until(lambda: server.started)
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()

    def _application(self) -> ASGIApp:
        @asynccontextmanager
        async def open_runtime(endpoint_name: str) -> AsyncIterator[Container]:
            del endpoint_name
            yield Container(self._base_url)

        settings = Settings(
            endpoint_name="endpoint",
            server=self.name,
            other_server=self.other,
            model_id="smollm2-135m-instruct",
            prompt_format="chatml",
            tokenizer="smollm2",
            max_input_length=_INPUT,
            max_total_tokens=_WINDOW,
            max_concurrent_requests=_CONCURRENT,
        )
        return create_application(
            settings,
            open_runtime,
            _tokenizer,
            lambda line: self.log.append(json.loads(line)),
        )


@contextmanager
def proxy_before(name: ServerName) -> Iterator[Proxy]:
    """Start a server, and yield the proxy in front of it."""
    with started(name, ENVIRONMENTS[name]) as server:
        yield Proxy(name, server)
