"""The jobs' probes: a job of the pipeline once more, under its role."""

import uuid
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from least_privilege.account import client
from least_privilege.waiting import Patience, ProbeError

_ENDED = ("Completed", "Failed", "Stopped")


class StepJob:
    """The job that a pipeline's step once ran: run again, with a log group that is not there."""

    def __init__(self, step: dict[str, Any], patience: Patience) -> None:
        (kind,) = step["Metadata"].keys() & {"ProcessingJob", "TrainingJob"}
        self._kind, self._step, self._patience = kind, step["StepName"], patience
        sagemaker = client("sagemaker")
        name = job_name(kind, step["Metadata"][kind]["Arn"])
        described = self._call("describe", **{f"{kind}Name": name})
        shape = sagemaker.meta.service_model.operation_model(f"Create{kind}").input_shape
        self._request = {k: v for k, v in described.items() if k in shape.members}

    def __call__(self) -> None:
        """Run the job; raises ProbeError when it fails, or leaves no log."""
        group = f"/aws/sagemaker/{self._kind}s"
        with suppress(ClientError):
            client("logs").delete_log_group(logGroupName=group)
        name = f"pipelines-{uuid.uuid4().hex[:12]}-{self._step}-{uuid.uuid4().hex[:10]}"
        try:
            self._call("create", **{**self._request, f"{self._kind}Name": name})
        except ClientError as error:
            raise ProbeError("SageMaker refuses the job", error) from error
        found = self._patience.until("the job does not end", lambda: self._ended(name), grace=10)
        if found[f"{self._kind}Status"] != "Completed":
            raise ProbeError("the job fails", found["FailureReason"])
        self._patience.until(
            f"no log line of {self._step}", lambda: _is_logged(group, name), grace=1
        )

    def _ended(self, name: str) -> dict[str, Any] | None:
        found = self._call("describe", **{f"{self._kind}Name": name})
        return found if found[f"{self._kind}Status"] in _ENDED else None

    def _call(self, verb: str, **request: Any) -> dict[str, Any]:
        name = {"ProcessingJob": "processing_job", "TrainingJob": "training_job"}[self._kind]
        answer: dict[str, Any] = getattr(client("sagemaker"), f"{verb}_{name}")(**request)
        return answer


def job_name(kind: str, arn: str) -> str:
    """Return the name of a job, which its ARN has in lower case."""
    verb = {"ProcessingJob": "list_processing_jobs", "TrainingJob": "list_training_jobs"}[kind]
    for page in client("sagemaker").get_paginator(verb).paginate():
        for job in page[f"{kind}Summaries"]:
            if job[f"{kind}Arn"] == arn:
                return str(job[f"{kind}Name"])
    raise ProbeError("the job is gone", arn)


def _is_logged(group: str, job: str) -> bool:
    try:
        events = client("logs").filter_log_events(logGroupName=group)["events"]
    except ClientError:
        return False
    return any(e["logStreamName"].startswith(job) and "ended" in e["message"] for e in events)
