"""Stacks that act as a service role: who passes it, what policies see, what it may make."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.account import Account, allow

Json = dict[str, Any]

_IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:"
    "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
)
_STACKS = "arn:aws:cloudformation:us-east-1:000000000000:stack/{}/*"
_MODELS = "arn:aws:sagemaker:us-east-1:000000000000:model/model*"
_TAGS = allow(["sagemaker:AddTags", "sagemaker:DescribeModel"], _MODELS)


def _model(role: str, **more: Any) -> Json:
    properties = {"ExecutionRoleArn": role, "PrimaryContainer": {"Image": _IMAGE, **more}}
    return {"Type": "AWS::SageMaker::Model", "Properties": properties}


def _queue(**properties: Any) -> Json:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def _body(**resources: Json) -> str:
    return json.dumps({"Resources": resources})


def _service_role(account: Account, *statements: Json) -> str:
    return account.role(*statements, service="cloudformation.amazonaws.com")


@pytest.fixture(name="endpoint_role", scope="module")
def _endpoint_role(account: Account) -> str:
    return account.role()


@pytest.fixture(name="stack")
def _stack(account: Account) -> str:
    """A stack that its owner made without a role."""
    name = account.name("stack")
    cloudformation = account.aws.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=_body(Queue=_queue()))
    account.settled(name)
    return name


def _failures(account: Account, stack: str) -> str:
    events = account.aws.client("cloudformation").describe_stack_events(StackName=stack)
    failed = (e for e in events["StackEvents"] if e["ResourceStatus"].endswith("_FAILED"))
    return " ".join(event.get("ResourceStatusReason", "") for event in failed)


def _updater(account: Account, stack: str, role: str) -> Any:
    """Who may update one stack, under one role, from the template that it has or one in line."""
    update = {
        **allow("cloudformation:UpdateStack", _STACKS.format(stack)),
        "Condition": {
            "ArnEquals": {"cloudformation:RoleArn": role},
            "Null": {"cloudformation:TemplateUrl": "true"},
        },
    }
    passing = {
        **allow("iam:PassRole", role),
        "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    }
    return account.caller(update, passing, service="cloudformation")


def _create_models(endpoint_role: str) -> list[Json]:
    isolated = {
        **allow("sagemaker:CreateModel", _MODELS),
        "Condition": {"Bool": {"sagemaker:NetworkIsolation": "true"}},
    }
    passing = {
        **allow("iam:PassRole", endpoint_role),
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    return [isolated, passing, _TAGS]


def _isolated(model: Json) -> Json:
    properties = {**model["Properties"], "EnableNetworkIsolation": True}
    return {**model, "Properties": properties}


def test_update_makes_what_the_passed_role_may_make(
    account: Account, stack: str, endpoint_role: str
) -> None:
    role = _service_role(account, *_create_models(endpoint_role))
    body = _body(Queue=_queue(), Model=_isolated(_model(endpoint_role)))
    _updater(account, stack, role).update_stack(StackName=stack, TemplateBody=body, RoleARN=role)
    settled = account.settled(stack)
    assert settled["StackStatus"] == "UPDATE_COMPLETE", _failures(account, stack)


@pytest.mark.parametrize("missing", range(3))
def test_update_fails_when_the_role_lacks_a_permission(
    account: Account, stack: str, endpoint_role: str, missing: int
) -> None:
    statements = _create_models(endpoint_role)
    lacking = statements.pop(missing)
    role = _service_role(account, *statements)
    body = _body(Queue=_queue(), Model=_isolated(_model(endpoint_role)))
    account.aws.client("cloudformation").update_stack(
        StackName=stack, TemplateBody=body, RoleARN=role
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    actions = lacking["Action"] if isinstance(lacking["Action"], list) else [lacking["Action"]]
    assert any(
        f"not authorized to perform: {action}" in _failures(account, stack) for action in actions
    )


def test_update_fails_when_the_roles_condition_does_not_hold(
    account: Account, stack: str, endpoint_role: str
) -> None:
    role = _service_role(account, *_create_models(endpoint_role))
    body = _body(Queue=_queue(), Model=_model(endpoint_role))  # not isolated
    account.aws.client("cloudformation").update_stack(
        StackName=stack, TemplateBody=body, RoleARN=role
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "not authorized to perform: sagemaker:CreateModel" in _failures(account, stack)


@pytest.mark.parametrize(
    "resources",
    [
        {"Queue": _queue(), "Other": _queue()},
        {"Queue": _queue(DelaySeconds=5)},
        {
            "Queue": _queue(),
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
        },
    ],
    ids=["added", "changed", "another type"],
)
def test_update_changes_no_type_that_the_role_may_not_make(
    account: Account, stack: str, endpoint_role: str, resources: Json
) -> None:
    role = _service_role(account, *_create_models(endpoint_role))
    account.aws.client("cloudformation").update_stack(
        StackName=stack,
        TemplateBody=_body(**resources),
        RoleARN=role,
        Capabilities=["CAPABILITY_IAM"],
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "AccessDenied" in _failures(account, stack)


def _take_rights(account: Account, role: str) -> None:
    iam, name = account.aws.client("iam"), role.rpartition("/")[2]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)


@pytest.mark.parametrize("skipped", [False, True], ids=["allowed", "skipped"])
def test_rollback_that_is_refused_fails_until_it_is_continued(
    account: Account, stack: str, *, skipped: bool
) -> None:
    cloudformation, role = account.aws.client("cloudformation"), _service_role(account, allow("*"))
    changed = _queue(DelaySeconds=5)
    failing = {**_bounded_role("arn:aws:iam::000000000000:policy/None"), "DependsOn": "Queue"}
    cloudformation.update_stack(
        StackName=stack,
        TemplateBody=_body(Queue=changed, Role=failing),
        RoleARN=role,
        Capabilities=["CAPABILITY_IAM"],
        DisableRollback=True,
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_FAILED"
    _take_rights(account, role)
    cloudformation.rollback_stack(StackName=stack)
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert "not authorized to perform: sqs:" in _failures(account, stack)

    owner = _service_role(account, allow("*"))
    update = {"StackName": stack, "TemplateBody": _body(Queue=changed), "RoleARN": owner}
    with pytest.raises(ClientError, match="UPDATE_ROLLBACK_FAILED"):
        cloudformation.update_stack(**update)
    cloudformation.continue_update_rollback(StackName=stack, RoleARN=role)
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    way_out: Json = (
        {"RoleARN": role, "ResourcesToSkip": ["Queue"]} if skipped else {"RoleARN": owner}
    )
    cloudformation.continue_update_rollback(StackName=stack, **way_out)
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    cloudformation.update_stack(**update)
    assert account.settled(stack)["StackStatus"] == "UPDATE_COMPLETE"


def test_role_that_was_passed_last_stays_with_the_stack(
    account: Account, stack: str, endpoint_role: str
) -> None:
    cloudformation = account.aws.client("cloudformation")
    role = _service_role(account, *_create_models(endpoint_role))
    body = _body(Queue=_queue(), Model=_isolated(_model(endpoint_role)))
    cloudformation.update_stack(StackName=stack, TemplateBody=body, RoleARN=role)
    account.settled(stack)
    cloudformation.update_stack(StackName=stack, TemplateBody=_body(Queue=_queue(DelaySeconds=5)))
    assert account.settled(stack)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    owner = _service_role(account, allow("*"))
    cloudformation.update_stack(
        StackName=stack, TemplateBody=_body(Queue=_queue(DelaySeconds=5)), RoleARN=owner
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_COMPLETE"


def test_policy_that_asks_for_a_role_and_no_url_refuses_anything_else(
    account: Account, stack: str
) -> None:
    role, other = _service_role(account), _service_role(account)
    cloudformation = _updater(account, stack, role)
    template = account.put(f"{stack}.json", _body(Queue=_queue(DelaySeconds=5)))
    url = template.replace("s3://", "https://s3.amazonaws.com/")
    for request in (
        {"UsePreviousTemplate": True},
        {"UsePreviousTemplate": True, "RoleARN": other},
        {"TemplateURL": url, "RoleARN": role},
    ):
        with pytest.raises(ClientError, match="not authorized to perform"):
            cloudformation.update_stack(StackName=stack, **request)


def test_caller_passes_no_role_without_permission(account: Account, stack: str) -> None:
    role = _service_role(account, allow("*"))
    update = allow("cloudformation:UpdateStack", _STACKS.format(stack))
    cloudformation = account.caller(update, service="cloudformation")
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        cloudformation.update_stack(
            StackName=stack, TemplateBody=_body(Queue=_queue(DelaySeconds=5)), RoleARN=role
        )


def test_role_that_does_not_trust_cloudformation_is_refused(account: Account, stack: str) -> None:
    with pytest.raises(ClientError, match="cannot be assumed"):
        account.aws.client("cloudformation").update_stack(
            StackName=stack,
            TemplateBody=_body(Queue=_queue(DelaySeconds=5)),
            RoleARN=account.role(),
        )


def test_resource_types_are_refused_beside_capabilities_as_on_aws(
    account: Account, stack: str
) -> None:
    with pytest.raises(ClientError, match="Only one of"):
        account.aws.client("cloudformation").update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM"],
            ResourceTypes=["AWS::SQS::Queue"],
        )


def test_stack_that_a_change_set_made_has_its_templates_description(account: Account) -> None:
    cloudformation, name = account.aws.client("cloudformation"), account.name("described")
    for kind in ("CREATE", "UPDATE"):
        changes, text = {"StackName": name, "ChangeSetName": kind}, f"Made by {kind}"
        body = json.dumps({"Description": text, "Resources": {kind.title(): _queue()}})
        cloudformation.create_change_set(**changes, ChangeSetType=kind, TemplateBody=body)
        cloudformation.execute_change_set(**changes)
        assert account.settled(name)["Description"] == text


def _bounded_role(boundary: str) -> Json:
    document = {"Version": "2012-10-17", "Statement": [allow("*")]}
    trust = {**allow("sts:AssumeRole"), "Principal": {"Service": "cloudformation.amazonaws.com"}}
    del trust["Resource"]
    properties = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "All", "PolicyDocument": document}],
        "PermissionsBoundary": boundary,
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _boundary(account: Account, *statements: Json) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam, name = account.aws.client("iam"), account.name("boundary")
    made: Json = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]
    return str(made["Arn"])


def _deploy(account: Account, stack: str, *, boundary: str) -> Json:
    cloudformation = account.aws.client("cloudformation")
    body = _body(Queue=_queue(), Role=_bounded_role(boundary))
    cloudformation.update_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    return account.settled(stack)


@pytest.mark.parametrize("allowed", ["sqs:*", "sagemaker:*"])
def test_role_that_a_stack_makes_is_held_to_its_boundary(
    account: Account, stack: str, endpoint_role: str, allowed: str
) -> None:
    boundary = _boundary(account, allow([allowed, "iam:PassRole"]))
    assert _deploy(account, stack, boundary=boundary)["StackStatus"] == "UPDATE_COMPLETE"
    cloudformation = account.aws.client("cloudformation")
    made = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="Role")
    role = f"arn:aws:iam::000000000000:role/{made['StackResourceDetail']['PhysicalResourceId']}"
    other = account.name("stack")
    cloudformation.create_stack(
        StackName=other, TemplateBody=_body(Model=_model(endpoint_role)), RoleARN=role
    )
    made_model = account.settled(other)["StackStatus"] == "CREATE_COMPLETE"
    assert made_model == (allowed == "sagemaker:*"), _failures(account, other)


def test_stack_makes_no_role_with_an_unknown_boundary(account: Account, stack: str) -> None:
    settled = _deploy(account, stack, boundary="arn:aws:iam::000000000000:policy/None")
    assert settled["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not exist or is not attachable" in _failures(account, stack)
