"""Parameters and conditions as a deployment uses them: previous values, and what they take away."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import Account

Json = dict[str, Any]

_PREVIOUS = [
    {"ParameterKey": "Kind", "UsePreviousValue": True},
    {"ParameterKey": "Extra", "UsePreviousValue": True},
]


def _template(kind: str) -> str:
    """A queue, and two that one parameter takes away; another parameter takes one value only."""
    condition = {"Condition": "HasExtra", "Type": "AWS::SQS::Queue"}
    return json.dumps(
        {
            "Parameters": {
                "Kind": {
                    "Type": "String",
                    "Default": kind,
                    "AllowedPattern": f"^{kind}$",
                    "ConstraintDescription": "must be what the template says",
                },
                "Extra": {"Type": "String", "Default": "on", "AllowedValues": ["on", "off"]},
            },
            "Conditions": {"HasExtra": {"Fn::Equals": [{"Ref": "Extra"}, "on"]}},
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue"},
                "First": condition,
                "Second": {
                    **condition,
                    "Properties": {"Tags": [{"Key": "of", "Value": {"Ref": "First"}}]},
                },
            },
        }
    )


@pytest.fixture(name="stack")
def _stack(account: Account) -> str:
    name = account.name("stack")
    cloudformation = account.aws.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=_template("one"))
    assert account.settled(name)["StackStatus"] == "CREATE_COMPLETE"
    return name


def _resources(account: Account, stack: str) -> set[str]:
    found = account.aws.client("cloudformation").describe_stack_resources(StackName=stack)
    return {resource["LogicalResourceId"] for resource in found["StackResources"]}


def test_previous_value_that_the_new_template_does_not_take_is_refused_and_changes_nothing(
    account: Account, stack: str
) -> None:
    cloudformation, said = account.aws.client("cloudformation"), "must be what the template says"
    update: Json = {
        "StackName": stack,
        "TemplateBody": _template("two"),
        "Parameters": _PREVIOUS,
    }
    with pytest.raises(ClientError, match=said):
        cloudformation.update_stack(**update)
    with pytest.raises(ClientError, match=said):
        cloudformation.create_change_set(**update, ChangeSetName="changes")
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == (
        "CREATE_COMPLETE"
    )


def test_parameter_takes_resources_from_the_previous_template_and_returns_them(
    account: Account, stack: str
) -> None:
    cloudformation = account.aws.client("cloudformation")
    for value, left in (("off", {"Queue"}), ("on", {"Queue", "First", "Second"})):
        cloudformation.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Parameters=[_PREVIOUS[0], {"ParameterKey": "Extra", "ParameterValue": value}],
        )
        assert account.settled(stack)["StackStatus"] == "UPDATE_COMPLETE"
        assert _resources(account, stack) == left
