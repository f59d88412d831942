"""The deployed REST API, asked as any client asks it."""

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx

from operate.keys import client_names, key_of
from operate.stacks import outputs

_ANSWER_TOKENS = 64


def print_answer(environment: str, path: str, request: dict[str, Any]) -> None:
    """Print what the environment's model answers, as it streams; raises SystemExit if refused."""
    found = outputs(environment, "Api")
    names = client_names(environment)
    if not names:
        print(f"{found['ApiUrl']} takes signed requests: ask it with your own credentials")
        return
    body = {
        "model": found["ModelId"],
        "stream": True,
        "temperature": 0,
        "max_tokens": _ANSWER_TOKENS,
        **request,
    }
    with httpx.stream(
        "POST",
        f"{base_url(found)}/{path}",
        headers={"Authorization": f"Bearer {key_of(environment, names[0])}"},
        json=body,
        timeout=120,
    ) as answer:
        if answer.is_error:
            raise SystemExit(f"the API answered {answer.status_code}: {answer.read().decode()}")
        for piece in _pieces(answer.iter_lines()):
            print(piece, end="", flush=True)
    print()


def base_url(found: dict[str, str]) -> str:
    """Where the API of these outputs answers: an AWS of one's own routes by path, not by name."""
    url = found["ApiUrl"].rstrip("/")
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        stage = url.rpartition("/")[2]
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{found['RestApiId']}/{stage}"
    return url


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        event = json.loads(data)
        if "error" in event:
            raise SystemExit(f"the answer broke off: {event['error']['message']}")
        for choice in event["choices"]:
            yield choice.get("text") or choice.get("delta", {}).get("content") or ""
