"""Stacks that are destroyed and created again under the others."""

from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import destroy, endpoints, generates


def test_api_and_training_follow_a_serving_stack_that_was_created_again(aws: LocalStage) -> None:
    aws.run("up")
    before = endpoints(aws)
    destroy(aws, "Local/Serving")
    assert endpoints(aws) == []
    aws.run("up")
    (endpoint,) = endpoints(aws)
    assert endpoint not in before
    assert generates(aws.deployment())
    assert endpoint in _rights_of_releases(aws)


def _rights_of_releases(aws: LocalStage) -> str:
    stack = aws.client("cloudformation").describe_stacks(StackName="Local-Training")["Stacks"][0]
    (arn,) = (o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "ReleaseRoleArn")
    iam, role = aws.client("iam"), arn.rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return str(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])
