"""How stacks find one another: by parameters that each deployment reads, and no other way."""

import json
from typing import Any

import pytest

from tests.infrastructure.assembly import ENVIRONMENTS, Assembly, Template

_PARAMETER = "AWS::SSM::Parameter"


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _published(template: Template) -> dict[str, Any]:
    parameters = (each["Properties"] for each in template.resources(_PARAMETER).values())
    return {each["Name"]: each["Value"] for each in parameters}


def _read(template: Template) -> dict[str, Any]:
    """The parameters that a deployment reads from Parameter Store, but for the bootstrap's."""
    return {
        name: parameter
        for name, parameter in template.body["Parameters"].items()
        if parameter["Type"].startswith(_PARAMETER) and name != "BootstrapVersion"
    }


def test_no_stack_refers_to_another_as_it_once_was(assembly: Assembly, environment: str) -> None:
    for stack, body in assembly.stacks(environment).items():
        text = json.dumps(body)
        assert "Fn::GetStackOutput" not in text, f"{stack} does not follow a stack created again"
        assert "Fn::ImportValue" not in text, f"{stack} forbids the deletion of another"


def test_api_and_training_follow_the_endpoint(assembly: Assembly, environment: str) -> None:
    published = _published(assembly.template(f"{environment}/Serving"))
    endpoint, role = {"Ref": "LlmEndpoint0550A83E"}, {"Fn::GetAtt": ["LlmRole8B828C87", "Arn"]}
    # Only where the hardware encrypts no disk of its own.
    keys = [{"Fn::GetAtt": ["LlmVolumeKey896C39E7", "Arn"]}] if environment == "Cpu" else []
    values = {"Api": [endpoint], "Training": [endpoint, role, *keys]}
    for stack in ("Api", "Training"):
        read = _read(assembly.template(f"{environment}/{stack}")).values()
        assert [published[each["Default"]] for each in read] == values[stack]


def test_endpoint_follows_the_bucket_of_its_weights(assembly: Assembly) -> None:
    published = _published(assembly.template("Cpu/Weights"))
    (read,) = _read(assembly.template("Cpu/Serving")).values()
    assert published[read["Default"]] == {"Ref": "WeightsBucket670F500A"}


def test_readers_are_deployed_even_if_their_templates_have_not_changed(
    assembly: Assembly, environment: str
) -> None:
    """The CDK CLI does so for such parameters, but for those that say that they can be skipped."""
    for stack in ("Api", "Training"):
        for parameter in _read(assembly.template(f"{environment}/{stack}")).values():
            assert "[cdk:skip]" not in parameter.get("Description", "")


def test_readers_are_deployed_after_what_they_read(assembly: Assembly, environment: str) -> None:
    manifest = assembly.folder / f"assembly-{environment}" / "manifest.json"
    artifacts = json.loads(manifest.read_text())["artifacts"]
    names = {each.get("displayName"): name for name, each in artifacts.items()}
    serving = names[f"{environment}/Serving"]
    for stack in ("Api", "Training"):
        assert serving in artifacts[names[f"{environment}/{stack}"]]["dependencies"]
        assert names[f"{environment}/{stack}"] not in artifacts[serving]["dependencies"]
