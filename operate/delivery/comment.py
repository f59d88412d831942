"""The one comment on a pull request, which is found by its first line and written anew in place."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from operate.delivery.report.markdown import MARKER

_PAGE = 100
_SECONDS = 30


def write_comment(number: int, file: Path, transport: httpx.BaseTransport | None = None) -> None:
    """Create or change the comment; raises SystemExit if GitHub refuses."""
    token, repository = (
        os.environ.get(f"GITHUB_{name}", "").strip() for name in ("TOKEN", "REPOSITORY")
    )
    if not token or not repository or not number:
        raise SystemExit("set GITHUB_TOKEN, GITHUB_REPOSITORY and NUMBER, the pull request's")
    if not (token.isascii() and token.isprintable()):  # the client's own error would show it
        raise SystemExit("GITHUB_TOKEN must be one line of printable ASCII")
    text = file.read_text(encoding="utf-8", errors="replace")
    if not text.startswith(MARKER):
        raise SystemExit(f"{file} must be what `make diff-report` prints")
    api = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    with httpx.Client(
        base_url=f"{api}/repos/{repository}/issues",
        headers=headers,
        timeout=_SECONDS,
        transport=transport,
    ) as github:
        try:
            _write(github, number, text)
        except httpx.HTTPError as error:
            raise SystemExit(f"GitHub cannot be told: {error}") from error


def _write(github: httpx.Client, number: int, text: str) -> None:
    own = next((each["id"] for each in _comments(github, number) if _is_ours(each)), None)
    if own is None:
        answer = github.post(f"/{number}/comments", json={"body": text})
    else:
        answer = github.patch(f"/comments/{own}", json={"body": text})
    print(answer.raise_for_status().json()["html_url"])


def _comments(github: httpx.Client, number: int) -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        found = github.get(f"/{number}/comments", params={"per_page": _PAGE, "page": page})
        comments = found.raise_for_status().json()
        yield from comments
        if len(comments) < _PAGE:
            return
        page += 1


def _is_ours(comment: dict[str, Any]) -> bool:
    """Tell the comment from one in which a person quotes the first line."""
    return comment["user"]["type"] == "Bot" and str(comment["body"]).startswith(MARKER)
