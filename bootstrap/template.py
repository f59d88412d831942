"""The template of one environment's bootstrap: its execution policies, and the roles' boundary."""

import json
from collections.abc import Iterator
from typing import Any

from bootstrap import boundary, execution
from bootstrap.stage import Stage

Json = dict[str, Any]

_MAX_CHARACTERS = 6144  # IAM's, for a managed policy without white space
_MAX_POLICIES = 10  # IAM's default, for one role

# The longest that there are, so that a policy fits everywhere.
_PLACE = {
    "${AWS::Partition}": "aws-us-gov",
    "${AWS::Region}": "ap-southeast-1",
    "${AWS::AccountId}": "0" * 12,
}


def template(stage: Stage) -> Json:
    """Return a CloudFormation template that needs CAPABILITY_NAMED_IAM, and no other."""
    policies = {
        f"Execution{number}": _policy(packed)
        for number, packed in enumerate(_packed(execution.statements(stage)), start=1)
    }
    if len(policies) > _MAX_POLICIES:
        raise ValueError(f"a role takes {_MAX_POLICIES} policies, got {len(policies)}")
    arns: Json = {"Fn::Join": [",", [{"Ref": name} for name in policies]]}
    limit = _policy(boundary.statements(stage))
    # The one name that both sides must know: the roles' templates write it too.
    limit["Properties"]["ManagedPolicyName"] = boundary.arn(stage).partition(":policy/")[2]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"What deployments of {stage.name} may do, and what its roles may at most",
        "Resources": {"Boundary": limit, **policies},
        "Outputs": {"ExecutionPolicies": {"Value": arns}},
    }


def _policy(statements: list[Json]) -> Json:
    if (length := _length(statements)) > _MAX_CHARACTERS:
        raise ValueError(f"a policy must have at most {_MAX_CHARACTERS} characters, got {length}")
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "PolicyDocument": {"Version": "2012-10-17", "Statement": _substituted(statements)},
        },
    }


def _packed(statements: list[Json]) -> Iterator[list[Json]]:
    """Fill one policy after the other."""
    policy: list[Json] = []
    for statement in statements:
        if policy and _length([*policy, statement]) > _MAX_CHARACTERS:
            yield policy
            policy = []
        policy.append(statement)
    yield policy


def _length(statements: list[Json]) -> int:
    document = {"Version": "2012-10-17", "Statement": statements}
    text = json.dumps(document, separators=(",", ":"))
    for pseudo_parameter, longest in _PLACE.items():
        text = text.replace(pseudo_parameter, longest)
    return len(text)


def _substituted(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Let CloudFormation fill in where it is."""
    match value:
        case str():
            return {"Fn::Sub": value} if "${" in value else value
        case list():
            return [_substituted(item) for item in value]
        case dict():
            return {key: _substituted(item) for key, item in value.items()}
    return value
