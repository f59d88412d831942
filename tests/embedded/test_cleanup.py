"""`make cleanup` against the embedded AWS: what a deleted stack retained is found and deleted."""

import json

from botocore.exceptions import ClientError

from embedded_aws.tests.account import Account, until
from operate.account.leftovers import STACKS, leftovers
from operate.environment import Environment

_RESOURCES = {
    "Data": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
    "Rules": {
        "Type": "AWS::S3::BucketPolicy",
        "DeletionPolicy": "Retain",
        "Properties": {
            "Bucket": {"Ref": "Data"},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": {"Fn::Sub": "${Data.Arn}/models/*"},
                },
            },
        },
    },
    "Logs": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain"},
    "Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain"},
    "Queue": {"Type": "AWS::SQS::Queue"},
}


def _is_gone(account: Account) -> bool:
    try:
        account.aws.client("cloudformation").describe_stacks(StackName="Prod-Training")
    except ClientError:
        return True
    return False


def test_nothing_billed_remains_of_a_destroyed_stack(account: Account) -> None:
    # It imports the CDK, which takes seconds: not in each process that collects this test.
    from operate.account.cleanup import cleanup  # noqa: PLC0415 - as said

    cloudformation, prod = (
        account.aws.client("cloudformation"),
        Environment("prod", account.aws.client),
    )
    template = json.dumps({"Description": STACKS["Training"], "Resources": _RESOURCES})
    cloudformation.create_stack(StackName="Prod-Training", TemplateBody=template)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="Prod-Training", WaiterConfig={"Delay": 1}
    )
    cloudformation.delete_stack(StackName="Prod-Training")
    until(lambda: _is_gone(account))
    found = leftovers(prod)
    kinds = ["AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::KMS::Key"]
    assert [each.resource_type for each in found] == kinds
    account.s3.put_object(Bucket=found[1].name, Key="model", Body=b"weights")
    cleanup(prod, lambda _question: "prod")
    assert leftovers(prod) == []
