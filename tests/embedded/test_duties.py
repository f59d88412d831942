"""Who may do what of the deployed stage, with the very policies that it deploys."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import Account, until
from tests.embedded.conftest import LocalStage

Json = dict[str, Any]
Call = Callable[[], object]


@pytest.fixture(name="stage", scope="module")
def _stage(embedded_aws: LocalStage) -> Account:
    return Account(embedded_aws)


def _outputs(stage: Account, stack: str) -> dict[str, str]:
    (found,) = stage.aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def _person(stage: Account, *policies: str) -> Callable[[str], Any]:
    """Clients of a new user to whom the policies are attached."""
    name, client = stage.person()
    for policy in policies:
        stage.aws.client("iam").attach_user_policy(UserName=name, PolicyArn=policy)
    return client


def _is_denied(call: Call) -> bool:
    """Whether IAM refuses; a service that is asked for nothing sensible refuses otherwise."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return False


def _start(client: Callable[[str], Any], training: dict[str, str]) -> Call:
    """Start an execution with a parameter that the pipeline does not have."""
    return lambda: client("sagemaker").start_pipeline_execution(
        PipelineName=training["PipelineName"],
        PipelineParameters=[{"Name": "NoSuchParameter", "Value": "x"}],
    )


def _update(client: Callable[[str], Any], training: dict[str, str], **fields: Any) -> Call:
    """Update a package that the registry does not have."""
    group = training["ModelPackageGroupName"]
    package = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group}/999"
    return lambda: client("sagemaker").update_model_package(ModelPackageArn=package, **fields)


def _upload(client: Callable[[str], Any], training: dict[str, str], key: str) -> Call:
    bucket = training["DataBucketName"]
    return lambda: client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")


_APPROVED = {"ModelApprovalStatus": "Approved"}


def test_tuner_uploads_and_starts_and_cannot_approve(stage: Account) -> None:
    training = _outputs(stage, "Local-Training")
    tuner = _person(stage, training["TunerPolicyArn"])
    assert not _is_denied(_upload(tuner, training, "data/tuner/train.jsonl"))
    assert _is_denied(_upload(tuner, training, "base-models/other/model.safetensors"))
    assert not _is_denied(_start(tuner, training))
    assert _is_denied(_update(tuner, training, **_APPROVED))
    assert _is_denied(_update(tuner, training, ModelApprovalStatus="Rejected"))


def test_approver_approves_and_cannot_start(stage: Account) -> None:
    training = _outputs(stage, "Local-Training")
    approver = _person(stage, training["ApproverPolicyArn"])
    assert not _is_denied(_update(approver, training, **_APPROVED))
    assert not _is_denied(_update(approver, training, ModelApprovalStatus="Rejected"))
    assert _is_denied(_start(approver, training))
    assert _is_denied(_upload(approver, training, "data/approver/train.jsonl"))


@pytest.mark.parametrize(
    "rewritten",
    [
        {"CustomerMetadataProperties": {"inventory_sha256": "0" * 64}},
        {"CustomerMetadataProperties": {"gate_lowered": "no"}},
        {"CustomerMetadataPropertiesToRemove": ["gate_lowered"]},
    ],
    ids=str,
)
def test_approver_rewrites_nothing_that_was_recorded(stage: Account, rewritten: Json) -> None:
    training = _outputs(stage, "Local-Training")
    approver = _person(stage, training["ApproverPolicyArn"])
    assert _is_denied(_update(approver, training, **_APPROVED, **rewritten))


def test_who_has_both_duties_can_do_neither(stage: Account) -> None:
    training = _outputs(stage, "Local-Training")
    both = _person(stage, training["TunerPolicyArn"], training["ApproverPolicyArn"])
    assert _is_denied(_start(both, training))
    assert _is_denied(_update(both, training, **_APPROVED))


