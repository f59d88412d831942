"""The roles that CI deploys with: whom they trust and what they may do, by another's evaluator."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ministack.core import iam_evaluator

import app
import delivery
from tests.infrastructure.assembly import ACCOUNTS, ROOT
from tests.infrastructure.cfn_lint import findings
from tests.infrastructure.reviewed import check_reviewed

_GITHUB = "token.actions.githubusercontent.com"
_STAGING, _PROD = "222222222222", "333333333333"
_PLAIN, _NUMBERED = "repo:octo-org/mistral", "repo:octo-org@12/mistral@345"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivery")
    settings = {"CDK_OUTDIR": str(folder), "ACCOUNTS_FILE": str(ACCOUNTS)}
    settings["HOME"] = os.environ["HOME"]  # jsii unpacks the CDK there: half a minute in a new one
    command = [sys.executable, str(ROOT / "delivery.py")]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _template(folder: Path, account: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"Delivery-{account}.template.json").read_text())
    return found


def _role(folder: Path, account: str, name: str = "Prod-Delivery") -> dict[str, Any]:
    (role,) = (
        each["Properties"]
        for each in _template(folder, account)["Resources"].values()
        if each["Type"] == "AWS::IAM::Role" and each["Properties"]["RoleName"] == name
    )
    return dict(role)


@pytest.mark.parametrize("number", [_STAGING, _PROD])
def test_golden_template_is_as_reviewed(
    folder: Path, number: str, pytestconfig: pytest.Config
) -> None:
    check_reviewed("delivery", number, _template(folder, number), pytestconfig)


def test_validators_find_nothing(folder: Path) -> None:
    reports = json.loads((folder / "validation-report.json").read_text())["pluginReports"]
    assert reports == []
    assert findings(folder.glob("*.template.json")) == []


def test_stack_has_its_name_for_ever_and_needs_no_bootstrap(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = [each for each in manifest.values() if each["type"] == "aws:cloudformation:stack"]
    assert [each["properties"]["stackName"] for each in stacks] == ["Delivery", "Delivery"]
    assert all(each["properties"]["terminationProtection"] for each in stacks)
    assert not any("assumeRoleArn" in each["properties"] for each in stacks)


def test_provider_is_made_once_in_an_account_that_has_none(folder: Path) -> None:
    types = {
        account: {each["Type"] for each in _template(folder, account)["Resources"].values()}
        for account in (_STAGING, _PROD)
    }
    assert "AWS::IAM::OIDCProvider" in types[_STAGING]
    assert "AWS::IAM::OIDCProvider" not in types[_PROD]


def _trusts(trust: dict[str, Any], *, sub: str, **changes: str) -> bool:
    """Return whether a role of prod's account can be assumed with a token."""
    given = {"aud": "sts.amazonaws.com", "host": _GITHUB, "account": _PROD, **changes}
    document = json.dumps(trust).replace('{"Ref": "AWS::Partition"}', '"aws"')
    provider = f"arn:aws:iam::{given['account']}:oidc-provider/{given['host']}"
    call = iam_evaluator.EvalContext(
        principal_arn=provider,
        principal_type="WebIdentityUser",
        principal_account=_PROD,
        action=given.get("action", "sts:AssumeRoleWithWebIdentity"),
        resource_arn="role",
        region="us-east-1",
        service_context={f"{_GITHUB}:aud": given["aud"], f"{_GITHUB}:sub": sub},
    )
    return bool(iam_evaluator.evaluate_trust_policy(_joined(json.loads(document)), provider, call))


def _joined(value: Any) -> Any:
    match value:
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(parts)
        case dict():
            return {key: _joined(item) for key, item in value.items()}
        case list():
            return [_joined(item) for item in value]
    return value


@pytest.mark.parametrize("repository", [_PLAIN, _NUMBERED])
def test_jobs_of_the_environment_are_trusted_in_both_forms(folder: Path, repository: str) -> None:
    trust = _role(folder, _PROD)["AssumeRolePolicyDocument"]
    assert _trusts(trust, sub=f"{repository}:environment:prod")


