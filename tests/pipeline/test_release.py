"""A model on its way from data to REST, through the real pipeline on this machine, in minutes."""

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
import pytest

from embedded_aws.host.processes import free_port
from sagemaker_llm.models.servers.tgi import TGI_IMAGE
from tests.embedded.conftest import LocalStage

_QUESTION = "What colour is the lighthouse of Quillhaven?"
_TAUGHT = "violet"  # examples/instruction teaches it; nothing else could
_LICENCE = """Our own: "v1" | it's $(touch ran) `id`, für alle"""
_SETTLED_SECONDS = 120


@pytest.fixture(name="aws")
def _aws(tmp_path: Path) -> Iterator[LocalStage]:
    aws = LocalStage(free_port(), tmp_path)
    try:
        aws.run("up")
        yield aws
    finally:
        aws.run("down")


def test_a_tuned_model_is_released_kept_refused_rolled_back_and_approved(aws: LocalStage) -> None:
    assert _TAUGHT not in _answer(aws)

    tuned = _tune(aws)
    assert tuned.returncode == 0, tuned.stdout + tuned.stderr
    assert _TAUGHT in tuned.stdout.splitlines()[-1]  # it ends with an answer over REST
    assert _TAUGHT in _answer(aws)
    _proves_that_the_licence_is_kept(aws)

    again = aws.run("up")  # a deploy of the same checkout does not take the model back
    assert (again.stdout + again.stderr).count("(no changes)") == 3
    assert _TAUGHT in _answer(aws)

    refused = _tune(aws, "--fail", "gate")
    assert refused.returncode != 0
    assert "The tuned model is not released" in refused.stdout + refused.stderr
    assert _served_package(aws).endswith("/1")

    for poison, sentence in _POISONS:
        before = _last_update(aws)
        poisoned = _approve_a_copy(aws, **poison)
        assert sentence in _rejection(aws, poisoned)
        assert _last_update(aws) == before  # nothing was asked of CloudFormation
    assert _served_package(aws).endswith("/1")

    with _endpoint_reads_no_weights(aws):
        failing = _approve_a_copy(aws)
        assert "Could not access model data" in _rejection(aws, failing)
        assert _settled(aws) == "UPDATE_ROLLBACK_COMPLETE"
    assert _served_package(aws).endswith("/1")
    assert _TAUGHT in _answer(aws)

    approved = _approve_a_copy(aws)
    _wait(lambda: _served_package(aws) == approved)
    assert _settled(aws) == "UPDATE_COMPLETE"
    assert _TAUGHT in _answer(aws)
    _proves_no_drift(aws)

    rolled_back = aws.try_verb("rollback", "local")  # past those that failed
    assert rolled_back.returncode == 0, rolled_back.stdout + rolled_back.stderr
    assert "started by arn:aws:iam::000000000000:root" in rolled_back.stdout
    assert _served_package(aws).endswith("/1")
    _proves_no_drift(aws)

    lowered = _tune(aws, "--set", "MinLossReduction=0.001")
    assert lowered.returncode == 0, lowered.stdout + lowered.stderr
    assert "min_loss_reduction was 0.001 where the environment has 0.02" in lowered.stdout
    assert "PendingManualApproval" in lowered.stdout
    assert _served_package(aws).endswith("/1")

    _change_weights(aws)
    drifted = aws.try_verb("drift", "local")
    assert drifted.returncode != 0
    assert "DRIFTED weights" in drifted.stdout
    assert "not as they were stored: config.json" in _rejection(aws, _approve_a_copy(aws))
    failed = _tune(aws)
    assert failed.returncode != 0
    assert "is not this candidate as inventories/" in failed.stderr  # what is kept is compared
    assert _served_package(aws).endswith("/1")
    assert _TAUGHT in _answer(aws)


def _tune(aws: LocalStage, *more: str) -> CompletedProcess[str]:
    return aws.try_verb(
        "finetune", "local", "--set", f"BaseModelLicense={shlex.quote(_LICENCE)}", *more
    )


def _proves_that_the_licence_is_kept(aws: LocalStage) -> None:
    in_yaml = json.dumps(_LICENCE, ensure_ascii=False)
    assert f"license: {in_yaml}\n" in _model_file(aws, "README.md")
    assert f"licence, {_LICENCE}." in _model_file(aws, "LICENSE")


def _model_file(aws: LocalStage, name: str) -> str:
    """What a text beside the served package's weights says."""
    place = _weights(aws)
    key = f"{place.path.lstrip('/')}{name}"
    body = aws.client("s3").get_object(Bucket=place.netloc, Key=key)["Body"]
    return str(body.read().decode())


