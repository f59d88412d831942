"""The wait of an update for the streams of the version before."""

import json
from typing import Any
from urllib.request import Request

import pytest

from version_draining import handler

_ARN = "arn:aws:lambda:eu-west-1:111111111111:function"
_ADDRESS = "https://cloudformation-custom-resource-response.example/signed"


class _Answered:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _event(
    kind: str, version: str, before: str | None = None, function: str = "Proxy"
) -> dict[str, Any]:
    old = {"Version": f"{_ARN}:Proxy:{before}", "Seconds": "9"}
    return {
        "RequestType": kind,
        "ResponseURL": _ADDRESS,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Wait",
        "ResourceProperties": {"Version": f"{_ARN}:{function}:{version}", "Seconds": "520"},
        **({"OldResourceProperties": old} if before else {}),
    }


@pytest.mark.parametrize(
    ("event", "seconds"),
    [
        (_event("Create", "1"), 0),
        (_event("Create", "7"), 520),  # the function was there before the resource
        (_event("Update", "8", before="7"), 520),
        (_event("Update", "7", before="8"), 520),  # a rollback
        (_event("Update", "8", before="8"), 0),
        (_event("Update", "1", before="1", function="Managed"), 520),  # another function's first
        (_event("Delete", "8"), 0),
    ],
)
def test_it_waits_when_the_alias_has_left_a_version(event: dict[str, Any], seconds: int) -> None:
    assert handler.wait_seconds(event) == seconds


def test_it_answers_as_the_same_resource_when_it_has_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []
    sent: list[Request] = []

    def put(request: Request, timeout: float) -> _Answered:
        assert timeout > 0
        done.append("answered")
        sent.append(request)
        return _Answered()

    monkeypatch.setattr("time.sleep", done.append)
    monkeypatch.setattr("urllib.request.urlopen", put)
    handler.handle(_event("Update", "8", before="7"), None)
    assert done == [520, "answered"]
    (request,) = sent
    assert (request.method, request.full_url) == ("PUT", _ADDRESS)
    assert request.get_header("Content-type") == ""
    assert isinstance(request.data, bytes)
    assert json.loads(request.data) == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "Wait",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Wait",
    }
