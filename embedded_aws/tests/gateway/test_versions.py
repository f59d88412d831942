"""What becomes of the server of a published version when the version is deleted."""

import threading

import pytest

from embedded_aws.gateway import functions

_FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:proxy"


class _Server:
    """A server with a stream in it."""

    requests = 1

    def __init__(self, version: int) -> None:
        self.arn = f"{_FUNCTION}:{version}"
        self.killed = threading.Event()

    def kill(self) -> None:
        self.killed.set()


@pytest.mark.parametrize(("deleted", "cut"), [(1, (True, False)), (2, (False, True)), (3, ())])
def test_a_deleted_version_is_cut_and_no_other(
    monkeypatch: pytest.MonkeyPatch, deleted: int, cut: tuple[bool, ...]
) -> None:
    before, live = _Server(1), _Server(2)
    monkeypatch.setattr(functions, "_running", {_FUNCTION: live})
    monkeypatch.setattr(functions, "_retired", {before})
    functions.version_deleted(f"{_FUNCTION}:{deleted}")
    for server, is_cut in zip((before, live), cut or (False, False), strict=True):
        assert server.killed.wait(120 if is_cut else 0) is is_cut
