"""A conversation with the deployed model in the terminal, through the REST API."""

import json
from collections.abc import Iterator

import httpx

from local.deployment import Deployment

Message = dict[str, str]
_ANSWER_TOKENS = 256


def stream_answer(deployment: Deployment, messages: list[Message]) -> Iterator[str]:
    """The model's answer, piece by piece; raises SystemExit with the API's words when refused."""
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
    ) as answer:
        if answer.is_error:
            raise SystemExit(f"the API answered {answer.status_code}: {answer.read().decode()}")
        for line in answer.iter_lines():
            data = line.removeprefix("data:").strip()
            if not line.startswith("data:") or data == "[DONE]":
                continue
            event = json.loads(data)
            if "error" in event:
                raise SystemExit(f"the answer broke off: {event['error']['message']}")
            for choice in event["choices"]:
                yield choice["delta"].get("content") or ""


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
        answer = print_answer(deployment, messages)
        messages.append({"role": "assistant", "content": answer})


def _ask() -> str:
    try:
        return input("\nyou> ").strip()
    except (EOFError, KeyboardInterrupt):
        print()
        return ""
