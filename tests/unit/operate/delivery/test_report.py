"""The comment on a pull request: what it marks, what it blocks, and what it says of cost."""

import copy
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from operate.delivery.report.changes import Kind, changes
from operate.delivery.report.costs import month
from operate.delivery.report.markdown import rendered
from operate.delivery.report.permissions import permission_changes
from operate.delivery.report.templates import templates_of
from operate.delivery.report.verb import LABEL, diff_report, sections_of

_ROOT = Path(__file__).parents[4]
_GOLDEN = _ROOT / "tests" / "infrastructure" / "golden"
_CONFIG = "AWS::SageMaker::EndpointConfig"


@pytest.fixture
def prod() -> dict[str, Any]:
    """The reviewed templates of Prod."""
    return {
        f"Prod-{name.capitalize()}": json.loads((_GOLDEN / "prod" / f"{name}.json").read_text())
        for name in ("serving", "api", "training")
    }


def _only(template: Any, resource_type: str, containing: str = "") -> Any:
    (found,) = (
        each
        for name, each in template["Resources"].items()
        if each["Type"] == resource_type and containing in name
    )
    return found


def _id(template: Any, resource_type: str, containing: str = "") -> str:
    (found,) = (
        name
        for name, each in template["Resources"].items()
        if each["Type"] == resource_type and containing in name
    )
    return str(found)


def _replaces_the_configuration(prod: dict[str, Any]) -> dict[str, Any]:
    after = copy.deepcopy(prod)
    config = _only(after["Prod-Serving"], _CONFIG)["Properties"]
    config["ProductionVariants"][0]["ModelDataDownloadTimeoutInSeconds"] = 3600
    return after


def _kinds(before: Any, after: Any) -> dict[str, tuple[Kind, tuple[str, ...]]]:
    return {each.type: (each.kind, each.properties) for each in changes(before, after)}


def test_same_templates_have_no_change(prod: dict[str, Any]) -> None:
    assert list(changes(prod, copy.deepcopy(prod))) == []


def test_a_replaced_configuration_rolls_the_endpoint_and_replaces_it_not(
    prod: dict[str, Any],
) -> None:
    assert _kinds(prod, _replaces_the_configuration(prod)) == {
        _CONFIG: (Kind.REPLACED, ("ProductionVariants",)),
        "AWS::SageMaker::Endpoint": (Kind.UPDATED, ("EndpointConfigName",)),
    }


def test_what_refers_to_a_replaced_resource_is_replaced_by_a_create_only_property(
    prod: dict[str, Any],
) -> None:
    after = copy.deepcopy(prod)
    model = _only(after["Prod-Serving"], "AWS::SageMaker::Model")["Properties"]
    model["EnableNetworkIsolation"] = False
    found = _kinds(prod, after)
    assert found["AWS::SageMaker::Model"] == (Kind.REPLACED, ("EnableNetworkIsolation",))
    assert found[_CONFIG] == (Kind.REPLACED, ("ProductionVariants",))
    assert found["AWS::SageMaker::Endpoint"][0] is Kind.UPDATED


def test_another_default_of_a_parameter_changes_what_refers_to_it(prod: dict[str, Any]) -> None:
    after = copy.deepcopy(prod)
    after["Prod-Serving"]["Parameters"]["InstanceType"]["Default"] = "ml.g6.2xlarge"
    assert _kinds(prod, after)[_CONFIG] == (Kind.REPLACED, ("ProductionVariants",))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda t, n: t["Resources"].pop(n), Kind.LEFT),
        (lambda t, n: t["Resources"][n]["Properties"].update(BucketName="new"), Kind.REPLACED),
        (lambda t, n: t["Resources"][n].update(Type="AWS::SNS::Topic"), Kind.REPLACED),
    ],
    ids=["removed", "renamed", "of another type"],
)
def test_a_bucket_that_is_lost_is_a_danger(prod: dict[str, Any], change: Any, kind: Kind) -> None:
    after = copy.deepcopy(prod)
    training = after["Prod-Training"]
    name = _id(training, "AWS::S3::Bucket", "Data")
    change(training, name)
    (found,) = (each for each in changes(prod, after) if each.resource == name)
    assert found.kind is kind
    assert found.is_dangerous or found.type == "AWS::SNS::Topic"


def test_an_alarm_that_is_deleted_is_no_danger(prod: dict[str, Any]) -> None:
    after = copy.deepcopy(prod)
    serving = after["Prod-Serving"]["Resources"]
    del serving[_id(after["Prod-Serving"], "AWS::CloudWatch::Alarm", "ErrorShare")]
    deleted = [each for each in changes(prod, after) if each.kind is Kind.DELETED]
    assert [(each.type, each.is_dangerous) for each in deleted] == [
        ("AWS::CloudWatch::Alarm", False)
    ]


