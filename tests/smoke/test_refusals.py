"""What a stranger can provoke: each refusal has OpenAI's form, and a code that says why."""

from typing import Any

import pytest

from tests.smoke.conftest import Stage

_CHAT = "/v1/chat/completions"
_MESSAGES = [{"role": "user", "content": "Say hello."}]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer no-key"},
        {"Authorization": f"Bearer {'x' * 40}"},
        {"Authorization": "Basic eDp4"},
        {"x-api-key": "x" * 40},
    ],
    ids=["none", "too short", "unknown", "of another scheme", "in another header"],
)
def test_who_has_no_key_is_refused(stage: Stage, headers: dict[str, str]) -> None:
    answer = stage.ask("POST", _CHAT, headers=headers, json={"messages": _MESSAGES})
    assert answer.status_code in (401, 403)
    assert answer.json()["error"]["code"] in ("invalid_api_key", "access_denied")
    shows_key = stage.api_key in answer.text
    assert not shows_key


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"messages": "hello"}, 400, "invalid_request"),
        ({"messages": []}, 400, "invalid_request"),
        (
            {"messages": [{"role": "user", "content": "x " * 40_000}]},
            400,
            "context_length_exceeded",
        ),
        ({"messages": _MESSAGES, "temperature": "hot"}, 400, "invalid_request"),
        ({"messages": _MESSAGES, "max_tokens": 10_000_000}, 400, "context_length_exceeded"),
        ({"messages": _MESSAGES, "tools": [{}]}, 400, "unsupported_parameter"),
        ({"messages": _MESSAGES, "model": "gpt-none"}, 404, "model_not_found"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_body_is_refused_with_a_code(
    stage: Stage, model: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = stage.ask("POST", _CHAT, json={"model": model, **body} if body else body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


def test_what_is_no_json_is_refused(stage: Stage) -> None:
    headers = {**stage.key, "Content-Type": "application/json"}
    answer = stage.ask("POST", _CHAT, headers=headers, content=b"{not json")
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/no-such-route"), ("DELETE", "/v1/models"), ("GET", _CHAT)]
)
def test_another_route_or_method_is_refused(stage: Stage, method: str, path: str) -> None:
    answer = stage.ask(method, path)
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["code"] in ("unknown_url", "method_not_allowed")


def test_tgis_refusals_have_tgis_form(stage: Stage) -> None:
    body = {"inputs": "The sea", "parameters": {"max_new_tokens": 10_000_000}}
    answer = stage.ask("POST", "/generate", json=body)
    assert answer.status_code == 422
    assert answer.json()["error_type"] == "validation"
