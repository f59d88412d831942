"""A SageMaker endpoint with Text Generation Inference, asked without the REST API before it."""

from collections.abc import AsyncIterable, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer

from bench.load.targets import RequestFailedError, Usage, failures_named


class _Token(msgspec.Struct):
    text: str
    special: bool = False


class _Details(msgspec.Struct):
    generated_tokens: int


class _Event(msgspec.Struct):
    token: _Token | None = None
    details: _Details | None = None
    error: str | None = None
    error_type: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


@dataclass(frozen=True, kw_only=True)
class SageMakerEndpoint:
    """An endpoint by its name. It does not say how many tokens a prompt has."""

    session: aiohttp.ClientSession
    runtime_url: str  # https://runtime.sagemaker.<region>.amazonaws.com
    endpoint: str
    region: str
    credentials: Credentials = field(repr=False)

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return f"SageMaker endpoint {self.endpoint}"

    async def answer(self, prompt: str, tokens: int, on_text: Callable[[], None]) -> Usage:
        """Stream one answer; raises RequestFailedError."""
        body = msgspec.json.encode(
            {
                "inputs": prompt,
                "parameters": {"max_new_tokens": tokens, "details": True},
                "stream": True,
            }
        )
        url = f"{self.runtime_url}/endpoints/{self.endpoint}/invocations-response-stream"
        with failures_named():
            async with self.session.post(url, data=body, headers=self._signed(url, body)) as answer:
                if answer.status != HTTPStatus.OK:
                    kind = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
                    raise RequestFailedError(f"{answer.status} {kind}".strip())
                return await read_events(answer.content.iter_any(), on_text)

    def _signed(self, url: str, body: bytes) -> dict[str, str]:
        request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
        SigV4Auth(self.credentials, "sagemaker", self.region).add_auth(request)
        return dict(request.headers.items())


async def read_events(parts: AsyncIterable[bytes], on_text: Callable[[], None]) -> Usage:
    """Read an answer's event stream; raises RequestFailedError."""
    generated: int | None = None
    stream, rest = EventStreamBuffer(), b""
    async for part in parts:
        stream.add_data(part)
        *lines, rest = (rest + b"".join(_payloads(stream))).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            event = _decode(line[len(b"data:") :])
            if event.error is not None:
                raise RequestFailedError(f"error in the stream {event.error_type or ''}".strip())
            if event.token and not event.token.special:
                on_text()
            if event.details:
                generated = event.details.generated_tokens
    if generated is None:
        raise RequestFailedError("cut")
    return Usage(None, generated)


def _payloads(events: EventStreamBuffer) -> Iterator[bytes]:
    for event in events:
        if event.headers.get(":message-type") != "event":
            kind = event.headers.get(":exception-type") or event.headers.get(":error-code")
            raise RequestFailedError(f"error in the stream {kind}")
        yield event.payload
