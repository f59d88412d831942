"""The rows about the account: who asks, its bootstrap, what projects share, what is in the way."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from operate.preflight import clashes, identity, shared
from operate.preflight.row import Verdict
from tests.unit.operate.preflight.examples import ACCOUNT, plan, stubbed

_OK, _FAIL, _UNKNOWN = Verdict
_ABSENT = "ValidationError: Stack with id Dev-Bootstrap does not exist"
_POLICIES = ("arn:aws:iam::111111111111:policy/one", "arn:aws:iam::111111111111:policy/two")
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_DATE = datetime(2026, 11, 27, tzinfo=UTC)


def _role(name: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    role = {"Path": "/", "RoleName": name, "RoleId": "A" * 16, "Arn": arn, "CreateDate": _DATE}
    return {"Role": role}


def _stack(status: str, **outputs: str) -> dict[str, Any]:
    found = [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]
    stack = {"StackName": "S", "CreationTime": _DATE, "StackStatus": status, "Outputs": found}
    return {"Stacks": [stack]}


@pytest.mark.parametrize(
    ("configured", "verdict", "said"),
    [
        ((ACCOUNT, "eu-west-1"), _OK, ""),
        (("222222222222", "eu-west-1"), _FAIL, "account 222222222222 in eu-west-1: set AWS_PRO"),
        ((ACCOUNT, "us-east-1"), _FAIL, "in us-east-1: set AWS_PROFILE to it"),
        ((None, None), _UNKNOWN, "write account and region into accounts.toml"),
    ],
)
def test_credentials_are_for_the_configured_account_and_region(
    configured: tuple[str | None, str | None], verdict: Verdict, said: str
) -> None:
    row = identity.place(plan(configured=configured))
    assert row.verdict is verdict
    assert said in row.todo


@pytest.mark.parametrize(
    ("answer", "verdict", "found"),
    [
        ({"Parameter": {"Value": "6"}}, _OK, "version 6, 6 is needed"),
        ({"Parameter": {"Value": "5"}}, _FAIL, "version 5, 6 is needed"),
        ("ParameterNotFound", _FAIL, "not bootstrapped"),
    ],
)
def test_bootstrap_is_there_and_new_enough(answer: Any, verdict: Verdict, found: str) -> None:
    with stubbed("ssm", ("get_parameter", answer)) as ssm:
        row = identity.bootstrap_version(ssm, plan())
    assert (row.verdict, row.found) == (verdict, found)
    assert verdict is _OK or row.todo.startswith("make bootstrap ENV=dev")


def _may_write(stacks: str) -> dict[str, Any]:
    """What the role that deploys may do."""
    statement = {"Effect": "Allow", "Action": ["cloudformation:UpdateStack"], "Resource": stacks}
    document = json.dumps({"Statement": [statement]})
    return {"RoleName": "deploy", "PolicyName": "default", "PolicyDocument": document}


_OWN_STACKS = "arn:aws:cloudformation:eu-west-1:111111111111:stack/Dev-*"


def _policies_row(
    file: Path, deployed: Any, attached: tuple[str, ...] | None, stacks: str = _OWN_STACKS
) -> Any:
    described = _stack("CREATE_COMPLETE", ExecutionPolicies=",".join(_POLICIES))
    asked: list[tuple[str, Any]] = [("describe_stacks", described), ("get_template", deployed)]
    if isinstance(deployed, str):
        asked = [("describe_stacks", deployed)]
    policies = [{"PolicyName": "p", "PolicyArn": arn} for arn in attached or ()]
    listed = ("list_attached_role_policies", {"AttachedPolicies": policies, "IsTruncated": False})
    asked_of_iam = [] if attached is None else [listed]
    if attached == _POLICIES:
        asked_of_iam.append(("get_role_policy", _may_write(stacks)))
    with (
        stubbed("cloudformation", *asked) as cloudformation,
        stubbed("iam", *asked_of_iam) as iam,
    ):
        return identity.bootstrap_policies(cloudformation, iam, plan(), file)


@pytest.mark.parametrize(
    ("deployed", "attached", "verdict", "found"),
    [
        ({"Resources": 1}, _POLICIES, _OK, "as dev.json says"),
        ({"Resources": 1}, (_ADMINISTRATOR,), _FAIL, "deployments have AdministratorAccess"),
        ({"Resources": 1}, (*_POLICIES, _ADMINISTRATOR), _FAIL, "have AdministratorAccess"),
        ({"Resources": 1}, _POLICIES[:1], _FAIL, "deployments lack two"),
        ({"Resources": 2}, None, _FAIL, "Dev-Bootstrap differs from bootstrap/dev.json"),
        (None, None, _FAIL, "no stack Dev-Bootstrap"),
    ],
)
def test_deployments_have_the_policies_of_their_environment(
    tmp_path: Path,
    deployed: dict[str, int] | None,
    attached: tuple[str, ...] | None,
    verdict: Verdict,
    found: str,
) -> None:
    file = tmp_path / "dev.json"
    file.write_text('{"Resources": 1}')
    answer = {"TemplateBody": json.dumps(deployed)} if deployed else _ABSENT
    row = _policies_row(file, answer, attached)
    assert row.verdict is verdict
    assert found in row.found


def test_the_bootstrap_of_an_earlier_version_is_to_be_made_again(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    file.write_text("{}")
    row = _policies_row(file, {"TemplateBody": "{}"}, _POLICIES, stacks="*")
    assert (row.verdict, row.todo.partition(",")[0]) == (_FAIL, "make bootstrap ENV=dev")
    assert "may write every stack" in row.found


@pytest.mark.parametrize(
    ("roles", "found"),
    [
        ([_role("ServiceRole")["Role"]], "ServiceRole"),
        ([], "not there yet, the deployment creates"),
    ],
)
def test_role_of_scaling_is_there_or_will_be(roles: list[Any], found: str) -> None:
    with stubbed("iam", ("list_roles", {"Roles": roles, "IsTruncated": False})) as iam:
        row = shared.scaling_role(iam)
    assert row.verdict is _OK
    assert row.found.startswith(found)
    assert bool(roles) != ("aws iam create-service-linked-role" in row.todo)


@pytest.mark.parametrize(
    ("name", "roles", "verdict", "said"),
    [
        ("", [], _OK, "not set yet, the stack Dev-Api sets it"),
        ("Dev-Api-Role", [_role("Dev-Api-Role")], _OK, "Dev-Api-Role"),
        ("Theirs", [_role("Theirs")], _OK, "of another project"),
        ("Dev-Api-Role", ["NoSuchEntity"], _FAIL, "Dev-Api-Role does not exist any more"),
    ],
)
def test_role_of_the_gateway_exists(
    name: str, roles: list[Any], verdict: Verdict, said: str
) -> None:
    account = {"cloudwatchRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}"} if name else {}
    with (
        stubbed("apigateway", ("get_account", account)) as apigateway,
        stubbed("iam", *(("get_role", role) for role in roles)) as iam,
    ):
        row = shared.gateway_role(apigateway, iam, plan())
    assert row.verdict is verdict
    assert said in row.found


@pytest.mark.parametrize(
    ("status", "todo"),
    [
        ("ROLLBACK_COMPLETE", "aws cloudformation delete-stack --stack-name Dev-Serving"),
        ("DELETE_FAILED", "aws cloudformation delete-stack --stack-name Dev-Serving"),
        ("UPDATE_ROLLBACK_FAILED", "make repair ENV=dev"),
        ("UPDATE_FAILED", "aws cloudformation rollback-stack --stack-name Dev-Serving"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "wait until it ends"),
        ("CREATE_COMPLETE", ""),
        ("UPDATE_ROLLBACK_COMPLETE", ""),
    ],
)
def test_stack_takes_a_deployment_or_it_is_said_how_it_will(status: str, todo: str) -> None:
    with stubbed("cloudformation", ("describe_stacks", _stack(status))) as cloudformation:
        (row,) = clashes.stack_rows(cloudformation, plan())
    assert (row.found, row.verdict) == (status, _FAIL if todo else _OK)
    assert row.todo.startswith(todo)


def test_stack_that_is_not_deployed_is_in_nobodys_way() -> None:
    with stubbed("cloudformation", ("describe_stacks", _ABSENT)) as cloudformation:
        (row,) = clashes.stack_rows(cloudformation, plan())
    assert (row.verdict, row.found) == (_OK, "not deployed yet")


@pytest.mark.parametrize(
    ("pipeline", "stack", "verdict"),
    [
        ("ResourceNotFound", None, _OK),
        ({}, _stack("CREATE_COMPLETE"), _OK),
        ({}, _ABSENT, _FAIL),
        ({}, _stack("REVIEW_IN_PROGRESS"), _FAIL),
    ],
)
def test_name_of_the_pipeline_is_free_or_ones_own(
    pipeline: Any, stack: Any, verdict: Verdict
) -> None:
    with (
        stubbed("sagemaker", ("describe_pipeline", pipeline)) as sagemaker,
        stubbed(
            "cloudformation", *([("describe_stacks", stack)] if stack else [])
        ) as cloudformation,
    ):
        row = clashes.pipeline_name(sagemaker, cloudformation, plan())
    assert row.verdict is verdict


@pytest.mark.parametrize(
    ("policy", "stack", "verdict"),
    [
        ("NoSuchEntity", None, _OK),
        ({"Policy": {}}, _stack("CREATE_COMPLETE"), _OK),
        ({"Policy": {}}, _ABSENT, _FAIL),
    ],
)
def test_name_of_the_boundary_is_free_or_ones_own(
    policy: Any, stack: Any, verdict: Verdict
) -> None:
    with (
        stubbed("iam", ("get_policy", policy)) as iam,
        stubbed(
            "cloudformation", *([("describe_stacks", stack)] if stack else [])
        ) as cloudformation,
    ):
        row = clashes.boundary_name(iam, cloudformation, plan())
    assert row.verdict is verdict