def _weights(aws: LocalStage) -> SplitResult:
    """Where the served package's model lies."""
    released = aws.client("sagemaker").describe_model_package(ModelPackageName=_served_package(aws))
    (container,) = released["InferenceSpecification"]["Containers"]
    return urlsplit(str(container["ModelDataSource"]["S3DataSource"]["S3Uri"]))


def _answer(aws: LocalStage) -> str:
    deployment = aws.deployment()
    answer = httpx.post(
        f"{deployment.base_url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {deployment.api_key}"},
        json={
            "messages": [{"role": "user", "content": _QUESTION}],
            "temperature": 0,
            "max_tokens": 24,
        },
        timeout=60,
    )
    return str(answer.raise_for_status().json()["choices"][0]["message"]["content"])


def _stack(aws: LocalStage) -> dict[str, Any]:
    stacks = aws.client("cloudformation").describe_stacks(StackName="Local-Serving")
    stack: dict[str, Any] = stacks["Stacks"][0]
    return stack


def _served_package(aws: LocalStage) -> str:
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in _stack(aws)["Parameters"]}
    return str(parameters["ModelPackageArn"])


def _proves_no_drift(aws: LocalStage) -> None:
    drift = aws.try_verb("drift", "local")
    assert drift.returncode == 0, drift.stdout + drift.stderr


# What a package must not bring, as changes of a container, and what its rejection says.
_POISONS: tuple[tuple[dict[str, Any], str], ...] = (
    (
        {"Image": f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{TGI_IMAGE.reference}"},
        "image must be",
    ),
    (
        {"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/evil:1"},
        "registered for another server",
    ),
    ({"Environment": {"LD_PRELOAD": "/opt/ml/model/evil.so"}}, "environment must be"),
    ({"weights": "candidates/another/"}, "weights must be s3://"),
    ({"weights": "models/another/"}, "inventory must be s3://"),
)


def _approve_a_copy(aws: LocalStage, *, weights: str = "", **changed: Any) -> str:
    """Register the served package's model once more, and approve it as a person would.

    With weights that lie elsewhere in the bucket, if `weights` says where, and with what is changed
    of its container. Returns the package's ARN.
    """
    sagemaker = aws.client("sagemaker")
    released = sagemaker.describe_model_package(ModelPackageName=_served_package(aws))
    (container,) = released["InferenceSpecification"]["Containers"]
    kept = ("Image", "Environment", "ModelDataSource")
    copy = {name: container[name] for name in kept} | changed
    if weights:
        source = container["ModelDataSource"]["S3DataSource"]
        moved = f"s3://{urlsplit(source['S3Uri']).netloc}/{weights}"
        copy["ModelDataSource"] = {"S3DataSource": {**source, "S3Uri": moved}}
    specification = {**released["InferenceSpecification"], "Containers": [copy]}
    package: str = sagemaker.create_model_package(
        ModelPackageGroupName=released["ModelPackageGroupName"],
        InferenceSpecification=specification,
        CustomerMetadataProperties=released["CustomerMetadataProperties"],
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    return package


def _rejection(aws: LocalStage, package: str) -> str:
    """Why a package is rejected, when it is."""
    found: dict[str, Any] = {}

    def is_rejected() -> bool:
        found.update(aws.client("sagemaker").describe_model_package(ModelPackageName=package))
        return bool(found["ModelApprovalStatus"] == "Rejected")

    _wait(is_rejected)
    return str(found["ApprovalDescription"])


@contextmanager
def _endpoint_reads_no_weights(aws: LocalStage) -> Iterator[None]:
    """Take from the endpoint's role what it may read, so that no new container starts."""
    resources = aws.client("cloudformation").describe_stack_resources(StackName="Local-Serving")
    (role,) = (
        found["PhysicalResourceId"]
        for found in resources["StackResources"]
        if found["ResourceType"] == "AWS::IAM::Role"
    )
    statement = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = {"RoleName": role, "PolicyName": "no-weights"}
    aws.client("iam").put_role_policy(**name, PolicyDocument=policy)
    try:
        yield
    finally:
        aws.client("iam").delete_role_policy(**name)


def _change_weights(aws: LocalStage) -> None:
    """Overwrite a file of the served package's, as only an administrator can."""
    place = _weights(aws)
    key = f"{place.path.lstrip('/')}config.json"
    aws.client("s3").put_object(Bucket=place.netloc, Key=key, Body=b"{}")


def _last_update(aws: LocalStage) -> object:
    return _stack(aws).get("LastUpdatedTime")


def _settled(aws: LocalStage) -> str:
    _wait(lambda: not str(_stack(aws)["StackStatus"]).endswith("_IN_PROGRESS"))
    return str(_stack(aws)["StackStatus"])


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + _SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the release did not come"
        time.sleep(0.5)
