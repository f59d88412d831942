"""The embedded account after `make up`: deployments have the policies of the stage, no more."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from embedded_aws.tests.account import Account
from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage

_ROLE = "cdk-llmlocal-cfn-exec-role-000000000000-us-east-1"
_DEPLOYER = "arn:aws:iam::000000000000:role/cdk-llmlocal-deploy-role-000000000000-us-east-1"
_BOUNDARY = "arn:aws:iam::000000000000:policy/LocalBoundary"
_QUICKLY = {"Delay": 1, "MaxAttempts": 300}
_BOOTSTRAP = """
from operate.laptop import account, cdk_cli, stage
with cdk_cli.only_cli() as cli:
    stage.bootstrap(cli, account.local_environment())
"""


def _roles_of_the_stage(aws: LocalStage) -> list[dict[str, Any]]:
    iam = aws.client("iam")
    pages = iam.get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    return [iam.get_role(RoleName=name)["Role"] for name in names if name.startswith("Local-")]


@pytest.mark.usefixtures("deployed")
def test_stage_is_deployed_under_its_own_policies(embedded_aws: LocalStage) -> None:
    attached = embedded_aws.client("iam").list_attached_role_policies(RoleName=_ROLE)
    names = {policy["PolicyName"] for policy in attached["AttachedPolicies"]}
    assert names
    assert all(name.startswith("Local-Bootstrap-Execution") for name in names)


@pytest.mark.usefixtures("deployed")
def test_every_role_of_the_stage_has_the_boundary(embedded_aws: LocalStage) -> None:
    roles = _roles_of_the_stage(embedded_aws)
    boundaries = {role["PermissionsBoundary"]["PermissionsBoundaryArn"] for role in roles}
    assert boundaries == {_BOUNDARY}


def test_deployment_cannot_make_what_the_stage_has_not(
    embedded_aws: LocalStage, deployed: Deployment
) -> None:
    endpoint = embedded_aws.client("sagemaker").describe_endpoint(
        EndpointName=deployed.sagemaker_endpoint
    )
    config = {"EndpointConfigName": endpoint["EndpointConfigName"]}
    resource = {"Type": "AWS::SageMaker::Endpoint", "Properties": config}
    cloudformation = embedded_aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="Mallory",
        TemplateBody=json.dumps({"Resources": {"Fraud": resource}}),
        RoleARN=f"arn:aws:iam::000000000000:role/{_ROLE}",
    )
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="Mallory", WaiterConfig=_QUICKLY
        )
    events = cloudformation.describe_stack_events(StackName="Mallory")["StackEvents"]
    cloudformation.delete_stack(StackName="Mallory")
    assert "not authorized to perform: sagemaker:CreateEndpoint" in str(events)


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("stack", ["Prod-Api", "Local-CDKToolkit"])
def test_who_deploys_may_not_update_the_stacks_of_others(
    embedded_aws: LocalStage, stack: str
) -> None:
    """They keep the roles that they were deployed with, which nobody has to pass again."""
    given = embedded_aws.client("sts").assume_role(RoleArn=_DEPLOYER, RoleSessionName="thief")
    thief = boto3.client(
        "cloudformation",
        endpoint_url=f"http://127.0.0.1:{embedded_aws.port}",
        region_name="us-east-1",
        aws_access_key_id=given["Credentials"]["AccessKeyId"],
        aws_secret_access_key=given["Credentials"]["SecretAccessKey"],
        aws_session_token=given["Credentials"]["SessionToken"],
    )
    with pytest.raises(ClientError, match="not authorized to perform: cloudformation:UpdateStack"):
        thief.update_stack(StackName=stack, UsePreviousTemplate=True)


def _status(account: Account) -> str:
    (stack,) = account.aws.client("cloudformation").describe_stacks(StackName="Local-CDKToolkit")[
        "Stacks"
    ]
    return str(stack["StackStatus"])


def test_an_interrupted_bootstrap_is_repeated(own_account: Account) -> None:
    cloudformation = own_account.aws.client("cloudformation")
    cloudformation.create_change_set(
        StackName="Local-CDKToolkit",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"First": {"Type": "AWS::SQS::Queue"}}}),
    )
    assert _status(own_account) == "REVIEW_IN_PROGRESS"
    bootstrap = ("-c", _BOOTSTRAP)
    first = own_account.aws.try_run(*bootstrap)
    assert first.returncode == 0, first.stdout + first.stderr
    assert _status(own_account) == "CREATE_COMPLETE"

    second = own_account.aws.try_run(*bootstrap)
    assert (second.returncode, second.stdout + second.stderr) == (0, "")


def test_deploy_into_this_machine_checks_the_security_rules_only(embedded_aws: LocalStage) -> None:
    report = json.loads((embedded_aws.home / "cdk.out/validation-report.json").read_text())
    conclusions = [(each["pluginName"], each["conclusion"]) for each in report["pluginReports"]]
    assert conclusions == [("AwsSolutions", "success")]
