"""The deployments' commands, and what the deletion of an environment wants and says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.host import control
from operate.delivery import deployments
from operate.delivery.assembly import digest_of, pack
from operate.laptop import own_model
from tests.unit.operate.doubles import environment, refusal

_TEMPLATE = {
    "Resources": {
        "Data": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Logs": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "RetainExceptOnCreate"},
        "Queue": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete"},
    }
}


class _CloudFormation:
    """Two protected stacks of `prod`, and one of another environment."""

    def __init__(self) -> None:
        self.unprotected: list[str] = []
        self.names = ["Prod-Training", "Prod-Api", "Dev-Api"]

    def get_paginator(self, _operation: str) -> Any:
        stacks = [{"StackName": name} for name in self.names]
        return type("Pages", (), {"paginate": lambda _self: [{"Stacks": stacks}]})()

    def get_template(self, *, StackName: str) -> Any:  # noqa: N803 - boto3's name
        return {"TemplateBody": _TEMPLATE if StackName == "Prod-Training" else {"Resources": {}}}

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 - likewise
        protected = StackName not in self.unprotected
        return {"Stacks": [{"StackName": StackName, "EnableTerminationProtection": protected}]}

    def update_termination_protection(self, **request: Any) -> None:
        assert request["EnableTerminationProtection"] is False
        self.unprotected.append(request["StackName"])


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(deployments, "cdk", lambda *arguments: ran.append(arguments))
    return ran


class _Deployed(_CloudFormation):
    """The serving stack of `dev`, with the digest of its endpoint."""

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 - boto3's name
        assert StackName == "Dev-Serving"
        outputs = [{"OutputKey": "EndpointDigest", "OutputValue": "old"}]
        held = [{"ParameterKey": "Unguarded", "ParameterValue": "older"}]
        return {"Stacks": [{"StackName": StackName, "Outputs": outputs, "Parameters": held}]}


def _write_assembly(folder: Path, digest: str = "old") -> None:
    """Write what the CDK CLI synthesizes, with one stack."""
    properties = {"templateFile": "serving.json", "stackName": "Dev-Serving"}
    artifact = {"type": "aws:cloudformation:stack", "properties": properties}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"Serving": artifact}}))
    outputs = {"EndpointDigest": {"Value": digest}}
    template = {"Parameters": {"Unguarded": {}}, "Outputs": outputs}
    (folder / "serving.json").write_text(json.dumps(template))


@pytest.fixture
def as_deployer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let deployments see the stack as the role that deploys does."""
    monkeypatch.setattr(deployments, "deployer", lambda _environment: (_Deployed(), "role"))


