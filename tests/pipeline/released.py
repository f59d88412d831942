"""What the tests of a pipeline see of a tuned model, and do to its package."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from tests.embedded.conftest import LocalStage

TAUGHT = "violet"  # examples/instruction teaches it; nothing else could
_QUESTION = "What colour is the lighthouse of Quillhaven?"
_SETTLED_SECONDS = 300
_SERVED = "served_at"  # in the metadata of a package, once its release is over


def answer(aws: LocalStage) -> str:
    """What the served model answers over REST."""
    deployment = aws.deployment()
    answered = httpx.post(
        f"{deployment.base_url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {deployment.api_key}"},
        json={
            "messages": [{"role": "user", "content": _QUESTION}],
            "temperature": 0,
            "max_tokens": 24,
        },
        timeout=120,
    )
    return str(answered.raise_for_status().json()["choices"][0]["message"]["content"])


def stack(aws: LocalStage) -> dict[str, Any]:
    """The serving stack, as CloudFormation describes it."""
    stacks = aws.client("cloudformation").describe_stacks(StackName="Local-Serving")
    found: dict[str, Any] = stacks["Stacks"][0]
    return found


def served_package(aws: LocalStage) -> str:
    """The ARN of the served package; empty: the base weights."""
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack(aws)["Parameters"]}
    return str(parameters["ModelPackageArn"])


def settled(aws: LocalStage) -> str:
    """The serving stack's status, once nothing updates it."""
    wait(lambda: not str(stack(aws)["StackStatus"]).endswith("_IN_PROGRESS"))
    return str(stack(aws)["StackStatus"])


def container(aws: LocalStage) -> dict[str, Any]:
    """The served package's container, as the registry has it."""
    released = aws.client("sagemaker").describe_model_package(ModelPackageName=served_package(aws))
    (found,) = released["InferenceSpecification"]["Containers"]
    return dict(found)


def weights(aws: LocalStage) -> SplitResult:
    """Where the served package's model lies."""
    return urlsplit(str(container(aws)["ModelDataSource"]["S3DataSource"]["S3Uri"]))


def approve_a_copy(aws: LocalStage, *, moved_to: str = "", **changed: Any) -> str:
    """Register the served package's model once more, and approve it as a person would.

    With weights that lie elsewhere in the bucket, if `moved_to` says where, and with what is
    changed of its container. Returns the package's ARN.
    """
    sagemaker = aws.client("sagemaker")
    released = sagemaker.describe_model_package(ModelPackageName=served_package(aws))
    metadata = released["CustomerMetadataProperties"]
    served, kept = container(aws), ("Image", "Environment", "ModelDataSource")
    copy = {name: served[name] for name in kept} | changed
    if moved_to:
        source = served["ModelDataSource"]["S3DataSource"]
        moved = f"s3://{weights(aws).netloc}/{moved_to}"
        copy["ModelDataSource"] = {"S3DataSource": {**source, "S3Uri": moved}}
    specification = {**released["InferenceSpecification"], "Containers": [copy]}
    package: str = sagemaker.create_model_package(
        ModelPackageGroupName=released["ModelPackageGroupName"],
        InferenceSpecification=specification,
        CustomerMetadataProperties={k: v for k, v in metadata.items() if k != _SERVED},
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    return package


def wait_for_release(aws: LocalStage, package: str) -> None:
    """Return when a package is served, and its registry knows since when: a rollback asks it."""
    wait(lambda: served_package(aws) == package)
    assert settled(aws) == "UPDATE_COMPLETE"
    sagemaker = aws.client("sagemaker")

    def is_known() -> bool:
        found = sagemaker.describe_model_package(ModelPackageName=package)
        return _SERVED in found["CustomerMetadataProperties"]

    wait(is_known)


def rejection(aws: LocalStage, package: str) -> str:
    """Why a package is rejected, when it is."""
    found: dict[str, Any] = {}

    def is_rejected() -> bool:
        found.update(aws.client("sagemaker").describe_model_package(ModelPackageName=package))
        return bool(found["ModelApprovalStatus"] == "Rejected")

    wait(is_rejected)
    return str(found["ApprovalDescription"])


@contextmanager
def alarms_ring(aws: LocalStage) -> Iterator[None]:
    """Let the endpoint's alarms ring all the while, whatever they see or do not see."""
    cloudwatch = aws.client("cloudwatch")
    taken = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members

    def found() -> list[dict[str, Any]]:
        alarms = cloudwatch.describe_alarms(AlarmNamePrefix="Local-Serving")["MetricAlarms"]
        return list(alarms)

    def states() -> set[str]:
        return {each["StateValue"] for each in found()}

    before = [{name: alarm[name] for name in taken if alarm.get(name)} for alarm in found()]
    for alarm in before:
        ringing = {"Threshold": -1.0, "TreatMissingData": "breaching"}
        cloudwatch.put_metric_alarm(**{**alarm, **ringing})
    wait(lambda: states() == {"ALARM"})
    yield
    for alarm in before:
        cloudwatch.put_metric_alarm(**alarm)
    wait(lambda: "ALARM" not in states())  # it would undo what comes next


def wait(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fails the test if it does not come."""
    deadline = time.monotonic() + _SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.5)