def test_statements_that_come_and_go_are_lines_of_their_own(prod: dict[str, Any]) -> None:
    before = prod["Prod-Serving"]
    after = copy.deepcopy(before)
    name = _id(after, "AWS::IAM::Role", "LlmRole")
    role = after["Resources"][name]["Properties"]
    statement = role["Policies"][0]["PolicyDocument"]["Statement"][0]
    (action,) = (
        [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"][:1]
    )
    role["Policies"][0]["PolicyDocument"]["Statement"] = [
        *role["Policies"][0]["PolicyDocument"]["Statement"][1:],
        {"Effect": "Allow", "Action": ["s3:*", "s3:GetObject"], "Resource": "*"},
    ]
    found = permission_changes(before, after)
    assert f"+ {name}: Allow s3:* on *" in found
    assert f"+ {name}: Allow s3:GetObject on *" in found
    assert any(line.startswith(f"- {name}: Allow {action}") for line in found)
    assert permission_changes(before, before) == []


def test_who_may_assume_a_role_is_a_permission_too() -> None:
    def template(service: str) -> Any:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        document = {"AssumeRolePolicyDocument": {"Statement": [trust]}}
        return {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": document}}}

    assert permission_changes(template("lambda.amazonaws.com"), template("*")) == [
        "- Role: Allow sts:AssumeRole to lambda.amazonaws.com",
        "+ Role: Allow sts:AssumeRole to *",
    ]


def test_cost_is_that_of_the_smallest_and_the_largest_fleet(prod: dict[str, Any]) -> None:
    least, most, unknown = month(prod.values())
    instances = 1.515 * 730
    rest = least - 2 * instances
    assert most == pytest.approx(4 * instances + rest)
    assert 9 < rest < 15  # a key, alarms, and a web ACL with four rules
    assert unknown == ()


def test_a_type_without_a_price_is_named(prod: dict[str, Any]) -> None:
    prod["Prod-Serving"]["Parameters"]["InstanceType"]["Default"] = "ml.p9.huge"
    assert month(prod.values()).unknown == ("ml.p9.huge",)


def _assembly(folder: Path, templates: dict[str, Any]) -> Path:
    nested = folder / "assembly-Prod"
    nested.mkdir(parents=True)
    artifacts = {}
    for stack, template in templates.items():
        (nested / f"{stack}.json").write_text(json.dumps(template))
        properties = {"stackName": stack, "templateFile": f"{stack}.json"}
        artifacts[stack] = {"type": "aws:cloudformation:stack", "properties": properties}
    (nested / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (folder / "manifest.json").write_text("{}")
    return folder


def test_a_bucket_that_is_left_behind_blocks_unless_the_pull_request_is_labelled(
    prod: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = copy.deepcopy(prod)
    name = _id(after["Prod-Training"], "AWS::S3::Bucket", "Data")
    del after["Prod-Training"]["Resources"][name]
    assemblies = (_assembly(tmp_path / "before", prod), _assembly(tmp_path / "after", after))
    with pytest.raises(SystemExit, match=f"1 stateful resources .* label the pull request {LABEL}"):
        diff_report(*assemblies, "bug,docs")
    said = capsys.readouterr().out
    assert "**blocked**" in said
    assert f"- Prod: `{name}` (AWS::S3::Bucket) is left behind" in said
    diff_report(*assemblies, f"bug,{LABEL}")
    assert "⚠️ labelled" in capsys.readouterr().out


def test_an_archive_is_read_as_its_folder_is(prod: dict[str, Any], tmp_path: Path) -> None:
    folder = _assembly(tmp_path / "out", prod)
    file = tmp_path / "assembly.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(folder, ".")
    assert templates_of(file) == templates_of(folder) == prod


@pytest.mark.parametrize("text", ["no archive", ""])
def test_what_is_no_assembly_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(SystemExit, match="must be a cloud assembly, or an archive of one"):
        templates_of(tmp_path / "file")
    with pytest.raises(SystemExit, match="must be a cloud assembly"):
        templates_of(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=r"empty must be a cloud assembly.*: it has no stack"):
        templates_of(tmp_path / "empty")


def test_a_comment_is_no_longer_than_github_takes(prod: dict[str, Any]) -> None:
    after: dict[str, Any] = {stack: {"Resources": {}} for stack in prod}
    sections = sections_of(prod, after) * 20
    assert 60_000 < len(rendered(sections, LABEL, labelled=False)) < 65_536
