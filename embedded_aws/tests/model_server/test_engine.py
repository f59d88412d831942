"""Where llama.cpp's server listens."""

import secrets
import tempfile
from pathlib import Path

import pytest

from embedded_aws.model_server.engine import unused_socket


def test_the_socket_that_an_ended_server_left_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["AAA", "AAA", "BBB"])
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _bytes: next(names))
    left = Path(unused_socket())
    left.touch()
    assert Path(unused_socket()) == tmp_path / "BBB.sock" != left
