"""The bootstrap's order: the policies' stack first, then the CDK's own with them."""

import subprocess
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from operate import bootstrap

_POLICIES = "arn:aws:iam::111111111111:policy/a,arn:aws:iam::111111111111:policy/b"
_REQUEST = {"StackName": "Dev-Bootstrap", "TemplateBody": ANY, "Capabilities": ANY}


class _Sts:
    """Who asks, and where."""

    meta = type("Meta", (), {"region_name": "eu-west-1"})

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111111111111"}


@pytest.fixture(name="cloudformation")
def _cloudformation(monkeypatch: pytest.MonkeyPatch) -> Any:
    key = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
    found = boto3.client("cloudformation", region_name="eu-west-1", **key)
    clients = {"cloudformation": found, "sts": _Sts()}
    monkeypatch.setattr(bootstrap, "client", lambda name: clients[name])
    monkeypatch.setattr(bootstrap, "outputs", lambda *_: {"ExecutionPolicies": _POLICIES})
    return found


def _run(monkeypatch: pytest.MonkeyPatch, returncode: int = 0) -> list[str]:
    ran: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.extend(command)
        return subprocess.CompletedProcess(command, returncode)

    monkeypatch.setattr(subprocess, "run", run)
    bootstrap.bootstrap("dev")
    return ran


def test_unchanged_policies_are_left_and_the_cdk_bootstraps_with_them(
    monkeypatch: pytest.MonkeyPatch, cloudformation: Any
) -> None:
    with Stubber(cloudformation) as aws:
        aws.add_client_error("create_stack", "AlreadyExistsException", expected_params=_REQUEST)
        aws.add_client_error(
            "update_stack", "ValidationError", "No updates are to be performed.", 400
        )
        ran = _run(monkeypatch)
    assert ran[:3] == ["cdk", "bootstrap", "aws://111111111111/eu-west-1"]
    assert ran[-2:] == ["--cloudformation-execution-policies", _POLICIES]


def test_refused_policies_stop_the_bootstrap(
    monkeypatch: pytest.MonkeyPatch, cloudformation: Any
) -> None:
    with Stubber(cloudformation) as aws:
        aws.add_client_error("create_stack", "AccessDenied", "not authorized")
        with pytest.raises(SystemExit, match="use an administrator's credentials"):
            _run(monkeypatch)


def test_environment_without_policies_is_refused() -> None:
    with pytest.raises(SystemExit, match="ENV must be one of dev, local, prod, staging, got"):
        bootstrap.bootstrap("../dev")
