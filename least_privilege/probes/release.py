"""The release's probes: by a person's approval, by the pipeline, and one that fails."""

import time
from typing import Any

from least_privilege.account import client
from least_privilege.probes.pipeline import APPROVED, PENDING, Pipeline, is_logged
from least_privilege.waiting import Patience, ProbeError

_STACK = "Local-Serving"
_SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
_GRACE_SECONDS = 6.0


class Release:
    """Releases packages of executions whose jobs need not run again."""

    def __init__(
        self, pipeline: Pipeline, patience: Patience, *, good: str, bad: str, packages: list[str]
    ) -> None:
        self._pipeline, self._patience = pipeline, patience
        self._good, self._bad = good, bad  # the data of executions
        self._packages = packages  # at least two, so that one of them is not served

    def __call__(self) -> None:
        """By the pipeline, by a person, and one whose model cannot be served."""
        began = int(time.time() * 1000)
        execution = self._pipeline.start(self._good, APPROVED)
        self._pipeline.expect(execution, "Succeeded")
        self.approve()
        self.fail()
        self._patience.until(
            "no log line of model_release",
            lambda: is_logged("model_release.handler", began),
            grace=1,
        )
        self._patience.until("a message stays in the queue", lambda: not _messages(), grace=3)

    def approve(self) -> None:
        """Approve a package as a person does, and expect the endpoint to serve it."""
        package = next(p for p in self._packages if p != self._served())
        sagemaker = client("sagemaker")
        for status in (PENDING, APPROVED):
            sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus=status)
        self._patience.until(
            "an approved package is not served",
            lambda: self._served() == package and self._stack()["StackStatus"] == "UPDATE_COMPLETE",
            grace=_GRACE_SECONDS,
        )
        self._patience.until("a replaced resource stays", lambda: not _replaced(), grace=1)

    def fail(self) -> None:
        """Run a pipeline whose model cannot be served, and expect it to be told and rejected."""
        execution = self._pipeline.start(self._bad, APPROVED)
        self._pipeline.expect(execution, "Failed")
        steps = self._pipeline.steps(execution)
        reason = steps["Release"].get("FailureReason", "")
        if "ROLLBACK" not in reason or "LlmEndpoint" not in reason:
            raise ProbeError("the pipeline is not told why the release failed", reason)
        package = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
        self._patience.until(
            "the package is not rejected",
            lambda: self._status(package) == "Rejected",
            grace=_GRACE_SECONDS,
        )

    def clear(self) -> None:
        """Drop what still waits in the queues, and wait until the stack is settled."""
        sqs = client("sqs")
        self._pipeline.clear()
        for url in _queues():
            sqs.purge_queue(QueueUrl=url)
        Patience.unhurried().until(
            "the serving stack does not settle", lambda: self._stack()["StackStatus"] in _SETTLED
        )
        for call, request in _replaced():
            getattr(client("sagemaker"), call)(**request)

    @staticmethod
    def _status(package: str) -> str:
        found = client("sagemaker").describe_model_package(ModelPackageName=package)
        return str(found["ModelApprovalStatus"])

    def _served(self) -> str:
        parameters = {p["ParameterKey"]: p["ParameterValue"] for p in self._stack()["Parameters"]}
        return str(parameters["ModelPackageArn"])

    @staticmethod
    def _stack() -> dict[str, Any]:
        (stack,) = client("cloudformation").describe_stacks(StackName=_STACK)["Stacks"]
        found: dict[str, Any] = stack
        return found


def _queues() -> list[str]:
    found = client("sqs").list_queues(QueueNamePrefix="Local-Training")
    return [str(url) for url in found.get("QueueUrls", [])]


def _messages() -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = (
        client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        for url in _queues()
    )
    return sum(int(count) for found in attributes for count in found.values())


def _replaced() -> list[tuple[str, dict[str, str]]]:
    """Return the calls that delete what a stack update made and no resource is any longer."""
    found = client("cloudformation").describe_stack_resources(StackName=_STACK)["StackResources"]
    kept = {resource["PhysicalResourceId"] for resource in found}
    stems = {resource["ResourceType"]: resource["LogicalResourceId"] for resource in found}
    sagemaker = client("sagemaker")
    models = sagemaker.list_models(NameContains=stems["AWS::SageMaker::Model"])["Models"]
    configs = sagemaker.list_endpoint_configs(NameContains=stems["AWS::SageMaker::EndpointConfig"])[
        "EndpointConfigs"
    ]
    calls = [("delete_model", "Model", each) for each in models]
    calls += [("delete_endpoint_config", "EndpointConfig", each) for each in configs]
    return [
        (call, {f"{kind}Name": each[f"{kind}Name"]})
        for call, kind, each in calls
        if each[f"{kind}Arn"] not in kept
    ]
