"""The comment at GitHub: one, whatever is said beside it."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from operate.delivery.comment import write_comment
from operate.delivery.report.markdown import MARKER

_TEXT = f"{MARKER}\nnew\n"


class _GitHub:
    """The comments of pull request 7."""

    def __init__(self, *comments: tuple[str, str]) -> None:
        self.comments = [
            {"id": number, "user": {"type": kind}, "body": body}
            for number, (kind, body) in enumerate(comments, start=1)
        ]

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer token"
        path = request.url.path.removeprefix("/repos/octo-org/mistral/issues")
        if request.method == "GET":
            page = int(request.url.params["page"])
            return httpx.Response(200, json=self.comments[100 * (page - 1) : 100 * page])
        body = json.loads(request.content)["body"]
        if request.method == "POST":
            assert path == "/7/comments"
            self.comments.append({"id": 0, "user": {"type": "Bot"}, "body": body})
        else:
            (found,) = (each for each in self.comments if path == f"/comments/{each['id']}")
            found["body"] = body
        return httpx.Response(200, json={"html_url": "https://github.com/x"})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GITHUB_TOKEN", "token")
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo-org/mistral")
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    file = tmp_path / "comment.md"
    file.write_text(_TEXT)
    return file


def _bodies(github: _GitHub, file: Path) -> list[Any]:
    write_comment(7, file, httpx.MockTransport(github.answer))
    return [each["body"] for each in github.comments]


def test_the_first_comment_is_written(file: Path) -> None:
    assert _bodies(_GitHub(("User", "nice")), file) == ["nice", _TEXT]


@pytest.mark.parametrize("token", ["ghs_sec\nret", "ghs_secr\u00e9t", "ghs_sec\0ret"])
def test_a_token_that_is_none_is_refused_without_showing_it(
    file: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "operate.delivery.comment.os.environ", {**os.environ, "GITHUB_TOKEN": token}
    )
    with pytest.raises(SystemExit) as refused:
        write_comment(7, file)
    assert str(refused.value) == "GITHUB_TOKEN must be one line of printable ASCII"


def test_the_line_that_a_tokens_file_ends_with_is_no_part_of_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "token\n")
    assert _bodies(_GitHub(), file) == [_TEXT]


def test_the_comment_is_written_anew_in_place_on_the_second_page(file: Path) -> None:
    many = [("User", "nice")] * 150
    bodies = _bodies(_GitHub(*many, ("Bot", f"{MARKER}\nold"), ("Bot", "another's")), file)
    assert bodies == [*["nice"] * 150, _TEXT, "another's"]


def test_a_person_who_quotes_the_first_line_keeps_the_comment(file: Path) -> None:
    quoted = f"{MARKER}\nwhat is this?"
    assert _bodies(_GitHub(("User", quoted)), file) == [quoted, _TEXT]


def test_a_refusal_is_a_sentence(file: Path) -> None:
    refusing = httpx.MockTransport(lambda _request: httpx.Response(403))
    with pytest.raises(SystemExit, match="GitHub cannot be told: Client error '403 Forbidden'"):
        write_comment(7, file, refusing)


def test_another_file_or_an_unknown_pull_request_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("anything")
    with pytest.raises(SystemExit, match="must be what `make diff-report` prints"):
        write_comment(7, file)
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(SystemExit, match="set GITHUB_TOKEN, GITHUB_REPOSITORY and NUMBER"):
        write_comment(7, file)
