"""What is not emulated: refused by name, before anything is created."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import Account

_QUEUE = {"Type": "AWS::SQS::Queue"}
_PROVIDER = {"Type": "AWS::Lambda::CapacityProvider"}


def _create_stack(cloudformation: Any, name: str, body: str) -> None:
    cloudformation.create_stack(StackName=name, TemplateBody=body)


def _create_change_set(cloudformation: Any, name: str, body: str) -> None:
    cloudformation.create_change_set(
        StackName=name, ChangeSetName="Change", ChangeSetType="CREATE", TemplateBody=body
    )


@pytest.mark.parametrize("create", [_create_stack, _create_change_set])
def test_a_type_that_is_not_emulated_is_refused_before_anything_is_created(
    account: Account, create: Any
) -> None:
    cloudformation, name = account.aws.client("cloudformation"), account.name("Managed")
    body = json.dumps({"Resources": {"Queue": _QUEUE, "Provider": _PROVIDER}})
    with pytest.raises(ClientError) as refused:
        create(cloudformation, name, body)
    assert refused.value.response["Error"]["Message"] == (
        "Template format error: Unrecognized resource types: [AWS::Lambda::CapacityProvider]:"
        " the embedded CloudFormation does not emulate them, leave them out of what is deployed"
        " into it"
    )
    stacks = cloudformation.list_stacks()["StackSummaries"]
    assert name not in {stack["StackName"] for stack in stacks}
