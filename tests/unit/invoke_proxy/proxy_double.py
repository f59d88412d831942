"""Doubles for the proxy's tests: an endpoint that does as it is told, and an ASGI client."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.types import ASGIApp, Message

from invoke_proxy.application import create_application
from invoke_proxy.sagemaker.runtime import Runtime
from invoke_proxy.settings import Settings

SETTINGS = Settings(
    endpoint_name="endpoint",
    model_id="mistral-7b-instruct",
    prompt_format="mistral-instruct",
    tokenizer="mistral-v1",
    max_input_length=100,
    max_total_tokens=150,
)

Step = bytes | float | Exception


def tgi_frames(
    texts: Sequence[str], finish_reason: str = "length", *, end_token: str | None = None
) -> list[bytes]:
    """Return TGI's events for a generation of these tokens."""
    tokens = [{"id": 7, "text": text, "logprob": -0.5, "special": False} for text in texts]
    if end_token:
        tokens.append({"id": 2, "text": end_token, "logprob": -0.1, "special": True})
    events: list[dict[str, Any]] = [
        {"token": token, "generated_text": None, "details": None} for token in tokens
    ]
    events[-1]["generated_text"] = "".join(texts)
    events[-1]["details"] = {
        "finish_reason": finish_reason,
        "generated_tokens": len(tokens),
        "seed": None,
    }
    return [b"data:" + json.dumps(event).encode() + b"\n\n" for event in events]


class FakeRuntime:
    """Answers every invocation with the same steps: bytes to send, seconds to wait, a fault."""

    def __init__(self, *steps: Step) -> None:
        self.steps: Sequence[Step] = steps
        self.bodies: list[Any] = []
        self.components: list[str | None] = []
        self.open = 0
        self.renewed = 0

    def renew(self) -> None:
        self.renewed += 1

    async def invoke(self, body: bytes, component: str | None) -> AsyncGenerator[bytes]:
        self.bodies.append(json.loads(body))
        self.components.append(component)
        self.open += 1
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.open -= 1


class WordTokenizer:
    """Counts a start token and the words, so that a test sees by eye what fits."""

    special_tokens: Sequence[str] = ("<s>", "</s>")
    vocabulary_size = 100

    def count(self, text: str) -> int:
        return 1 + len(text.split())


class Answer:
    """What a client of the application has received."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []
        self.complete = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """Return the data of the server-sent events, decoded but for `[DONE]`."""
        lines = [line for line in self.body.decode().split("\n") if line.startswith("data:")]
        data = [line.removeprefix("data:").strip() for line in lines]
        return [each if each == "[DONE]" else json.loads(each) for each in data]

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            if body := message.get("body", b""):
                self.chunks.append(body)
            self.complete = not message.get("more_body", False)


class Client:
    """Calls an ASGI application in this process, without a socket."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.request("GET", path, b"", headers)

    async def post(
        self, path: str, body: Any, headers: Mapping[str, str] | None = None, **options: Any
    ) -> Answer:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.request("POST", path, sent, headers, **options)

    async def request(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        leave_after_chunks: int | None = None,
    ) -> Answer:
        """Send a request; a client that leaves does so once it has that many chunks."""
        answer = Answer()
        left = asyncio.Event()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            answer.take(message)
            if leave_after_chunks is not None and len(answer.chunks) >= leave_after_chunks:
                left.set()

        if leave_after_chunks == 0:
            asyncio.get_running_loop().call_later(0.05, left.set)
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
        }
        await self.app(scope, receive, send)
        return answer


@asynccontextmanager
async def client_of(
    runtime: Runtime, settings: Settings = SETTINGS, log: list[str] | None = None
) -> AsyncIterator[Client]:
    """Start the application over a runtime, and end it."""

    @asynccontextmanager
    async def open_runtime(endpoint_name: str) -> AsyncIterator[Runtime]:
        assert endpoint_name == settings.endpoint_name
        yield runtime

    lines = log if log is not None else []
    app = create_application(settings, open_runtime, lambda _: WordTokenizer(), lines.append)
    async with lifespan(app):
        yield Client(app)


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    received: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()
    task = asyncio.create_task(_run(app, received, sent))
    received.put_nowait({"type": "lifespan.startup"})
    started = await sent.get()
    assert started["type"] == "lifespan.startup.complete", started
    try:
        yield
    finally:
        received.put_nowait({"type": "lifespan.shutdown"})
        with suppress(asyncio.CancelledError):
            await task


async def _run(
    app: ASGIApp, received: asyncio.Queue[Message], sent: asyncio.Queue[Message]
) -> None:
    await app({"type": "lifespan", "state": {}}, received.get, sent.put)
