"""What tells environments apart: names that never change, tags, protection, one account or two."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.assembly import Assembly, synth

_PROPERTIES = ("Name", "RoleName", "ManagedPolicyName", "PipelineName", "LogGroupName")
_COMMIT = "0123456789abcdef0123456789abcdef01234567"


def _artifacts(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the CDK CLI reads of each stack, by the stack's name."""
    return {
        artifact["properties"]["stackName"]: artifact["properties"]
        for manifest in folder.glob("assembly-*/manifest.json")
        for artifact in json.loads(manifest.read_text())["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    }


def test_stacks_have_their_names_for_ever(assembly: Assembly) -> None:
    """Another name is another stack: it deploys beside the old one, and its data stays behind."""
    assert sorted(_artifacts(assembly.folder)) == [
        *("Cpu-Api", "Cpu-Serving", "Cpu-Training", "Cpu-Weights"),
        *("Dev-Api", "Dev-Serving", "Dev-Training"),
        *("Local-Api", "Local-Serving", "Local-Training"),
        *("Prod-Api", "Prod-Serving", "Prod-Training"),
        *("Staging-Api", "Staging-Serving", "Staging-Training"),
    ]


def test_every_stack_has_the_tags_of_its_environment_and_no_commit(assembly: Assembly) -> None:
    for name, found in _artifacts(assembly.folder).items():
        environment = name.partition("-")[0].lower()
        assert found["tags"] == {"owner": "tests", "environment": environment}, name


def test_stacks_of_prod_are_protected_from_deletion(assembly: Assembly) -> None:
    protected = {
        name
        for name, found in _artifacts(assembly.folder).items()
        if found["terminationProtection"]
    }
    assert protected == {"Prod-Api", "Prod-Serving", "Prod-Training"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, assembly: Assembly) -> Assembly:
    """Staging and Prod in one account and region, deployed from a commit; Dev cannot be."""
    folder = tmp_path_factory.mktemp("shared")
    settings = {"CDK_VALIDATION": "false", "DEV_REGION": "half"}
    for name in ("STAGING", "PROD"):
        settings |= {f"{name}_ACCOUNT": "222222222222", f"{name}_REGION": "eu-central-1"}
    done = synth(folder, "staging", "prod", settings=settings, context={"commit": _COMMIT})
    assert done.returncode == 0, done.stderr
    assert assembly.folder != folder
    return Assembly(folder)


def test_an_environment_is_synthesized_as_among_all_and_the_others_are_not_looked_at(
    shared: Assembly, assembly: Assembly
) -> None:
    found = {template.stack.partition("/")[0] for template in shared.templates()}
    assert found == {"Staging", "Prod"}
    assert shared.stacks("Staging") == assembly.stacks("Staging")


def test_the_commit_is_a_tag_and_stands_in_no_template(
    shared: Assembly, assembly: Assembly
) -> None:
    assert {found["tags"]["commit"] for found in _artifacts(shared.folder).values()} == {_COMMIT}
    assert shared.stacks("Staging") == assembly.stacks("Staging")


# Their names are the affair of the role or the function that they belong to.
_WITHIN_ANOTHER = {"AWS::IAM::Policy", "AWS::Lambda::Alias"}


def _names(template: Any) -> Iterator[str]:
    """Yield the names that a template gives, for which an account and region has one place."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for name in (properties[each] for each in _PROPERTIES if each in properties):
            if resource["Type"] not in _WITHIN_ANOTHER:
                yield f"{resource['Type']} {json.dumps(name)}"
    for output in template.get("Outputs", {}).values():
        if "Export" in output:
            yield f"export {json.dumps(output['Export']['Name'])}"


def test_two_environments_in_one_account_give_no_name_twice(shared: Assembly) -> None:
    names = Counter(name for template in shared.templates() for name in _names(template.body))
    assert len(names) > 10
    own = {name: count for name, count in names.items() if "AWS::StackId" not in name}
    assert [name for name, count in own.items() if count > 1] == []


def test_two_environments_in_one_account_share_no_role_bucket_or_boundary(shared: Assembly) -> None:
    staging, prod = (json.dumps(shared.stacks(name)) for name in ("Staging", "Prod"))
    for own in ("llm{}", "{}Boundary"):
        assert own.format("staging" if own[0] == "l" else "Staging") in staging
        assert own.format("staging" if own[0] == "l" else "Staging") not in prod
        assert own.format("prod" if own[0] == "l" else "Prod") not in staging
    roles = {
        found["assumeRoleArn"].replace("${AWS::Partition}", "aws")
        for found in _artifacts(shared.folder).values()
    }
    assert roles == {
        f"arn:aws:iam::222222222222:role/cdk-llm{name}-deploy-role-222222222222-eu-central-1"
        for name in ("staging", "prod")
    }
