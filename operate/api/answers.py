"""Answers of the deployed model, streamed through the REST API by OpenAI's client."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
from openai import APIConnectionError, APIError, APIStatusError, OpenAI

from operate.api.deployment import Deployment

Request = dict[str, Any]
_TIMEOUT_SECONDS = 120


class AnswerError(Exception):
    """An answer that did not come or broke off; `code` is the API's, if it gave one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


def connect(deployment: Deployment) -> OpenAI:
    """Return OpenAI's client of a deployment, without retries: a failure is reported."""
    return OpenAI(
        base_url=f"{deployment.base_url}/v1",
        api_key=deployment.api_key,
        timeout=_TIMEOUT_SECONDS,
        max_retries=0,
    )


def print_answer(openai: OpenAI, request: Request) -> str:
    """Print the answer as it streams, and return it; raises AnswerError."""
    chunks = []
    for text in stream_answer(openai, request):
        print(text, end="", flush=True)
        chunks.append(text)
    print()
    return "".join(chunks)


def stream_answer(openai: OpenAI, request: Request) -> Iterator[str]:
    """Yield the answer to `messages` or to a `prompt` in pieces; raises AnswerError."""
    try:
        yield from _texts(openai, request)
    except APIStatusError as error:
        raise AnswerError(
            f"the API answered {error.status_code}: {_said(error)}", error.code
        ) from error
    except (APIConnectionError, httpx2.HTTPError) as error:
        cause = error.__cause__ or error
        raise AnswerError(f"the API did not answer: {type(cause).__name__}") from error
    except APIError as error:
        raise AnswerError(f"the answer broke off: {error.message}") from error


def _texts(openai: OpenAI, request: Request) -> Iterator[str]:
    is_chat = "messages" in request
    create: Callable[..., Any] = (
        openai.chat.completions.create if is_chat else openai.completions.create
    )
    for chunk in create(stream=True, temperature=0, **request):
        for choice in chunk.choices:
            yield (choice.delta.content if is_chat else choice.text) or ""


def _said(error: APIStatusError) -> str:
    """Return the API's own words, or API Gateway's."""
    body = error.body
    return str(body["message"]) if isinstance(body, dict) and "message" in body else str(body)
