"""Every route, as a client meets it: models, chats, completions, TGI's own; whole and streamed."""

import json
from typing import Any

import pytest

from tests.smoke.conftest import Stage

_CHAT = [{"role": "user", "content": "Say hello."}]
_TOKENS = 4


def _events(text: str) -> list[str]:
    return [each[5:].strip() for each in text.split("\n\n") if each.startswith("data:")]


def test_health_needs_no_key(stage: Stage) -> None:
    assert stage.ask("GET", "/health", headers={}).status_code == 200


def test_models_are_listed_and_found_by_name(stage: Stage, model: str) -> None:
    assert stage.ask("GET", f"/v1/models/{model}").json()["id"] == model


@pytest.mark.parametrize(
    ("path", "asked"),
    [("/v1/chat/completions", {"messages": _CHAT}), ("/v1/completions", {"prompt": "The sea"})],
)
def test_openais_routes_answer_whole_and_streamed(
    stage: Stage, model: str, path: str, asked: dict[str, Any]
) -> None:
    body = {"model": model, "max_tokens": _TOKENS, **asked}
    whole = stage.ask("POST", path, json=body)
    assert whole.status_code == 200, whole.text
    assert whole.json()["choices"][0]["finish_reason"]
    assert whole.json()["usage"]["completion_tokens"] <= _TOKENS

    streamed = stage.ask("POST", path, json={**body, "stream": True})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    *chunks, end = _events(streamed.text)
    assert end == "[DONE]"
    assert json.loads(chunks[-1])["choices"][0]["finish_reason"]


@pytest.mark.parametrize("path", ["/generate", "/generate_stream", "/invocations", "/"])
def test_tgis_routes_answer(stage: Stage, path: str) -> None:
    body = {"inputs": "The sea is", "parameters": {"max_new_tokens": _TOKENS}}
    answer = stage.ask("POST", path, json=body)
    assert answer.status_code == 200, answer.text
    last = json.loads(_events(answer.text)[-1] if path == "/generate_stream" else answer.text)
    generated = last[0] if isinstance(last, list) else last
    assert generated["generated_text"]


def test_info_names_the_limits_of_the_model(stage: Stage) -> None:
    info = stage.ask("GET", "/info").json()
    assert 0 < info["max_input_length"] < info["max_total_tokens"]
