"""Under load: the stack's own alarms undo a broken and a slow model, its policy scales.

An alarm that rings undoes the return from what makes it ring, too, unless nothing watches that.

Five minutes of waiting pass in seconds. A request that reaches the broken model fails, as it must:
the proxy does not hide it by asking again, or no alarm would see it. No other request fails.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedded_aws.core import circumstances
from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import until
from embedded_aws.tests.model_server.test_adapter import write_model
from operate.api.deployment import Deployment
from tests.embedded import served
from tests.embedded.conftest import LocalStage
from tests.lifecycle import serving_stack
from tests.lifecycle.load import Load
from tests.lifecycle.serving_stack import SETTLED_SECONDS

Json = dict[str, Any]
_TIME_SCALE = 20  # an alarm's minute is 3 s, in which each client has an answer even if it is slow
_BAKING_SECONDS = 1800  # no rehearsal needs all of it
_DELAY_SECONDS, _MAX_SECONDS = 5, 4  # to the first token: what the slow model takes, and may take


@pytest.fixture
def load(deployed: Deployment) -> Iterator[Load]:
    load = Load(deployed)
    with load.flowing():
        yield load


@pytest.fixture
def accelerated(embedded_aws: LocalStage) -> Iterator[Path]:
    """The circumstances of a rehearsal."""
    file = embedded_aws.home / "circumstances.json"
    circumstances.write(file, {"time_scale": _TIME_SCALE})
    yield file
    file.unlink()


def test_a_broken_model_is_rolled_back_by_the_alarm_on_failed_requests(
    embedded_aws: LocalStage, accelerated: Path, load: Load, tmp_path: Path
) -> None:
    assert accelerated.exists()
    before = _served(embedded_aws)
    # A fine-tuning that diverged: the model loads, is healthy, and fails each request.
    write_model(tmp_path, scale=np.nan)
    uri = _upload(embedded_aws, tmp_path, "diverged")
    reason = _release(embedded_aws, _with_model(embedded_aws, uri))
    assert "ErrorShare" in reason
    assert _served(embedded_aws) == before
    _assert_only_good_answers_now(load)
    assert set(load.errors()) == {"", "model_error"}  # of the update itself, nobody noticed
    assert serving_stack.went_off(embedded_aws, "ErrorShare")


def test_a_slow_model_is_rolled_back_by_the_alarm_on_the_first_token_and_no_request_fails(
    embedded_aws: LocalStage, accelerated: Path, load: Load, tmp_path: Path
) -> None:
    before = _served(embedded_aws)
    write_model(tmp_path, scale=0)
    uri = _upload(embedded_aws, tmp_path, "slow")
    slow = {"time_scale": _TIME_SCALE, "slow_models": {uri: _DELAY_SECONDS}}
    circumstances.write(accelerated, slow)
    template = _with_model(embedded_aws, uri)
    (alarm,) = (
        p for p in serving_stack.properties(template) if p.get("MetricName") == "TimeToFirstToken"
    )
    alarm["Threshold"] = 1000 * _MAX_SECONDS  # a laptop's model would take long for the stack's
    reason = _release(embedded_aws, template)
    assert "TimeToFirstToken" in reason
    assert _served(embedded_aws) == before
    _assert_only_good_answers_now(load)
    assert set(load.errors()) == {""}
    assert max(answer.seconds for answer in load.answers) > _DELAY_SECONDS
    assert serving_stack.went_off(embedded_aws, "TimeToFirstToken")


def test_a_return_under_load_ends_the_alarm_that_undoes_one_which_watches_it(
    embedded_aws: LocalStage, accelerated: Path, load: Load, tmp_path: Path
) -> None:
    assert accelerated.exists()
    before, good = _served(embedded_aws), serving_stack.template(embedded_aws)
    write_model(tmp_path, scale=np.nan)
    bad = _with_model(embedded_aws, _upload(embedded_aws, tmp_path, "failing"))
    _policy(bad)["TerminationWaitInSeconds"] = 1
    digest = str(good["Outputs"]["EndpointDigest"]["Value"])
    # The alarm may ring before the fleet is gone. CloudFormation only compares the parameter.
    assert serving_stack.update(embedded_aws, bad, unguarded=digest) == "UPDATE_COMPLETE"
    until(lambda: serving_stack.alarming(embedded_aws), SETTLED_SECONDS)
    try:
        assert serving_stack.update(embedded_aws, good) == "UPDATE_ROLLBACK_COMPLETE"
        assert "ErrorShare" in serving_stack.failure(embedded_aws)
        assert serving_stack.alarming(embedded_aws)
    finally:
        assert serving_stack.update(embedded_aws, good, unguarded=digest) == "UPDATE_COMPLETE"
    assert _served(embedded_aws)[0] == before[0]
    _assert_only_good_answers_now(load)
    serving_stack.wait_for_silence(embedded_aws)
    # Not what a deployment does: for the other tests.
    assert serving_stack.update(embedded_aws, good, unguarded="") == "UPDATE_COMPLETE"


def test_the_endpoint_scales_out_under_load_and_in_after_it(
    embedded_aws: LocalStage, accelerated: Path, deployed: Deployment
) -> None:
    slow = {"time_scale": 3 * _TIME_SCALE, "slow_models": {MODEL_ID: _DELAY_SECONDS}}
    circumstances.write(accelerated, slow)  # so that many requests are in flight on one laptop
    scaling = embedded_aws.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    bounded = ("ServiceNamespace", "ResourceId", "ScalableDimension", "MaxCapacity")
    before = {name: target[name] for name in bounded}
    scaling.register_scalable_target(**before | {"MaxCapacity": 2})
    try:
        load = Load(deployed, clients=12)  # the stack's target is 8 for each instance
        with load.flowing():
            until(lambda: _instances(embedded_aws) == 2, SETTLED_SECONDS)
        assert set(load.errors()) == {""}
        until(lambda: _instances(embedded_aws) == 1, SETTLED_SECONDS)
        activities = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")
    finally:
        scaling.register_scalable_target(**before)
    told = [each["Description"] for each in activities["ScalingActivities"]]
    assert told == [f"Setting desired instance count to {count}." for count in (1, 2)]


def _assert_only_good_answers_now(load: Load) -> None:
    assert set(load.errors(load.settle())) == {""}


def _served(aws: LocalStage) -> tuple[str, str]:
    """The endpoint's status and its model."""
    return served.endpoint(aws)["EndpointStatus"], served.variant(aws)["ModelName"]


