"""An environment as CI deploys it: one assembly by its digest, then a commit's, then its end."""

from pathlib import Path
from typing import Any

from tests.embedded.conftest import LocalStage
from tests.lifecycle.stage import generates, stacks

_COMMITS = ("0123456789abcdef", "fedcba9876543210")
_STACKS = ("Local-Api", "Local-Serving", "Local-Training")


def _tags(aws: LocalStage, stack: str) -> dict[str, str]:
    (found,) = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


def _function_tags(aws: LocalStage) -> list[dict[str, Any]]:
    lambda_ = aws.client("lambda")
    functions = lambda_.list_functions()["Functions"]
    return [lambda_.list_tags(Resource=each["FunctionArn"])["Tags"] for each in functions]


def test_an_assembly_is_deployed_once_and_the_same_again_changes_nothing(
    aws: LocalStage, tmp_path: Path
) -> None:
    aws.start()
    file = tmp_path / "assembly.tar.gz"
    made = ("assembly", "--environments=local", f"--file={file}")
    digest = aws.run(*made, f"--commit={_COMMITS[0]}").stdout.strip()
    assembly = ("deploy", f"--assembly={file}", f"--digest={digest}")

    refused = aws.try_verb("deploy", f"--assembly={file}", "--digest=0000")
    assert "is not the assembly of digest '0000'" in refused.stderr
    aws.run(*assembly)
    assert generates(aws.deployment())
    for stack in _STACKS:
        assert _tags(aws, stack).items() >= {"environment": "local", "commit": _COMMITS[0]}.items()
    assert all(tags["commit"] == _COMMITS[0] for tags in _function_tags(aws))

    again = aws.run(*assembly)
    assert (again.stdout + again.stderr).count("(no changes)") == len(_STACKS)
    shown = aws.run("diff", f"--assembly={file}", f"--digest={digest}")
    assert "Number of stacks with differences: 0" in shown.stdout + shown.stderr

    aws.run("deploy", f"--commit={_COMMITS[1]}")
    assert {_tags(aws, stack)["commit"] for stack in _STACKS} == {_COMMITS[1]}
    assert all(tags["commit"] == _COMMITS[1] for tags in _function_tags(aws))
    assert generates(aws.deployment())

    said = aws.run("destroy").stdout
    assert f"to be deleted: {', '.join(_STACKS)}" in said
    assert set(stacks(aws)) == {"Local-CDKToolkit", "Local-Bootstrap"}
