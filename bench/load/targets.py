"""What is measured: the REST API of a stage, or any server that speaks as OpenAI does."""

from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, Protocol

import aiohttp
import msgspec

Route = Literal["completions", "chat"]


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counts them; None where it does not say."""

    prompt_tokens: int | None
    completion_tokens: int | None


class RequestFailedError(Exception):
    """The request was not answered whole; its text is the kind of failure."""


@contextmanager
def failures_named() -> Iterator[None]:
    """Raise what goes wrong with a connection as RequestFailedError."""
    try:
        yield
    except aiohttp.ServerDisconnectedError:
        raise RequestFailedError("disconnected") from None
    except aiohttp.ClientPayloadError:
        raise RequestFailedError("cut") from None
    except (aiohttp.ClientError, OSError) as error:
        raise RequestFailedError("no connection") from error
    except msgspec.DecodeError:
        raise RequestFailedError("not JSON") from None


class Target(Protocol):
    """Something that answers prompts."""

    @property
    def name(self) -> str:
        """What a report calls it; holds no secret."""

    async def answer(self, prompt: str, tokens: int, on_text: Callable[[], None]) -> Usage:
        """Stream one answer, and call `on_text` for each text; raises RequestFailedError."""


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    text: str | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int


class _Error(msgspec.Struct):
    code: str | int | None = None
    type: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: _Error | str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_DATA = b"data:"


@dataclass(frozen=True, kw_only=True)
class RestApi:
    """OpenAI's completions or chat route under `base_url`, which ends before `/v1`."""

    session: aiohttp.ClientSession
    base_url: str
    api_key: str
    model: str
    route: Route = "completions"

    @property
    def name(self) -> str:
        """Where it is."""
        return f"{self.base_url} ({self.route})"

    async def answer(self, prompt: str, tokens: int, on_text: Callable[[], None]) -> Usage:
        """Stream one answer; raises RequestFailedError."""
        path = "/v1/completions" if self.route == "completions" else "/v1/chat/completions"
        headers = {"Authorization": f"Bearer {self.api_key}"}
        body = self._body(prompt, tokens)
        with failures_named():
            async with self.session.post(
                self.base_url + path, json=body, headers=headers
            ) as answer:
                if answer.status != HTTPStatus.OK:
                    raise RequestFailedError(f"{answer.status}{_code(await answer.read())}")
                return await read_events(answer.content.iter_any(), on_text)

    def _body(self, prompt: str, tokens: int) -> dict[str, object]:
        asked: dict[str, object] = (
            {"prompt": prompt}
            if self.route == "completions"
            else {"messages": [{"role": "user", "content": prompt}]}
        )
        return asked | {
            "model": self.model,
            "max_tokens": tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }


async def read_events(parts: AsyncIterable[bytes], on_text: Callable[[], None]) -> Usage:
    """Read an answer's events, which may be cut anywhere; raises RequestFailedError."""
    usage: _Usage | None = None
    finished, rest = False, b""
    async for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if not line.startswith(_DATA) or line.strip() == b"data: [DONE]":
                continue
            chunk = _decode(line[len(_DATA) :])
            if chunk.error is not None:
                raise RequestFailedError(f"error in the stream{_error_code(chunk.error)}")
            usage = chunk.usage or usage
            for choice in chunk.choices:
                if choice.text or (choice.delta and choice.delta.content):
                    on_text()
                finished = finished or choice.finish_reason is not None
    if not finished:
        raise RequestFailedError("cut")
    return Usage(usage.prompt_tokens, usage.completion_tokens) if usage else Usage(None, None)


def _code(body: bytes) -> str:
    try:
        error = _decode(body).error
    except msgspec.DecodeError:
        return ""
    return "" if error is None else _error_code(error)


def _error_code(error: _Error | str) -> str:
    code = None if isinstance(error, str) else error.code or error.type
    return f" {code}" if code else ""
