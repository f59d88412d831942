"""A conversation with the deployed model in the terminal, through the REST API."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from operate.deployment import Deployment

Message = dict[str, str]
_ANSWER_TOKENS = 256
_WINDOW_IS_FULL = "context_length_exceeded"


class ChatError(Exception):
    """An answer that did not come or broke off; `code` is the API's, if it gave one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


def stream_answer(deployment: Deployment, messages: list[Message]) -> Iterator[str]:
    """The model's answer, piece by piece; raises ChatError with the API's words when refused."""
    try:
        yield from _pieces(deployment, messages)
    except httpx.HTTPError as error:
        raise ChatError(f"the API did not answer: {type(error).__name__}") from error


def _pieces(deployment: Deployment, messages: list[Message]) -> Iterator[str]:
    request = {
        "model": deployment.model,
        "messages": messages,
        "stream": True,
        "max_tokens": _ANSWER_TOKENS,
        "temperature": 0,
    }
    with httpx.stream(
        "POST",
        f"{deployment.base_url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {deployment.api_key}"},
        json=request,
        timeout=120,
        trust_env=False,  # a proxy of the environment's would not reach this machine
    ) as answer:
        if answer.is_error:
            raise _refusal(answer.status_code, answer.read().decode(errors="replace"))
        for line in answer.iter_lines():
            data = line.removeprefix("data:").strip()
            if not line.startswith("data:") or data == "[DONE]":
                continue
            event = json.loads(data)
            if "error" in event:
                raise ChatError(f"the answer broke off: {event['error']['message']}")
            for choice in event["choices"]:
                yield choice["delta"].get("content") or ""


def _refusal(status: int, body: str) -> ChatError:
    try:
        error: dict[str, Any] = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError):  # API Gateway's own words
        return ChatError(f"the API answered {status}: {body}")
    return ChatError(f"the API answered {status}: {error.get('message')}", error.get("code"))


def print_answer(deployment: Deployment, messages: list[Message]) -> str:
    """Print the answer as it streams, and return it."""
    pieces = []
    for piece in stream_answer(deployment, messages):
        print(piece, end="", flush=True)
        pieces.append(piece)
    print()
    return "".join(pieces)


def converse(deployment: Deployment) -> None:
    """Ask and answer until the person has had enough."""
    print(f"chatting with {deployment.model}; an empty line or Ctrl-D ends")
    messages: list[Message] = []
    while question := _ask():
        messages.append({"role": "user", "content": question})
        try:
            answer = _answer_within_window(deployment, messages)
        except ChatError as error:
            print(f"\n({error})")
            messages.pop()
        else:
            messages.append({"role": "assistant", "content": answer})


def _answer_within_window(deployment: Deployment, messages: list[Message]) -> str:
    while True:
        try:
            return print_answer(deployment, messages)
        except ChatError as error:
            if error.code != _WINDOW_IS_FULL or len(messages) == 1:
                raise
            print("(the model's window is full: it forgets the oldest question)")
            del messages[:2]


def _ask() -> str:
    try:
        return input("\nyou> ").strip()
    except (EOFError, KeyboardInterrupt):
        print()
        return ""
