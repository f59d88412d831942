"""The bootstrap's order: the policies' stack first, then the CDK's own with them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from operate.account.bootstrap import bootstrap
from tests.unit.operate.doubles import environment

_POLICIES = "arn:aws:iam::111111111111:policy/a,arn:aws:iam::111111111111:policy/b"
_REQUEST = {"StackName": "Dev-Bootstrap", "TemplateBody": ANY, "Capabilities": ANY}
_DEPLOYED = {
    "StackName": "Dev-Bootstrap",
    "CreationTime": datetime(2026, 11, 22, tzinfo=UTC),
    "StackStatus": "UPDATE_COMPLETE",
    "Outputs": [{"OutputKey": "ExecutionPolicies", "OutputValue": _POLICIES}],
}


class _Sts:
    """Who asks, and where."""

    meta = type("Meta", (), {"region_name": "eu-west-1"})

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111111111111"}


@pytest.fixture(name="cloudformation")
def _cloudformation() -> Any:
    key = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
    return boto3.client("cloudformation", region_name="eu-west-1", **key)


def _bootstrap(cloudformation: Any, returncode: int = 0, endpoint: str = "") -> list[str]:
    ran: list[str] = []

    def run(command: list[str]) -> int:
        ran.extend(command)
        return returncode

    dev = environment("dev", cloudformation=cloudformation, sts=_Sts())
    bootstrap(replace(dev, endpoint_url=endpoint), run)
    return ran


def _expect_unchanged_policies(aws: Stubber) -> None:
    aws.add_client_error("create_stack", "AlreadyExistsException", expected_params=_REQUEST)
    aws.add_client_error("update_stack", "ValidationError", "No updates are to be performed.", 400)
    aws.add_response("describe_stacks", {"Stacks": [_DEPLOYED]}, {"StackName": "Dev-Bootstrap"})


def test_unchanged_policies_are_left_and_the_cdk_bootstraps_with_them(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        _expect_unchanged_policies(aws)
        ran = _bootstrap(cloudformation)
    assert ran[:2] == ["bootstrap", "aws://111111111111/eu-west-1"]
    assert ran[-2:] == ["--cloudformation-execution-policies", _POLICIES]


def test_a_profile_of_the_persons_own_is_not_for_an_embedded_aws(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        _expect_unchanged_policies(aws)
        ran = _bootstrap(cloudformation, endpoint="http://127.0.0.1:4566")
    assert ran[-1] == "--profile="


def test_a_bootstrap_that_the_cdk_does_not_finish_fails(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        _expect_unchanged_policies(aws)
        with pytest.raises(SystemExit, match="`cdk bootstrap` failed"):
            _bootstrap(cloudformation, returncode=1)


def test_refused_policies_stop_the_bootstrap(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        aws.add_client_error("create_stack", "AccessDenied", "not authorized")
        with pytest.raises(SystemExit, match="use an administrator's credentials"):
            _bootstrap(cloudformation)
