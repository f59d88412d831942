"""An environment as deployed: read from its stacks' outputs, by whoever has credentials for it."""

from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError


@cache
def client(service: str, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 has no types
    """A client of the credentials that the shell gives, and of its region, if of no other."""
    return boto3.client(service, region_name=region)


def stack_name(environment: str, stack: str) -> str:
    """The name that CloudFormation knows one of the environment's stacks by."""
    return f"{environment.capitalize()}-{stack}"


def describe(environment: str, stack: str) -> dict[str, Any]:
    """One of the environment's stacks; raises SystemExit when it cannot be read."""
    name = stack_name(environment, stack)
    try:
        found: dict[str, Any] = client("cloudformation").describe_stacks(StackName=name)["Stacks"][
            0
        ]
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(
            f"stack {name} cannot be read: {error}\n"
            "set the credentials and the region (AWS_REGION) of the environment, or deploy it first"
        ) from error
    return found


def outputs(environment: str, stack: str) -> dict[str, str]:
    """The outputs of one of the environment's stacks; raises SystemExit when it cannot be read."""
    found = describe(environment, stack)
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
