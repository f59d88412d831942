"""The CDK's bootstrap template, in which an environment's deployments change its stacks only."""

import json
from collections.abc import Callable, Iterator
from tempfile import TemporaryFile
from typing import Any

from operate.cdk_cli import NO_PROFILE

Json = dict[str, Any]

_SHOW = ["bootstrap", "--show-template", "--json", "--app", "", "--no-notices", NO_PROFILE]
_DEPLOYER = "DeploymentActionRole"
POLICY = "default"  # of that role


def shown(run_cdk: Callable[..., int]) -> Json:
    """Return the template that the CDK CLI has; raises SystemExit if it does not show it."""
    with TemporaryFile("w+") as file:
        if run_cdk(_SHOW, file):
            raise SystemExit("`cdk bootstrap --show-template` failed: see above")
        file.seek(0)
        template: Json = json.load(file)
    return template


def narrow(template: Json, stage: str) -> None:
    """Let the role that deploys write the stage's stacks, where the CDK lets it write any.

    A stack keeps the role that it was deployed with, so whoever may update it has that role's
    rights: those of another environment, or of another project in the account. Nor may it write
    the stacks of its own bootstrap, whose parameters the next bootstrap takes over.
    """
    for document in _documents(template):
        statements = document["Statement"]
        writes = [action for statement in statements for action in _of_stacks(statement)]
        document["Statement"] = [
            *(rest for statement in statements for rest in _without_stacks(statement)),
            {"Effect": "Allow", "Action": writes, "Resource": _stacks(f"{stage}-*")},
            {
                "Effect": "Deny",
                "Action": writes,
                "Resource": [_stacks(f"{stage}-{name}/*") for name in ("Bootstrap", "CDKToolkit")],
            },
        ]


def is_wide(document: Json) -> bool:
    """Return whether a policy lets a role write any stack."""
    return any(_of_stacks(statement) for statement in document["Statement"])


def _stacks(pattern: str) -> Json:
    place = "${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}"
    return {"Fn::Sub": f"arn:{place}:stack/{pattern}"}


def _without_stacks(statement: Json) -> Iterator[Json]:
    if not (writes := _of_stacks(statement)):
        yield statement
    elif rest := [action for action in statement["Action"] if action not in writes]:
        yield {**statement, "Action": rest}


def _of_stacks(statement: Json) -> list[str]:
    """Return the actions of CloudFormation that a statement allows on everything."""
    if statement["Effect"] != "Allow" or statement["Resource"] != "*":
        return []
    actions = statement["Action"]
    listed = actions if isinstance(actions, list) else [actions]
    return [action for action in listed if action.startswith("cloudformation:")]


def _documents(template: Json) -> list[Json]:
    policies = template["Resources"][_DEPLOYER]["Properties"]["Policies"]
    return [policy["PolicyDocument"] for policy in policies]
