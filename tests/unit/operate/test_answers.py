"""The deployed API, asked through OpenAI's client as any client asks it."""

import json
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from operate.api.answers import AnswerError, print_answer
from operate.api.deployment import base_url


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "https://a1.execute-api.eu-west-1.amazonaws.com/api"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/_aws/execute-api/a1/api"),
    ],
)
def test_api_is_found_on_aws_and_on_the_embedded_one(endpoint: str | None, url: str) -> None:
    found = {"ApiUrl": "https://a1.execute-api.eu-west-1.amazonaws.com/api/", "RestApiId": "a1"}
    assert base_url(found, endpoint) == url


def _openai(status: int, body: str, *, path: str = "v1/chat/completions") -> OpenAI:
    """Return a client whose API answers one thing."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == f"https://api.test/api/{path}"
        assert request.headers["Authorization"] == "Bearer secret"
        assert json.loads(request.content)["stream"] is True
        return httpx2.Response(status, text=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    url = "https://api.test/api/v1"
    return OpenAI(base_url=url, api_key="secret", max_retries=0, http_client=http)


_CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}]}


@pytest.mark.parametrize(
    ("path", "event", "request_body"),
    [
        ("v1/chat/completions", {"choices": [{"delta": {"content": "violet"}}]}, _CHAT),
        ("v1/completions", {"choices": [{"text": "violet"}]}, {"model": "m", "prompt": "?"}),
    ],
)
def test_answer_is_printed_as_it_streams(
    capsys: pytest.CaptureFixture[str],
    path: str,
    event: dict[str, Any],
    request_body: dict[str, Any],
) -> None:
    frames = [": waiting", f"data: {json.dumps(event)}", f"data:{json.dumps(event)}"]
    body = "\n\n".join([*frames, 'data: {"choices": []}', "data: [DONE]", ""])
    assert print_answer(_openai(200, body, path=path), request_body) == "violetviolet"
    assert capsys.readouterr().out == "violetviolet\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_line_of_an_answer_is_no_line_of_its_stream(end: str) -> None:
    text = "a\u2028b\u2029c\u0085d\u000be\u000cf\u001cg"  # what str.splitlines would cut
    event = json.dumps({"choices": [{"delta": {"content": text}}]}, ensure_ascii=False)
    body = end.join([f"data: {event}", "", "data: [DONE]", "", ""])
    assert print_answer(_openai(200, body), _CHAT) == text


@pytest.mark.parametrize(
    ("status", "body", "said", "code"),
    [
        (400, '{"error": {"message": "too long", "code": "c"}}', "answered 400: too long", "c"),
        (403, '{"message": "Forbidden"}', "answered 403: Forbidden", None),
        (502, "<html>", "answered 502: <html>", None),
        (200, 'data: {"error": {"message": "gone"}}\n\n', "the answer broke off: gone", None),
    ],
)
def test_refusal_is_told_in_the_words_of_the_api(
    status: int, body: str, said: str, code: str | None
) -> None:
    with pytest.raises(AnswerError, match=said) as refused:
        print_answer(_openai(status, body), _CHAT)
    assert refused.value.code == code
