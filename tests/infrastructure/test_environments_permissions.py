"""`make least-privilege` proves the permissions of `Local`: the others have no more than these."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infrastructure.assembly import Assembly, Template

Json = dict[str, Any]
Statement = tuple[str, str, tuple[str, ...]]  # what it lies at, its effect and its actions

_STACKS = ("Serving", "Api", "Training")
_READ, _LIST = ("s3:GetObject",), ("s3:ListBucket",)

# docs/permissions.md lists them: the weights that AWS publishes are on AWS only.
_ON_AWS_ONLY = Counter(
    {
        ("Serving LlmRoleModel", "Allow", _READ): 1,
        ("Serving LlmRoleModel", "Allow", _LIST): 1,
        ("Training FineTuningRolesFineTune", "Allow", _LIST): 1,
        ("Training FineTuningRolesEvaluate", "Allow", _LIST): 1,
    }
)


def _documents(resource: Json) -> Iterator[Json]:
    properties = resource.get("Properties", {})
    names = ("AssumeRolePolicyDocument", "PolicyDocument", "KeyPolicy")
    yield from (properties[name] for name in names if name in properties)
    if resource["Type"] == "AWS::IAM::Role":
        yield from (policy["PolicyDocument"] for policy in properties.get("Policies", []))


def _statements(stack: str, template: Template) -> Iterator[Statement]:
    for logical_id, resource in template.body["Resources"].items():
        for document in _documents(resource):
            for statement in document["Statement"]:
                actions = statement["Action"]
                actions = (actions,) if isinstance(actions, str) else tuple(actions)
                name = re.sub("(?<=RoleModel)[0-9a-f]{8}|[0-9A-F]{8}$", "", logical_id)
                owner = f"{stack} {name}"
                yield owner, statement["Effect"], actions


def _permissions(assembly: Assembly, environment: str) -> Counter[Statement]:
    return Counter(
        statement
        for stack in _STACKS
        for statement in _statements(stack, assembly.template(f"{environment}/{stack}"))
    )


@pytest.mark.parametrize("environment", ["Dev", "Staging", "Prod"])
def test_an_environment_has_the_permissions_of_local_and_those_for_published_weights(
    assembly: Assembly, environment: str
) -> None:
    local, own = _permissions(assembly, "Local"), _permissions(assembly, environment)
    assert own - local == _ON_AWS_ONLY
    assert local - own == Counter()
