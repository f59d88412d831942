"""A stack's tags on what SageMaker and Auto Scaling have: they reach it, and change in place."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.tests.account import TGI_IMAGE, Account, allow, until

Json = dict[str, Any]
_SYSTEM = "aws:cloudformation:"
_TARGET = "ScalableTarget"
_WITHOUT_SYSTEM = ("EndpointConfig", _TARGET)


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    """An endpoint that has failed, as its model has no role to pull an image with."""
    name, sagemaker = account.name("Endpoint"), account.sagemaker
    sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": TGI_IMAGE})
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
    variant["InstanceType"] = "ml.g5.2xlarge"
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    describe = sagemaker.describe_endpoint
    until(lambda: describe(EndpointName=name)["EndpointStatus"] != "Creating")
    return name


def _template(role: str, group: str, endpoint: str) -> str:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
    }
    definition = json.dumps({"Version": "2020-12-01", "Steps": []})
    properties: dict[str, Json] = {
        "Model": {"ExecutionRoleArn": role, "PrimaryContainer": {"Image": TGI_IMAGE}},
        "EndpointConfig": {"ProductionVariants": [variant]},
        "ModelPackageGroup": {
            "ModelPackageGroupName": group,
            "Tags": [{"Key": "owner", "Value": "its own"}],
        },
        "Pipeline": {
            "PipelineName": group,
            "RoleArn": role,
            "PipelineDefinition": {"PipelineDefinitionBody": definition},
        },
    }
    resources = {
        kind: {"Type": f"AWS::SageMaker::{kind}", "Properties": given}
        for kind, given in properties.items()
    }
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 1,
        "MaxCapacity": 2,
    }
    resources[_TARGET] = {"Type": f"AWS::ApplicationAutoScaling::{_TARGET}", "Properties": target}
    return json.dumps({"Resources": resources})


def _arns(account: Account, stack: str) -> dict[str, str]:
    """The ARNs of what a stack made, by the kind."""
    found = account.aws.client("cloudformation").describe_stack_resources(StackName=stack)
    ids = {e["LogicalResourceId"]: e["PhysicalResourceId"] for e in found["StackResources"]}
    described = account.sagemaker.describe_pipeline(PipelineName=ids["Pipeline"])
    (target,) = _targets(account, ids[_TARGET].split("/")[1])
    return {**ids, "Pipeline": described["PipelineArn"], _TARGET: target["ScalableTargetARN"]}


def _targets(account: Account, endpoint: str) -> list[Json]:
    scaling = account.aws.client("application-autoscaling")
    named = [f"endpoint/{endpoint}/variant/AllTraffic"]
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=named)
    targets: list[Json] = found["ScalableTargets"]
    return targets


def _tags(account: Account, arn: str) -> dict[str, str]:
    if ":scalable-target/" in arn:
        scaling = account.aws.client("application-autoscaling")
        return dict(scaling.list_tags_for_resource(ResourceARN=arn)["Tags"])
    found = account.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


@pytest.fixture
def tagged(account: Account, endpoint: str) -> Iterator[tuple[str, Json]]:
    """A stack with tags, and the request that made it."""
    stack = account.name("tagged")
    template = _template(account.role(), stack, endpoint)
    request = {"StackName": stack, "TemplateBody": template}
    account.aws.client("cloudformation").create_stack(
        **request, Tags=_stack_tags(owner="team", commit="1")
    )
    assert account.settled(stack)["StackStatus"] == "CREATE_COMPLETE"
    yield stack, request
    account.aws.client("cloudformation").delete_stack(StackName=stack)
    until(lambda: not _targets(account, endpoint))


def _stack_tags(**tags: str) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_the_tags_of_a_stack_are_on_all_that_takes_tags(
    account: Account, tagged: tuple[str, Json]
) -> None:
    stack, _ = tagged
    for kind, arn in _arns(account, stack).items():
        tags = _tags(account, arn)
        own = {name for name in tags if name.startswith(_SYSTEM)}
        assert bool(own) == (kind not in _WITHOUT_SYSTEM), kind
        assert tags["commit"] == "1"
        assert tags["owner"] == ("its own" if kind == "ModelPackageGroup" else "team")


def test_another_tag_of_a_stack_replaces_nothing(
    account: Account, tagged: tuple[str, Json]
) -> None:
    stack, request = tagged
    before = _arns(account, stack)
    account.aws.client("cloudformation").update_stack(
        **request, Tags=_stack_tags(commit="2", added="x")
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert _arns(account, stack) == before
    for kind, arn in before.items():
        tags = _tags(account, arn)
        assert (tags["commit"], tags["added"]) == ("2", "x")
        assert ("owner" in tags) == (kind == "ModelPackageGroup")


@pytest.mark.parametrize(
    "missing",
    [
        "sagemaker:AddTags",
        "sagemaker:DeleteTags",
        "application-autoscaling:TagResource",
        "application-autoscaling:UntagResource",
    ],
)
def test_a_change_of_tags_needs_the_right_to_it(
    account: Account, tagged: tuple[str, Json], missing: str
) -> None:
    stack, request = tagged
    denied = {**allow(missing), "Effect": "Deny"}
    allowed = allow(["sagemaker:*", "application-autoscaling:*"])
    role = account.role(allowed, denied, service="cloudformation.amazonaws.com")
    account.aws.client("cloudformation").update_stack(
        **request, RoleARN=role, Tags=_stack_tags(commit="2")
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    for kind in ("Model", _TARGET):
        assert _tags(account, _arns(account, stack)[kind])["commit"] == "1"


def test_what_does_not_exist_has_no_tags(account: Account) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:model/none"
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="does not exist"):
        account.sagemaker.list_tags(ResourceArn=arn)


@pytest.mark.usefixtures("tagged")
def test_a_scalable_target_takes_tags_when_it_is_new_and_keeps_them(
    account: Account, endpoint: str
) -> None:
    (target,) = _targets(account, endpoint)
    scaling = account.aws.client("application-autoscaling")
    again = {k: target[k] for k in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    with pytest.raises(scaling.exceptions.ValidationException, match="Tags are for a new"):
        scaling.register_scalable_target(**again, Tags={"owner": "another"})
    scaling.register_scalable_target(**again, MaxCapacity=3)
    assert _tags(account, target["ScalableTargetARN"]) == {"owner": "team", "commit": "1"}
    missing = target["ScalableTargetARN"] + "0"
    with pytest.raises(scaling.exceptions.ResourceNotFoundException):
        scaling.list_tags_for_resource(ResourceARN=missing)
