"""The bootstrap's order: the policies' stack first, then the CDK's own with them."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import boto3
import pytest
from botocore.stub import ANY, Stubber

from operate.account.bootstrap import bootstrap
from stacks.accounts import FILE_VARIABLE
from tests.unit.operate.doubles import environment

_POLICIES = "arn:aws:iam::111111111111:policy/a,arn:aws:iam::111111111111:policy/b"
_TAGS = [{"Key": "owner", "Value": "me"}, {"Key": "environment", "Value": "dev"}]
_REQUEST = {
    "StackName": "Dev-Bootstrap",
    "TemplateBody": ANY,
    "Capabilities": ANY,
    "Tags": _TAGS,
}
# A statement of the CDK's, in a template of its bootstrap without the rest.
_ANY_STACK = {
    "Sid": "Cli",
    "Effect": "Allow",
    "Action": ["cloudformation:DeleteStack", "sts:GetCallerIdentity"],
    "Resource": "*",
}
_POLICY = {"PolicyName": "default", "PolicyDocument": {"Statement": [_ANY_STACK]}}
_OF_THE_CDK = {"Resources": {"DeploymentActionRole": {"Properties": {"Policies": [_POLICY]}}}}
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


@pytest.fixture(autouse=True)
def _accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text('[tags]\nowner = "me"\n')
    monkeypatch.setenv(FILE_VARIABLE, str(file))


@dataclass
class _Cli:
    """The CDK CLI, which shows its template and then fails or not."""

    returncode: int = 0
    ran: list[str] = field(default_factory=list)
    template: Any = None

    def __call__(self, command: list[str], stdout: TextIO | None = None) -> int:
        if stdout:
            json.dump(_OF_THE_CDK, stdout)
            stdout.flush()
            return 0
        self.ran = command
        self.template = json.loads(Path(command[command.index("--template") + 1]).read_text())
        return self.returncode


def _bootstrap(cloudformation: Any, returncode: int = 0, endpoint: str = "") -> _Cli:
    cli = _Cli(returncode)
    dev = environment("dev", cloudformation=cloudformation, sts=_Sts())
    bootstrap(replace(dev, endpoint_url=endpoint), cli)
    return cli


def _expect_unchanged_policies(aws: Stubber) -> None:
    aws.add_client_error("create_stack", "AlreadyExistsException", expected_params=_REQUEST)
    aws.add_client_error("update_stack", "ValidationError", "No updates are to be performed.", 400)
    aws.add_response("describe_stacks", {"Stacks": [_DEPLOYED]}, {"StackName": "Dev-Bootstrap"})


def test_unchanged_policies_are_left_and_the_cdk_bootstraps_with_them(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        _expect_unchanged_policies(aws)
        ran = _bootstrap(cloudformation).ran
    assert ran[:2] == ["bootstrap", "aws://111111111111/eu-west-1"]
    assert ran[ran.index("--cloudformation-execution-policies") + 1] == _POLICIES


def test_the_cdks_own_stack_has_the_tags_too(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        _expect_unchanged_policies(aws)
        ran = _bootstrap(cloudformation).ran
    assert [each for each in ran if "--tags" in each] == [
        "--tags=owner=me",
        "--tags=environment=dev",
    ]


def test_who_deploys_may_write_the_stages_stacks_only(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        _expect_unchanged_policies(aws)
        template = _bootstrap(cloudformation).template
    properties = template["Resources"]["DeploymentActionRole"]["Properties"]
    rest, own, bootstrap_itself = properties["Policies"][0]["PolicyDocument"]["Statement"]
    assert rest == {**_ANY_STACK, "Action": ["sts:GetCallerIdentity"]}
    assert (own["Effect"], own["Action"]) == ("Allow", ["cloudformation:DeleteStack"])
    assert own["Resource"]["Fn::Sub"].endswith(":stack/Dev-*")
    assert (bootstrap_itself["Effect"], bootstrap_itself["Action"]) == ("Deny", own["Action"])


def test_a_profile_of_the_persons_own_is_not_for_an_embedded_aws(cloudformation: Any) -> None:
    with Stubber(cloudformation) as aws:
        _expect_unchanged_policies(aws)
        ran = _bootstrap(cloudformation, endpoint="http://127.0.0.1:4566").ran
    assert "--profile=" in ran


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
