"""The conversation of `make chat`, against an API that refuses and breaks off."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from operate.api.chat import converse
from operate.api.deployment import Deployment

_MAX_MESSAGES = 3


class _Api(BaseHTTPRequestHandler):
    """Answers `n messages`, and has a window of three of them."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages = request["messages"]
        if messages[-1]["content"] == "hang up":
            self.close_connection = True
        elif messages[-1]["content"] == "gateway":
            self._send(504, '{"message": "Endpoint request timed out"}')
        elif messages[-1]["content"] == "too long" or len(messages) > _MAX_MESSAGES:
            error = {"message": "the prompt is too long", "code": "context_length_exceeded"}
            self._send(400, json.dumps({"error": error}))
        else:
            delta = {"content": f"{len(messages)} messages"}
            event = json.dumps({"choices": [{"delta": delta}]})
            self._send(200, f"data: {event}\n\ndata: [DONE]\n\n")

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Deployment(
            base_url=f"http://127.0.0.1:{server.server_port}",
            api_key="key",
            model="model",
            sagemaker_endpoint="endpoint",
            aws_endpoint_url="",
            region="us-east-1",
        )
        server.shutdown()


def _converse(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, *questions: str) -> None:
    asked = iter([*questions, ""])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(asked))
    converse(deployment)


def test_chat_forgets_the_oldest_question_when_the_window_is_full(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _converse(deployment, monkeypatch, "one", "two", "three")
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:] == [
        "1 messages",
        "3 messages",
        "(the model's window is full: it forgets the oldest question)",
        "3 messages",
    ]


def test_chat_asks_again_for_what_is_no_text(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _converse(deployment, monkeypatch, "caf\udce9", "one")
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:] == [
        "(the terminal sent bytes that are not UTF-8: type it again)",
        "1 messages",
    ]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("too long", "(the API answered 400: the prompt is too long)"),
        ("gateway", "(the API answered 504: Endpoint request timed out)"),
        ("hang up", "(the API did not answer: RemoteProtocolError)"),
    ],
)
def test_chat_goes_on_after_an_answer_that_did_not_come(
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    question: str,
    said: str,
) -> None:
    _converse(deployment, monkeypatch, question, "and now")
    printed = capsys.readouterr().out.splitlines()
    assert said in printed
    assert printed[-1] == "1 messages"