def _instances(aws: LocalStage) -> int:
    return int(served.endpoint(aws)["ProductionVariants"][0]["CurrentInstanceCount"])


def _upload(aws: LocalStage, folder: Path, name: str) -> str:
    """Put a model where the pipeline stores those that may be served; returns its S3 URI."""
    resources = aws.client("cloudformation").describe_stack_resources(StackName="Local-Training")
    (bucket,) = (
        found["PhysicalResourceId"]
        for found in resources["StackResources"]
        if found["ResourceType"] == "AWS::S3::Bucket" and "Artifacts" in found["LogicalResourceId"]
    )
    serving_stack.upload(aws, folder, bucket, f"models/{name}/")
    return f"s3://{bucket}/models/{name}/"


def _release(aws: LocalStage, template: Json) -> str:
    """Update the stack; returns why it failed, when it is rolled back."""
    serving_stack.wait_for_silence(aws)
    assert serving_stack.update(aws, template) == "UPDATE_ROLLBACK_COMPLETE"
    return serving_stack.failure(aws)


def _with_model(aws: LocalStage, uri: str) -> Json:
    """The stack's own template with another model, and with AWS's time to bake."""
    template = serving_stack.template(aws)
    (model,) = (p for p in serving_stack.properties(template) if "PrimaryContainer" in p)
    _condition, *branches = model["PrimaryContainer"]["Fn::If"]
    package, base = sorted(branches, key=lambda branch: "Image" in branch)
    source = {"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"}
    model["PrimaryContainer"] = {
        "Image": base["Image"],
        "Environment": package["Environment"],
        "ModelDataSource": {"S3DataSource": source},
    }
    _policy(template)["TerminationWaitInSeconds"] = _BAKING_SECONDS
    return template


def _policy(template: Json) -> Json:
    """How the endpoint is updated."""
    (endpoint,) = (p for p in serving_stack.properties(template) if "DeploymentConfig" in p)
    policy: Json = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    return policy
