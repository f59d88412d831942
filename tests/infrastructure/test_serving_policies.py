"""What the endpoint's instances may do, statement by statement."""

import dataclasses
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import assertions

from sagemaker_llm import CatalogEntry, LlmEndpoint, TargetTracking, find_model
from tests.infrastructure.assembly import Assembly, Template

_ROLE = "AWS::IAM::Role"
_IMAGE = "repository/huggingface-pytorch-tgi-inference"
_WEIGHTS = (
    "huggingface-llm/huggingface-llm-mistral-7b-instruct/artifacts/inference-prepack/v1.0.0/*"
)


def _statements(template: Template) -> list[dict[str, Any]]:
    """The statements that follow the model, then those of every model."""
    role = template.only(_ROLE)
    assert "ManagedPolicyArns" not in role
    of_model = template.only("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    (policy,) = role["Policies"]
    return [*of_model, *policy["PolicyDocument"]["Statement"]]


def _pulling(region: str, registry: str) -> list[dict[str, Any]]:
    return [
        {
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            "Effect": "Allow",
            "Resource": f"arn:aws:ecr:{region}:{registry}:{_IMAGE}",
        },
        {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"},
    ]


def _reporting(template: Template, region: str, account: str) -> list[dict[str, Any]]:
    start, stack_part = template.only("AWS::Logs::LogGroup")["LogGroupName"]["Fn::Join"][1]
    log_group = [f"arn:aws:logs:{region}:{account}:log-group:{start}", stack_part]
    return [
        {
            "Action": [
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "Effect": "Allow",
            "Resource": {"Fn::Join": ["", [*log_group, ":*"]]},
        },
        {
            "Action": "cloudwatch:PutMetricData",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}},
            "Effect": "Allow",
            "Resource": "*",
        },
    ]


def _watching(template: Template) -> dict[str, Any]:
    names = template.resources("AWS::CloudWatch::Alarm")
    return {
        "Action": "cloudwatch:DescribeAlarms",
        "Effect": "Allow",
        "Resource": [{"Fn::GetAtt": [name, "Arn"]} for name in names],
    }


def test_role_reaches_image_weights_logs_and_metrics_only(assembly: Assembly) -> None:
    bucket = "arn:aws:s3:::jumpstart-cache-prod-ap-southeast-3"
    template = assembly.template("Prod/Serving")
    assert _statements(template) == [
        *_pulling("ap-southeast-3", "907027046896"),
        {"Action": "s3:GetObject", "Effect": "Allow", "Resource": f"{bucket}/{_WEIGHTS}"},
        {
            # Without a prefix: anyone may list the bucket, and SageMaker may leave the slash out.
            "Action": "s3:ListBucket",
            "Effect": "Allow",
            "Resource": bucket,
        },
        *_reporting(template, "ap-southeast-3", "333333333333"),
        _watching(template),
    ]


def test_role_reads_no_bucket_when_weights_are_in_the_container(assembly: Assembly) -> None:
    template = assembly.template("Local/Serving")
    assert _statements(template) == [
        *_pulling("us-east-1", "763104351884"),
        *_reporting(template, "us-east-1", "000000000000"),
        _watching(template),
    ]


def test_role_is_for_sagemaker_in_this_account_only(assembly: Assembly) -> None:
    role = assembly.template("Prod/Serving").only(_ROLE)
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "333333333333"}},
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ]


def test_policies_exist_before_the_model(serving: Template) -> None:
    (role_id,), (policy_id,) = serving.resources(_ROLE), serving.resources("AWS::IAM::Policy")
    (model,) = serving.resources("AWS::SageMaker::Model").values()
    assert model["Properties"]["ExecutionRoleArn"] == {"Fn::GetAtt": [role_id, "Arn"]}
    assert {role_id, policy_id} <= {*model["DependsOn"]}


def test_what_the_model_before_needs_stays_until_the_update_is_over() -> None:
    """A rolling update that fails starts its instances again: another policy takes no place."""
    before, after = (_serving(find_model(name)) for name in ("mistral-7b-instruct", "mistral-7b"))
    assert before.resources(_ROLE) == after.resources(_ROLE)
    of_one, of_other = (set(each.resources("AWS::IAM::Policy")) for each in (before, after))
    assert len(of_one) == len(of_other) == 1
    assert of_one != of_other


def test_a_change_of_limits_keeps_the_policy() -> None:
    model = find_model("mistral-7b-instruct")
    limits = dataclasses.replace(model.limits, max_concurrent_requests=7)
    changed = _serving(dataclasses.replace(model, limits=limits))
    assert changed.resources("AWS::IAM::Policy") == _serving(model).resources("AWS::IAM::Policy")


def _serving(model: CatalogEntry) -> Template:
    stack = cdk.Stack(cdk.App(), "S", env=cdk.Environment(account="1" * 12, region="eu-west-1"))
    LlmEndpoint(stack, "Llm", model=model, scaling=TargetTracking(target_concurrent_requests=1))
    return Template("S", Path(), dict(assertions.Template.from_stack(stack).to_json()))
