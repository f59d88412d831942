"""The repair of a stack whose rollback failed."""

from typing import Any

import pytest

from operate.releases.repair import repair
from tests.unit.operate.doubles import Stacks, environment


class _Broken(Stacks):
    """A serving stack whose rollback of `LlmEndpoint` fails as often as it is told."""

    def __init__(self, *, fails: int, status: str = "UPDATE_ROLLBACK_FAILED") -> None:
        super().__init__({"Serving": {}}, ModelPackageArn="arn:package/2")
        self._fails, self._status = fails, status
        self.skipped: list[list[str]] = []
        self._events: list[dict[str, str]] = []
        self._roll_back("release")

    def continue_update_rollback(
        self,
        *,
        StackName: str,  # noqa: N803 - boto3's name
        ClientRequestToken: str,  # noqa: N803 - boto3's name
        ResourcesToSkip: list[str] | None = None,  # noqa: N803 - boto3's name
    ) -> None:
        assert StackName == "Prod-Serving"
        self.skipped.append(ResourcesToSkip or [])
        self._fails -= 1
        self._roll_back(ClientRequestToken)

    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        return {"StackEvents": self._events}

    def _roll_back(self, token: str) -> None:
        is_failing = self._fails > 0 and "LlmEndpoint" not in (self.skipped or [[]])[-1]
        self._tell("Prod-Serving", "UPDATE_ROLLBACK_IN_PROGRESS", token)
        if is_failing:
            self._tell("LlmEndpoint", "UPDATE_FAILED", token, "in use endpoint configuration")
        end = "FAILED" if is_failing else "COMPLETE"
        self._tell("Prod-Serving", f"UPDATE_ROLLBACK_{end}", token)

    def _tell(self, resource: str, status: str, token: str, reason: str = "") -> None:
        kind = "CloudFormation::Stack" if resource == "Prod-Serving" else "SageMaker::Endpoint"
        event = {
            "LogicalResourceId": resource,
            "ResourceType": f"AWS::{kind}",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "ClientRequestToken": token,
        }
        self._events.insert(0, event)


def _repair(stack: _Broken, answer: str = "") -> None:
    repair(environment(cloudformation=stack), lambda _question: answer, every=0)


def test_repair_shows_what_failed_continues_the_rollback_and_says_what_is_served(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = _Broken(fails=1)
    _repair(stack)
    assert stack.skipped == [[]]
    said = capsys.readouterr().out
    assert said.startswith("LlmEndpoint: in use endpoint configuration")
    assert "UPDATE_ROLLBACK_COMPLETE" in said
    assert "Prod-Serving says that arn:package/2 is served" in said


def test_repair_leaves_a_resource_out_only_when_needed_and_after_asking() -> None:
    stack = _Broken(fails=9)
    with pytest.raises(SystemExit, match="nothing was left out"):
        _repair(stack, "no")
    assert stack.skipped == [[]]
    _repair(stack, "skip")
    assert stack.skipped == [[], [], ["LlmEndpoint"]]


def test_repair_is_refused_where_no_rollback_failed() -> None:
    with pytest.raises(SystemExit, match="is UPDATE_COMPLETE: only UPDATE_ROLLBACK_FAILED"):
        _repair(_Broken(fails=1, status="UPDATE_COMPLETE"))
