"""Tuner and approver are two people: what each policy grants, and that each denies the other's."""

from typing import Any

import pytest

from tests.infrastructure.assembly import Assembly, Template

_POLICY = "AWS::IAM::ManagedPolicy"
_START, _APPROVE = "sagemaker:StartPipelineExecution", "sagemaker:UpdateModelPackage"


@pytest.fixture(name="template", scope="module")
def _template(assembly: Assembly) -> Template:
    return assembly.template("Prod/Training")


def _actions(template: Template, policy: str, effect: str) -> set[str]:
    statements = template.only(_POLICY, policy)["PolicyDocument"]["Statement"]
    found = (s["Action"] for s in statements if s["Effect"] == effect)
    return {a for actions in found for a in (actions if isinstance(actions, list) else [actions])}


def _statement(template: Template, policy: str, action: str) -> dict[str, Any]:
    statements = template.only(_POLICY, policy)["PolicyDocument"]["Statement"]
    (found,) = (s for s in statements if s["Effect"] == "Allow" and action in s["Action"])
    return dict(found)


def test_tuner_starts_and_does_not_approve(template: Template) -> None:
    assert _START in _actions(template, "Tuner", "Allow")
    assert _APPROVE in _actions(template, "Tuner", "Deny")
    assert "sagemaker:CreateModelPackage" in _actions(template, "Tuner", "Deny")


def test_approver_approves_and_does_not_start(template: Template) -> None:
    assert _APPROVE in _actions(template, "Approver", "Allow")
    assert _START in _actions(template, "Approver", "Deny")
    assert "s3:PutObject" in _actions(template, "Approver", "Deny")


def test_what_one_grants_of_the_two_acts_the_other_denies(template: Template) -> None:
    acts = {_START, _APPROVE}
    for one, other in (("Tuner", "Approver"), ("Approver", "Tuner")):
        granted = _actions(template, one, "Allow") & acts
        assert granted
        assert granted <= _actions(template, other, "Deny")


def test_approver_sets_the_approval_and_rewrites_nothing_that_was_recorded(
    template: Template,
) -> None:
    condition = _statement(template, "Approver", _APPROVE)["Condition"]
    assert condition["StringEquals"] == {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}
    kept = condition["Null"]
    assert set(kept.values()) == {"true"}
    assert "sagemaker:CustomerMetadataPropertiesToRemove" in kept
    assert "sagemaker:CustomerMetadataProperties/inventory_sha256" in kept
    assert "sagemaker:CustomerMetadataProperties/min_loss_reduction" in kept


def test_no_duty_reaches_beyond_its_resources(template: Template) -> None:
    for policy in ("Tuner", "Approver"):
        for statement in template.only(_POLICY, policy)["PolicyDocument"]["Statement"]:
            assert statement["Resource"] != "*"


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ("Dev", ["Approved", "PendingManualApproval"]),
        ("Staging", "PendingManualApproval"),
        ("Prod", "PendingManualApproval"),
    ],
)
def test_pipeline_registers_only_as_its_environment_allows(
    assembly: Assembly, environment: str, allowed: object
) -> None:
    role = assembly.template(f"{environment}/Training").only("AWS::IAM::Role", "FineTuningRole4")
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    (found,) = (s for s in statements if s["Action"] == "sagemaker:CreateModelPackage")
    value = found["Condition"]["StringEquals"]["sagemaker:ModelApprovalStatus"]
    assert (value[0] if isinstance(value, list) and len(value) == 1 else value) == allowed


def test_release_takes_approvals_back_and_gives_none(template: Template) -> None:
    (policy,) = (
        found["Properties"]["PolicyDocument"]["Statement"]
        for key, found in template.resources("AWS::IAM::Policy").items()
        if "Release" in key
    )
    (found,) = (s for s in policy if s["Action"] == _APPROVE)
    assert found["Condition"] == {
        "StringEqualsIfExists": {
            "sagemaker:ModelApprovalStatus": ["PendingManualApproval", "Rejected"]
        }
    }


def test_both_policies_are_outputs(template: Template) -> None:
    assert {"TunerPolicyArn", "ApproverPolicyArn"} <= template.body["Outputs"].keys()
