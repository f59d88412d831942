"""A stage's execution policy as it is deployed, judged by ministack's evaluator of IAM."""

from collections.abc import Iterable
from typing import Any

from ministack.core import iam_evaluator

from bootstrap.stage import Stage
from bootstrap.template import template
from tests.infrastructure.deployment_calls import ACCOUNT, REGION, Call


def policies(stage: Stage) -> dict[str, list[Any]]:
    """Return the deployed documents' statements, by their logical ids."""
    return {
        logical_id: filled_in(resource["Properties"]["PolicyDocument"]["Statement"])
        for logical_id, resource in template(stage)["Resources"].items()
    }


def execution_statements(stage: Stage) -> list[Any]:
    """Return what CloudFormation may do."""
    of_stage = policies(stage).items()
    return [each for name, statements in of_stage if name != "Boundary" for each in statements]


def filled_in(value: Any) -> Any:
    """Return what CloudFormation makes of a document."""
    match value:
        case {"Fn::Sub": str(text)}:
            for name, given in (("Partition", "aws"), ("Region", REGION), ("AccountId", ACCOUNT)):
                text = text.replace(f"${{AWS::{name}}}", given)
            return text
        case list():
            return [filled_in(item) for item in value]
        case dict():
            return {key: filled_in(item) for key, item in value.items()}
    return value


def is_allowed(statements: list[Any], action: str, resource: str, context: dict[str, str]) -> bool:
    """Tell whether the statements allow a call."""
    return _permits(_parsed(statements), action, resource, context)


def refused(made: Iterable[Call], statements: list[Any]) -> set[str]:
    """Return the types that do not deploy, with the calls that are refused."""
    policy = _parsed(statements)
    return {
        f"{call.type}: {call.action} on {call.resource}"
        for call in made
        if not _permits(policy, call.action, call.resource, call.context)
    }


def _parsed(statements: list[Any]) -> Any:
    return iam_evaluator.parse_policy_document({"Version": "2012-10-17", "Statement": statements})


def _permits(policy: Any, action: str, resource: str, context: dict[str, str]) -> bool:
    call = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/cdk-cfn-exec-role/AWSCloudFormation",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context=context,
    )
    return bool(iam_evaluator.evaluate(call, [policy]).decision == "Allow")
