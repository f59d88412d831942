"""An endpoint on instances without disks of their own: its volumes' key, and who may use it."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from bootstrap.handlers import needed
from sagemaker_llm import FineTuning, LlmEndpoint, find_model

_CONFIG = "AWS::SageMaker::EndpointConfig"
_GRANT = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


@pytest.fixture(scope="module")
def template(built_functions: None) -> Template:  # noqa: ARG001 - the constructs package them
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Attached")
    model = find_model("smollm2-135m-instruct")
    endpoint = LlmEndpoint(stack, "Llm", model=model, instance_type="ml.p3.2xlarge")
    FineTuning(stack, "Tuning", endpoint=endpoint, data_removal_policy=cdk.RemovalPolicy.RETAIN)
    return Template.from_stack(stack)


def _only(template: Template, kind: str, containing: str) -> tuple[str, dict[str, Any]]:
    found = template.find_resources(kind).items()
    ((name, resource),) = ((k, v) for k, v in found if containing in k)
    return name, resource["Properties"]


def test_configuration_names_a_rotating_key(template: Template) -> None:
    key_id, key = _only(template, "AWS::KMS::Key", "VolumeKey")
    assert key["EnableKeyRotation"] is True
    _, config = _only(template, _CONFIG, "Llm")
    assert config["KmsKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}


def test_role_may_lend_the_key_to_aws_storage_only(template: Template) -> None:
    role_id, _ = _only(template, "AWS::IAM::Role", "LlmRole")
    role = {"AWS": {"Fn::GetAtt": [role_id, "Arn"]}}
    _, key = _only(template, "AWS::KMS::Key", "VolumeKey")
    administrator, *others = key["KeyPolicy"]["Statement"]
    assert administrator["Action"] == "kms:*"
    assert administrator["Principal"] != role
    allowed = {"Effect": "Allow", "Principal": role, "Resource": "*"}
    assert others == [
        {"Action": "kms:CreateGrant", "Condition": _GRANT, **allowed},
        {"Action": "kms:DescribeKey", **allowed},
    ]


def test_release_must_name_the_key_and_may_lend_it(template: Template) -> None:
    key_id, _ = _only(template, "AWS::KMS::Key", "VolumeKey")
    arn = {"Fn::GetAtt": [key_id, "Arn"]}
    _, role = _only(template, "AWS::IAM::Role", "ReleaseServiceRole")
    (policy,) = role["Policies"]
    by_action = {str(s["Action"]): s for s in policy["PolicyDocument"]["Statement"]}
    condition = by_action["sagemaker:CreateEndpointConfig"]["Condition"]
    assert condition["ArnEquals"] == {"sagemaker:VolumeKmsKey": arn}
    assert by_action["kms:CreateGrant"]["Resource"] == arn
    assert by_action["kms:CreateGrant"]["Condition"] == _GRANT


def test_deployment_may_lend_a_key_only_where_a_configuration_names_one() -> None:
    assert "kms:CreateGrant" in needed(_CONFIG, [{"KmsKeyId": "key"}])
    assert not {a for a in needed(_CONFIG, [{}]) if a.startswith("kms:")}