@pytest.fixture(name="release", scope="module")
def _release(stage: Account) -> Callable[[str], Any]:
    """Clients of whoever took over the release function: its policy is theirs."""
    functions = stage.aws.client("lambda").list_functions()["Functions"]
    (found,) = (f for f in functions if f["Handler"] == "model_release.handler.handle")
    iam, name = stage.aws.client("iam"), found["Role"].rpartition("/")[2]
    statements = [
        statement
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        for statement in iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"][
            "Statement"
        ]
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    policy = iam.create_policy(PolicyName=stage.name("release"), PolicyDocument=document)
    return _person(stage, policy["Policy"]["Arn"])


_KEPT = {
    "UsePreviousTemplate": True,
    "Capabilities": ["CAPABILITY_IAM"],
    "Parameters": [
        {"ParameterKey": name, "UsePreviousValue": True}
        for name in ("BootstrapVersion", "ModelPackageArn")
    ],
}


@pytest.mark.parametrize(
    "request_",
    [
        {"StackName": "Local-Serving", **_KEPT},
        {"StackName": "Local-Api", **_KEPT, "RoleARN": "the release's"},
        {"StackName": "Local-Serving", **_KEPT, "RoleARN": "the deployment's"},
        {
            "StackName": "Local-Serving",
            "TemplateURL": "https://bench.s3.amazonaws.com/template.json",
            "RoleARN": "the release's",
        },
    ],
    ids=["no role", "another stack", "another role", "a template by URL"],
)
def test_release_function_updates_one_stack_under_one_role(
    stage: Account, release: Callable[[str], Any], request_: Json
) -> None:
    exec_role = "arn:aws:iam::000000000000:role/cdk-llmlocal-cfn-exec-role-000000000000-us-east-1"
    roles = {
        "the release's": _outputs(stage, "Local-Training")["ReleaseRoleArn"],
        "the deployment's": exec_role,
    }
    named = {"RoleARN": roles[request_["RoleARN"]]} if "RoleARN" in request_ else {}
    call = lambda: release("cloudformation").update_stack(**{**request_, **named})  # noqa: E731
    assert _is_denied(call)


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "AWS::SQS::Queue", "Properties": {}},
        {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": {
                        "Effect": "Allow",
                        "Principal": {"AWS": "*"},
                        "Action": "sts:AssumeRole",
                    },
                }
            },
        },
        {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": {"Fn::GetAtt": ["LlmRole8B828C87", "Arn"]},
                "PrimaryContainer": {"Image": "other"},
                "EnableNetworkIsolation": True,
            },
        },
    ],
    ids=["a queue", "a role", "a model of another name"],
)
def test_release_function_makes_nothing_with_a_template_of_its_own(
    stage: Account, release: Callable[[str], Any], resource: Json
) -> None:
    owner = stage.aws.client("cloudformation")
    template = owner.get_template(StackName="Local-Serving")["TemplateBody"]
    template["Resources"]["Intruder"] = resource
    release("cloudformation").update_stack(
        StackName="Local-Serving",
        **{k: v for k, v in _KEPT.items() if k != "UsePreviousTemplate"},
        TemplateBody=json.dumps(template),
        RoleARN=_outputs(stage, "Local-Training")["ReleaseRoleArn"],
    )

    def status() -> str:
        return str(owner.describe_stacks(StackName="Local-Serving")["Stacks"][0]["StackStatus"])

    until(lambda: not status().endswith("_IN_PROGRESS"), seconds=120)
    assert status() == "UPDATE_ROLLBACK_COMPLETE"
    events = owner.describe_stack_events(StackName="Local-Serving")["StackEvents"]
    (failed, *_) = (e for e in events if e["LogicalResourceId"] == "Intruder")
    reasons = [e.get("ResourceStatusReason", "") for e in events[:12]]
    assert any("not authorized to perform" in reason for reason in reasons), (failed, reasons)


def test_release_function_approves_nothing(stage: Account, release: Callable[[str], Any]) -> None:
    training = _outputs(stage, "Local-Training")
    assert _is_denied(_update(release, training, **_APPROVED))
    assert not _is_denied(_update(release, training, ModelApprovalStatus="Rejected"))
