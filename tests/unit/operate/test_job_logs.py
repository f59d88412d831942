"""`make job-logs`: the account's job logs get an end, or it is said why not."""

from typing import Any

import pytest

from operate.account.job_logs import keep_job_logs
from tests.unit.operate.doubles import environment, refusal


class _Logs:
    def __init__(self, *existing: str, fault: str = "") -> None:
        self.groups: dict[str, int | None] = dict.fromkeys(existing)
        self._fault = fault

    def create_log_group(self, **asked: str) -> None:
        if asked["logGroupName"] in self.groups:
            raise refusal("ResourceAlreadyExistsException")
        self.groups[asked["logGroupName"]] = None

    def put_retention_policy(self, **asked: Any) -> None:
        if self._fault:
            raise refusal(self._fault)
        self.groups[asked["logGroupName"]] = asked["retentionInDays"]


def test_each_group_gets_an_end_whether_they_are_there_or_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs = _Logs("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/Other")
    keep_job_logs(environment(logs=logs), 30)
    assert logs.groups == {
        "/aws/apigateway/welcome": 30,
        "/aws/sagemaker/TrainingJobs": 30,
        "/aws/sagemaker/ProcessingJobs": 30,
        "/aws/sagemaker/Other": None,
    }
    assert "/aws/sagemaker/ProcessingJobs keeps its logs for 30 days" in capsys.readouterr().out


def test_a_refusal_is_no_traceback() -> None:
    with pytest.raises(SystemExit, match=r"cannot be 30 days: .*AccessDenied"):
        keep_job_logs(environment(logs=_Logs(fault="AccessDeniedException")), 30)