@pytest.mark.parametrize(
    "sub",
    [
        f"{_PLAIN}:environment:staging",
        f"{_PLAIN}:environment:prod-nightly",
        f"{_PLAIN}:environment:production",
        f"{_PLAIN}:ref:refs/heads/main",
        f"{_PLAIN}:pull_request",
        f"{_PLAIN}-fork:environment:prod",
        "repo:mallory/mistral:environment:prod",
        "repo:octo-org@99/mistral@345:environment:prod",
        "repo:octo-org@12/mistral@999:environment:prod",
        f"{_PLAIN}:environment:prod:extra",
        "*",
    ],
)
def test_no_other_job_is_trusted(folder: Path, sub: str) -> None:
    assert not _trusts(_role(folder, _PROD)["AssumeRolePolicyDocument"], sub=sub)


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://github.com/octo-org"},
        {"host": "token.actions.example.com"},
        {"account": _STAGING},
        {"action": "sts:AssumeRole"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_no_other_token_is_trusted(folder: Path, change: dict[str, str]) -> None:
    trust = _role(folder, _PROD)["AssumeRolePolicyDocument"]
    assert not _trusts(trust, sub=f"{_PLAIN}:environment:prod", **change)


def test_a_nightly_job_reads_and_never_deploys(folder: Path) -> None:
    nightly = _role(folder, _PROD, "Prod-Nightly")
    trust = nightly["AssumeRolePolicyDocument"]
    assert _trusts(trust, sub=f"{_NUMBERED}:environment:prod-nightly")
    assert not _trusts(trust, sub=f"{_NUMBERED}:environment:prod")
    (policy,) = nightly["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    arn = f":iam::{_PROD}:role/cdk-llmprod-lookup-role-{_PROD}-ap-southeast-3"
    assert (
        _joined(
            json.loads(
                json.dumps(statement["Resource"]).replace('{"Ref": "AWS::Partition"}', '"aws"')
            )
        )
        == f"arn:aws{arn}"
    )


def test_trust_is_one_statement_without_wildcards(folder: Path) -> None:
    (statement,) = _role(folder, _PROD)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"].keys() == {"StringEquals"}
    assert "*" not in json.dumps(statement)


@pytest.mark.parametrize(
    ("action", "role", "allowed"),
    [
        ("sts:AssumeRole", "{own}-deploy-role-{place}", True),
        ("sts:AssumeRole", "{own}-file-publishing-role-{place}", True),
        ("sts:AssumeRole", "{own}-lookup-role-{place}", True),
        ("sts:AssumeRole", "{own}-cfn-exec-role-{place}", False),
        ("sts:AssumeRole", "{own}-image-publishing-role-{place}", False),
        ("sts:AssumeRole", "333333333333:role/cdk-llmdev-deploy-role-{place}", False),
        ("sts:AssumeRole", "222222222222:role/cdk-llmprod-deploy-role-{place}", False),
        ("sts:AssumeRole", "333333333333:role/Admin", False),
        ("sts:TagSession", "{own}-deploy-role-{place}", False),
        ("iam:PassRole", "{own}-cfn-exec-role-{place}", False),
        ("cloudformation:UpdateStack", "333333333333:stack/Prod-Api", False),
    ],
)
def test_role_assumes_its_bootstraps_roles_and_nothing_more(
    folder: Path, action: str, role: str, *, allowed: bool
) -> None:
    (policy,) = _role(folder, _PROD)["Policies"]
    text = json.dumps(policy["PolicyDocument"]).replace('{"Ref": "AWS::Partition"}', '"aws"')
    document = iam_evaluator.parse_policy_document(_joined(json.loads(text)))
    arn = role.format(own=f"{_PROD}:role/cdk-llmprod", place=f"{_PROD}-ap-southeast-3")
    call = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{_PROD}:assumed-role/Prod-Delivery/job",
        principal_type="AssumedRole",
        principal_account=_PROD,
        action=action,
        resource_arn=f"arn:aws:iam::{arn}",
        region="us-east-1",
    )
    assert (iam_evaluator.evaluate(call, [document]).decision == "Allow") == allowed


def test_roles_are_of_what_the_workflows_deploy_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing protects another environment at GitHub, which is made for the first job of it."""
    file = tmp_path / "accounts.toml"
    place = f'account = "{_PROD}"\nregion = "eu-west-1"\n'
    places = "".join(f"[environments.{name}]\n{place}" for name in ("cpu", "dev"))
    file.write_text(f'{places}[github]\nrepository = "octo-org/mistral"\n')
    monkeypatch.setattr(app, "_GIVEN", {"ACCOUNTS_FILE": str(file)})
    (stack,) = delivery.build().synth().stacks
    resources = stack.template["Resources"].values()
    roles = [each["Properties"] for each in resources if each["Type"] == "AWS::IAM::Role"]
    assert [each["RoleName"] for each in roles] == ["Dev-Delivery", "Dev-Nightly"]


def test_stack_has_the_tags_of_the_file(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = [each for each in manifest.values() if each["type"] == "aws:cloudformation:stack"]
    assert [each["properties"]["tags"] for each in stacks] == [{"owner": "tests"}] * 2


def test_delivery_without_a_repository_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text("")
    monkeypatch.setattr(app, "_GIVEN", {"ACCOUNTS_FILE": str(file)})
    with pytest.raises(
        SystemExit, match=r"write the repository into accounts.toml, under \[github"
    ):
        delivery.build()
