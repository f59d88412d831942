"""Stacks that are destroyed and created again under the others."""

from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import destroy, endpoints, generates


def test_api_and_training_follow_a_serving_stack_that_was_created_again(stage: LocalStage) -> None:
    before = endpoints(stage)
    destroy(stage, "Local/Serving")
    assert endpoints(stage) == []
    stage.run("up")
    (endpoint,) = endpoints(stage)
    assert endpoint not in before
    assert generates(stage.deployment())
    assert endpoint in _rights_of_releases(stage)


def _rights_of_releases(aws: LocalStage) -> str:
    stack = aws.client("cloudformation").describe_stacks(StackName="Local-Training")["Stacks"][0]
    (arn,) = (o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == "ReleaseRoleArn")
    iam, role = aws.client("iam"), arn.rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return str(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])
