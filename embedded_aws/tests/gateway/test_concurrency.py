"""The executions of web functions: what they reserve, and what they share."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import scope
from embedded_aws.gateway.concurrency import ThrottledError, execution

_FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function"


@pytest.fixture(autouse=True)
def new_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(circumstances, "FILE", tmp_path / "circumstances.json")
    circumstances.FILE.write_text(json.dumps({"account": "new"}))
    with scope("000000000000", "us-east-1"):
        yield


def test_functions_of_a_new_account_share_ten_executions() -> None:
    with ExitStack() as running:
        for number in range(10):
            running.enter_context(execution(f"{_FUNCTION}:{number % 2}", reserved=None))
        with (
            pytest.raises(ThrottledError, match="all 10 executions are in use"),
            execution(f"{_FUNCTION}:2", reserved=None),
        ):
            pass
    with execution(f"{_FUNCTION}:2", reserved=None):
        pass


def test_a_reservation_is_its_functions_alone() -> None:
    with ExitStack() as running:
        for _ in range(10):
            running.enter_context(execution(f"{_FUNCTION}:shared", reserved=None))
        running.enter_context(execution(f"{_FUNCTION}:own", reserved=1))
        with pytest.raises(ThrottledError), execution(f"{_FUNCTION}:own", reserved=1):
            pass
