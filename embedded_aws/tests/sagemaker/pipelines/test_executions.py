"""Executions that are stopped and retried at the moment in which they end, or fail by a bug."""

import json
import threading
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest

from embedded_aws.core.emulator import ScopedStore, scope
from embedded_aws.sagemaker.pipelines import executions
from embedded_aws.sagemaker.pipelines.engine import Execution
from embedded_aws.tests.account import until

Json = dict[str, Any]
_ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/e"


@pytest.fixture(autouse=True)
def _scope() -> Iterator[None]:
    with scope("000000000000", "us-east-1"):
        yield


def _record(*steps: Json) -> Json:
    return {
        "PipelineArn": _ARN.partition("/execution")[0],
        "PipelineExecutionArn": _ARN,
        "PipelineExecutionDisplayName": "e",
        "CreationTime": 0.0,
        "_Definition": json.dumps({"Version": "2020-12-01", "Steps": steps}),
        "_Parameters": {},
        "_Steps": {},
    }


def test_an_execution_that_has_ended_is_not_stopped() -> None:
    record = _record()
    execution = Execution(record, ScopedStore())
    execution.begin()
    execution.run()
    execution.stop()
    assert record["PipelineExecutionStatus"] == "Succeeded"


def _executed(record: Json) -> Json:
    execution = Execution(record, ScopedStore())
    execution.begin()
    running = threading.Thread(target=copy_context().run, args=(execution.run,), daemon=True)
    running.start()
    running.join(120)
    return record


def test_an_execution_fails_whose_step_cannot_tell_whether_it_is_tried_again() -> None:
    policy: Json = {"MaxAttempts": 2}
    step = {"Name": "S", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    record = _executed(_record({**step, "RetryPolicies": [policy]}))
    assert record["PipelineExecutionStatus"] == "Failed"
    assert "S: InternalServerError: KeyError('ExceptionType')" in record["FailureReason"]
    assert record["_Steps"]["S"]["StepStatus"] == "Failed"


def test_an_execution_fails_that_cannot_choose_its_next_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ready(*_: object) -> None:
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(Execution, "_ready", ready)
    record = _executed(_record())
    assert record["PipelineExecutionStatus"] == "Failed"
    assert record["FailureReason"].startswith("InternalServerError: RuntimeError('dictionary")


class _Ending:
    """An execution that has told its end, and whose thread goes on for a while."""

    made: list["_Ending"]

    def __init__(self, *_: object) -> None:
        self.began, self.ends, self.stopped = threading.Event(), threading.Event(), False
        self.made.append(self)

    def begin(self) -> None:
        """Begin."""

    def run(self) -> None:
        self.thread = threading.current_thread()
        self.began.set()
        assert self.ends.wait(120)

    def stop(self) -> None:
        self.stopped = True


def test_a_retry_that_begins_before_the_run_before_has_gone_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record, request = _record(), {"PipelineExecutionArn": _ARN}
    record["PipelineExecutionStatus"] = "Failed"
    monkeypatch.setattr(executions, "executions", {_ARN: record})
    monkeypatch.setattr(executions, "Execution", _Ending)
    _Ending.made = []
    executions._run(record)
    executions.retry(request)
    old, new = _Ending.made
    assert old.began.wait(120)
    old.ends.set()
    old.thread.join(120)
    record["PipelineExecutionStatus"] = "Executing"
    executions.stop(request)
    assert new.stopped
    new.ends.set()
    until(lambda: _ARN not in executions._running)
