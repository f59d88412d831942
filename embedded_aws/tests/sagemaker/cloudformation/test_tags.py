"""A stack's tags on its SageMaker resources: they reach them, and change in place."""

import json
from typing import Any

import pytest

from embedded_aws.tests.account import TGI_IMAGE, Account, allow, until

Json = dict[str, Any]
_SYSTEM = "aws:cloudformation:"


def _template(role: str, group: str) -> str:
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
    return json.dumps(
        {
            "Resources": {
                kind: {"Type": f"AWS::SageMaker::{kind}", "Properties": given}
                for kind, given in properties.items()
            }
        }
    )


def _arns(account: Account, stack: str) -> dict[str, str]:
    """The ARNs of what a stack made, by the kind."""
    found = account.aws.client("cloudformation").describe_stack_resources(StackName=stack)
    ids = {e["LogicalResourceId"]: e["PhysicalResourceId"] for e in found["StackResources"]}
    described = account.sagemaker.describe_pipeline(PipelineName=ids["Pipeline"])
    return {**ids, "Pipeline": described["PipelineArn"]}


def _tags(account: Account, arn: str) -> dict[str, str]:
    found = account.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def _settled(account: Account, stack: str) -> str:
    def status() -> str:
        found = account.aws.client("cloudformation").describe_stacks(StackName=stack)
        now = str(found["Stacks"][0]["StackStatus"])
        return "" if now.endswith("_IN_PROGRESS") else now

    return str(until(status))


@pytest.fixture
def tagged(account: Account) -> tuple[str, Json]:
    """A stack with tags, and the request that made it."""
    stack = account.name("tagged")
    request = {"StackName": stack, "TemplateBody": _template(account.role(), stack)}
    account.aws.client("cloudformation").create_stack(
        **request, Tags=_stack_tags(owner="team", commit="1")
    )
    assert _settled(account, stack) == "CREATE_COMPLETE"
    return stack, request


def _stack_tags(**tags: str) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_the_tags_of_a_stack_are_on_all_that_takes_tags(
    account: Account, tagged: tuple[str, Json]
) -> None:
    stack, _ = tagged
    for kind, arn in _arns(account, stack).items():
        tags = _tags(account, arn)
        own = {name for name in tags if name.startswith(_SYSTEM)}
        assert bool(own) == (kind != "EndpointConfig"), kind
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
    assert _settled(account, stack) == "UPDATE_COMPLETE"
    assert _arns(account, stack) == before
    for kind, arn in before.items():
        tags = _tags(account, arn)
        assert (tags["commit"], tags["added"]) == ("2", "x")
        assert ("owner" in tags) == (kind == "ModelPackageGroup")


@pytest.mark.parametrize("missing", ["sagemaker:AddTags", "sagemaker:DeleteTags"])
def test_a_change_of_tags_needs_the_right_to_it(
    account: Account, tagged: tuple[str, Json], missing: str
) -> None:
    stack, request = tagged
    denied = {**allow(missing), "Effect": "Deny"}
    role = account.role(allow("sagemaker:*"), denied, service="cloudformation.amazonaws.com")
    account.aws.client("cloudformation").update_stack(
        **request, RoleARN=role, Tags=_stack_tags(commit="2")
    )
    assert _settled(account, stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert _tags(account, _arns(account, stack)["Model"])["commit"] == "1"


def test_what_does_not_exist_has_no_tags(account: Account) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:model/none"
    with pytest.raises(account.sagemaker.exceptions.ClientError, match="does not exist"):
        account.sagemaker.list_tags(ResourceArn=arn)
