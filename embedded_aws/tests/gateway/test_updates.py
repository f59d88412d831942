"""CloudFormation's two calls of a function's update."""

import errno
import threading
from typing import Any

import pytest

from embedded_aws.core.emulator import functions
from embedded_aws.gateway import updates
from embedded_aws.gateway.functions import FunctionError

Json = dict[str, Any]
_OLD: Json = {"Code": {"S3Key": "1"}, "Environment": {"A": "1"}, "Tags": [{"commit": "1"}]}


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        (
            {"Code": {"S3Key": "2"}, "Environment": {"A": "2"}},
            [("2", "1"), ("2", "2")],  # for a while new code has the old environment
        ),
        ({"Code": {"S3Key": "2"}, "Tags": [{"commit": "2"}]}, [("2", "1")]),
        ({"Environment": {"A": "2"}}, [("1", "2")]),
        ({}, [("1", "1")]),
    ],
)
def test_code_is_updated_before_the_configuration(
    monkeypatch: pytest.MonkeyPatch, changed: Json, seen: list[tuple[str, str]]
) -> None:
    monkeypatch.setattr(updates, "_BETWEEN_SECONDS", 0)
    after: list[Json] = [_OLD]

    def update(old: Json, new: Json) -> tuple[str, Json]:
        assert old == after[-1]
        after.append(new)
        return "id", {}

    updates.in_two_calls(update, _OLD, {**_OLD, **changed})
    assert [(new["Code"]["S3Key"], new["Environment"]["A"]) for new in after[1:]] == seen
    assert after[-1] == {**_OLD, **changed}


def _version(state: str, reason: str = "") -> Json:
    return {"config": {"State": state, "StateReason": reason, "FunctionName": "f"}, "code_zip": b""}


def test_a_version_that_starts_is_active_and_is_told_of_its_snapshot_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Any] = []

    class Function:
        def __init__(self, _config: Json, _code_zip: bytes, hooks: tuple[str, ...]) -> None:
            started.append(hooks)

        def stop(self) -> None:
            started.append("stopped")

    monkeypatch.setattr(updates, "WebFunction", Function)
    version = _version("Pending", "The function is being created.")
    updates.take_snapshot(version)
    assert version["config"] == {"State": "Active", "FunctionName": "f"}
    assert started == [("AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH",), "stopped"]


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (FunctionError("f failed the SnapStart hook /checkpoint"), "FunctionError", "f failed the"),
        (OSError(errno.ENOSPC, "No space left on device"), "InternalError", "OSError.*No space"),
    ],
)
def test_a_version_that_does_not_start_fails_its_stack_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, reason: str
) -> None:
    def start(*_: object) -> None:
        raise error

    version = _version("Pending")
    found = (version, version["config"], "f")
    monkeypatch.setattr(updates, "WebFunction", start)
    monkeypatch.setattr(functions, "_get_func_record_for_ref_in_scope", lambda _version_arn: found)
    publishing = threading.Thread(target=updates.take_snapshot, args=(version,))
    publishing.start()
    publishing.join()
    assert version["config"]["State"] == "Failed"
    assert version["config"]["StateReasonCode"] == code
    with pytest.raises(ValueError, match=rf"'v' did not stabilize.*{reason}"):
        updates.await_snapshot("v", {})


def test_managed_instances_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="does not emulate managed instances"):
        updates.refuse_capacity(None, {"CapacityProviderConfig": {}})
    updates.refuse_capacity(None, {})
