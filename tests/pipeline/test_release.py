"""A model on its way from data to REST, through the real pipeline on this machine, in minutes."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import CompletedProcess
from typing import Any

from sagemaker_llm.models.servers.tgi import TGI_IMAGE
from tests.embedded.conftest import LocalStage
from tests.pipeline.released import (
    TAUGHT,
    alarms_ring,
    answer,
    approve_a_copy,
    rejection,
    served_package,
    settled,
    stack,
    wait_for_release,
    weights,
)

_LICENCE = """Our own: "v1" | it's $(touch ran) `id`, für alle"""


def test_a_tuned_model_is_released_kept_refused_rolled_back_and_approved(aws: LocalStage) -> None:
    assert TAUGHT not in answer(aws)

    tuned = _tune(aws)
    assert tuned.returncode == 0, tuned.stdout + tuned.stderr
    assert TAUGHT in tuned.stdout.splitlines()[-1]  # it ends with an answer over REST
    assert TAUGHT in answer(aws)
    _proves_that_the_licence_is_kept(aws)

    again = aws.run("up")  # a deploy of the same checkout does not take the model back
    assert (again.stdout + again.stderr).count("(no changes)") == 3
    assert TAUGHT in answer(aws)

    refused = _tune(aws, "--fail", "gate")
    assert refused.returncode != 0
    assert "The tuned model is not released" in refused.stdout + refused.stderr
    assert served_package(aws).endswith("/1")

    for poison, sentence in _POISONS:
        before = _last_update(aws)
        poisoned = approve_a_copy(aws, **poison)
        assert sentence in rejection(aws, poisoned)
        assert _last_update(aws) == before  # nothing was asked of CloudFormation
    assert served_package(aws).endswith("/1")

    with _endpoint_reads_no_weights(aws):
        failing = approve_a_copy(aws)
        assert "Could not access model data" in rejection(aws, failing)
        assert settled(aws) == "UPDATE_ROLLBACK_COMPLETE"
    assert served_package(aws).endswith("/1")
    assert TAUGHT in answer(aws)

    approved = approve_a_copy(aws)
    wait_for_release(aws, approved)
    assert TAUGHT in answer(aws)
    _proves_no_drift(aws)

    with alarms_ring(aws):
        rolled_back = aws.try_verb("rollback", "local")  # past those that failed
    assert rolled_back.returncode == 0, rolled_back.stdout + rolled_back.stderr
    assert "started by arn:aws:iam::000000000000:root" in rolled_back.stdout
    assert served_package(aws).endswith("/1")
    _proves_no_drift(aws)

    lowered = _tune(aws, "--set", "MinLossReduction=0.001")
    assert lowered.returncode == 0, lowered.stdout + lowered.stderr
    assert "min_loss_reduction was 0.001 where the environment has 0.02" in lowered.stdout
    assert "PendingManualApproval" in lowered.stdout
    assert served_package(aws).endswith("/1")

    _change_weights(aws)
    drifted = aws.try_verb("drift", "local")
    assert drifted.returncode != 0
    assert "DRIFTED weights" in drifted.stdout
    assert "not as they were stored: config.json" in rejection(aws, approve_a_copy(aws))
    failed = _tune(aws)
    assert failed.returncode != 0
    assert "is not this candidate as inventories/" in failed.stderr  # what is kept is compared
    assert served_package(aws).endswith("/1")
    assert TAUGHT in answer(aws)


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
    place = weights(aws)
    key = f"{place.path.lstrip('/')}{name}"
    body = aws.client("s3").get_object(Bucket=place.netloc, Key=key)["Body"]
    return str(body.read().decode())


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
    ({"moved_to": "candidates/another/"}, "weights must be s3://"),
    ({"moved_to": "models/another/"}, "inventory must be s3://"),
)


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
    place = weights(aws)
    key = f"{place.path.lstrip('/')}config.json"
    aws.client("s3").put_object(Bucket=place.netloc, Key=key, Body=b"{}")


def _last_update(aws: LocalStage) -> object:
    return stack(aws).get("LastUpdatedTime")
