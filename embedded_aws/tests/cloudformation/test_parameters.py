"""Parameters from Parameter Store: read anew by each operation, as the role that it has."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import Account, allow, until

_ARN = "arn:aws:ssm:us-east-1:000000000000:parameter"


@pytest.fixture(name="parameter")
def _parameter(account: Account) -> Iterator[str]:
    name = f"/{account.name('Serving')}/Endpoint"
    account.aws.client("ssm").put_parameter(Name=name, Value="first", Type="String")
    yield name
    account.aws.client("ssm").delete_parameter(Name=name)


def _body(parameter: str) -> str:
    read = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": parameter}
    tags = [{"Key": "Endpoint", "Value": {"Ref": "Endpoint"}}]
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"Tags": tags}}
    return json.dumps({"Parameters": {"Endpoint": read}, "Resources": {"Queue": queue}})


def _role(account: Account, parameter: str) -> str:
    read = allow("ssm:GetParameters", f"{_ARN}{parameter}")
    return account.role(read, allow("sqs:*"), service="cloudformation.amazonaws.com")


def _tag(account: Account, stack: str) -> str:
    described = account.aws.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId="Queue"
    )
    url = described["StackResourceDetail"]["PhysicalResourceId"]
    tags = account.aws.client("sqs").list_queue_tags(QueueUrl=url)["Tags"]
    return str(tags["Endpoint"])


def test_deployment_of_an_unchanged_template_follows_a_parameter(
    account: Account, parameter: str
) -> None:
    cloudformation, stack = account.aws.client("cloudformation"), account.name("reader")
    role = _role(account, parameter)
    cloudformation.create_stack(StackName=stack, TemplateBody=_body(parameter), RoleARN=role)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1}
    )
    assert _tag(account, stack) == "first"
    account.aws.client("ssm").put_parameter(
        Name=parameter, Value="second", Type="String", Overwrite=True
    )
    previous = [{"ParameterKey": "Endpoint", "UsePreviousValue": True}]
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName="again",
        TemplateBody=_body(parameter),
        Parameters=previous,
        RoleARN=role,
    )
    cloudformation.execute_change_set(StackName=stack, ChangeSetName="again")
    until(lambda: _tag(account, stack) == "second")


def test_role_that_may_not_read_a_parameter_is_refused(account: Account, parameter: str) -> None:
    role = _role(account, "/Another/Endpoint")
    with pytest.raises(ClientError, match="not authorized to perform: ssm:GetParameters"):
        account.aws.client("cloudformation").create_stack(
            StackName=account.name("reader"), TemplateBody=_body(parameter), RoleARN=role
        )
