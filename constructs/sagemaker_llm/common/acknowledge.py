"""Acknowledgements of findings: by their exact id, on one resource, with a reason."""

import json
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(construct: IConstruct, finding: str, *, reason: str) -> None:
    """Accept one finding of cdk-nag's AwsSolutions rules, for a reason a reviewer can check."""
    acknowledgment = cdk.Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
    cdk.Validations.of(construct).acknowledge(acknowledgment)


def acknowledge_scan(construct: IConstruct, finding: str, *, reason: str) -> None:
    """Accept one finding of `make scan`, such as `Checkov::CKV_AWS_117`, on all of a construct."""
    acknowledgment = cdk.Acknowledgment(id=finding, reason=reason)
    cdk.Validations.of(construct).acknowledge(acknowledgment)


def acknowledge_schema(construct: IConstruct, rule: str, *, reason: str) -> None:
    """Accept one finding of the CDK's own check against CloudFormation's schemas."""
    acknowledgment = cdk.Acknowledgment(id=f"CloudFormation-Validate::{rule}", reason=reason)
    cdk.Validations.of(construct).acknowledge(acknowledgment)


def acknowledge_wildcard(construct: IConstruct, resource: str, *, reason: str) -> None:
    """Accept that a policy of the construct names a resource, `*` or an ARN, with a wildcard."""
    acknowledge(construct, f"IAM5[Resource::{_as_found(construct, resource)}]", reason=reason)


def _as_found(construct: IConstruct, arn: str) -> str:
    """Write an ARN as cdk-nag does: a reference is `<AWS::Region>`, an attribute `<Key.Arn>`.

    Any other function is its JSON.
    """
    resolved = cdk.Stack.of(construct).resolve(arn)
    parts = [resolved] if not isinstance(resolved, dict) else resolved["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else _token(part) for part in parts)


def _token(part: dict[str, Any]) -> str:
    if "Ref" in part:
        return f"<{part['Ref']}>"
    if "Fn::GetAtt" in part:
        return f"<{'.'.join(part['Fn::GetAtt'])}>"
    return json.dumps(part, separators=(",", ":"))