@pytest.mark.usefixtures("as_deployer")
def test_a_checkout_is_synthesized_with_its_commit_and_deployed(
    ran: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _write_assembly(tmp_path)
    made: list[tuple[str, str]] = []

    def synthesized(commit: str, environments: str) -> Any:
        made.append((commit, environments))
        return nullcontext(tmp_path)

    monkeypatch.setattr(deployments, "synthesized", synthesized)
    deployments.deploy(environment("dev"), None, "", "0123abc")
    app = ("--app", str(tmp_path), "--build", "")
    assert ran == [("deploy", "Dev/*", *app, "--require-approval", "never")]
    assert made == [("0123abc", "dev")]
    assert capsys.readouterr().err == ""
    deployments.deploy(environment("dev"), None, "", "")
    assert "CI cannot return to it: give COMMIT=$(git rev-parse HEAD)" in capsys.readouterr().err


@pytest.mark.usefixtures("as_deployer")
def test_an_assembly_is_deployed_as_it_was_made(ran: list[tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    _write_assembly(tmp_path / "out", digest="new")
    file = tmp_path / "assembly.tar.gz"
    pack(tmp_path / "out", file)
    for unguarded in (False, True):
        deployments.deploy(environment("dev"), file, digest_of(file), "", unguarded=unguarded)
    deployments.diff(environment("dev"), file, digest_of(file))
    assert [command[:3] for command in ran] == [
        ("deploy", "Dev/*", "--app"),
        ("deploy", "Dev/*", "--app"),
        ("diff", "Dev/*", "--app"),
    ]
    assert all(command[4:6] == ("--build", "") for command in ran)  # nothing is built anew
    values = [command[-2:] for command in ran[:2]]
    assert values == [("--parameters", f"Dev-Serving:Unguarded={value}") for value in ("", "new")]
    with pytest.raises(SystemExit, match="give COMMIT to `make assembly`"):
        deployments.deploy(environment("dev"), file, digest_of(file), "0123abc")


def test_a_digest_without_its_assembly_deploys_nothing(ran: list[tuple[str, ...]]) -> None:
    with pytest.raises(SystemExit, match="DIGEST is an assembly's: give ASSEMBLY too, or"):
        deployments.deploy(environment("prod"), None, "9f86d0", "")
    with pytest.raises(SystemExit, match="DIGEST is an assembly's"):
        deployments.diff(environment("prod"), None, "9f86d0")
    assert ran == []


def test_prod_is_deleted_when_its_name_is_typed(
    ran: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = _CloudFormation()
    monkeypatch.setattr(deployments, "deployer", lambda _environment: (aws, "role"))
    deployments.destroy(environment("prod", cloudformation=aws), "", lambda _question: "prod")
    assert aws.unprotected == ["Prod-Api", "Prod-Training"]
    assert ran == [("destroy", "Prod/*", "--force", "--context", "environments=prod")]
    said = capsys.readouterr().out
    assert "to be deleted: Prod-Api, Prod-Training\n" in said
    assert "stays: AWS::S3::Bucket Data (of Prod-Training), about 0.023 USD a month for" in said
    assert "stays: AWS::Logs::LogGroup Logs (of Prod-Training), about 0.03 USD a month for" in said
    assert "Queue" not in said
    assert "`make cleanup ENV=prod`" in said


def test_the_link_to_a_persons_own_model_goes_with_the_stacks_of_this_machine(
    ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aws, link = _CloudFormation(), tmp_path / "models" / "mine.gguf"
    aws.names = ["Local-Serving"]
    aws.unprotected = aws.names
    link.parent.mkdir()
    link.symlink_to(tmp_path / "mine.Q4_0.gguf")

    @contextmanager
    def only_one(_environment: object, run: Any) -> Iterator[Any]:
        yield run
        assert not link.is_symlink()  # Afterwards it may be of another deployment.

    monkeypatch.setattr(deployments, "cdk_of", only_one)
    monkeypatch.setattr(own_model, "_LINKS", link.parent)
    monkeypatch.setattr(control, "running_pid", lambda: 1)
    monkeypatch.setattr(own_model, "_opened", lambda: set() if ran else {str(link)})
    deployments.destroy(environment("local", cloudformation=aws), "")
    assert ran == [("destroy", "Local/*", "--force", "--context", "environments=local")]
    assert not link.is_symlink()


@pytest.mark.parametrize("typed", ["", "yes", "Prod", "dev"])
def test_nothing_is_deleted_when_another_word_is_typed(
    typed: str, ran: list[tuple[str, ...]]
) -> None:
    aws = _CloudFormation()
    with pytest.raises(SystemExit, match="nothing was deleted"):
        deployments.destroy(environment("prod", cloudformation=aws), "", lambda _question: typed)
    with pytest.raises(SystemExit, match="nothing was deleted"):
        deployments.destroy(environment("prod", cloudformation=aws), "Prod", lambda _: "prod")
    assert (ran, aws.unprotected) == ([], [])


def test_nothing_is_asked_where_nothing_is_deployed(ran: list[tuple[str, ...]]) -> None:
    aws = _CloudFormation()
    aws.names = ["Dev-Api"]
    with pytest.raises(SystemExit, match="no stack of prod is deployed"):
        deployments.destroy(environment("prod", cloudformation=aws), "prod")
    assert ran == []


def test_whoever_may_not_read_a_stack_deletes_nothing(ran: list[tuple[str, ...]]) -> None:
    aws = _CloudFormation()

    def refuse(**_request: Any) -> None:
        raise refusal("AccessDenied")

    aws.get_template = refuse  # type: ignore[method-assign]
    with pytest.raises(Exception, match="AccessDenied"):
        deployments.destroy(environment("prod", cloudformation=aws), "prod")
    assert ran == []
