"""A deployed environment, read through its stacks with the caller's credentials."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import boto3
from botocore.exceptions import ClientError

Client: TypeAlias = Any  # boto3 has no types

_POLICIES = Path(__file__).parents[1] / "bootstrap"


@cache
def client(service: str, region: str | None = None) -> Client:
    """Return a client with the shell's credentials, in the shell's region unless given one."""
    return boto3.client(service, region_name=region)


def policy_files() -> dict[str, Path]:
    """Return each declared environment's deployment policies, by its name."""
    return {file.stem: file for file in sorted(_POLICIES.glob("*.json"))}


class Outputs(dict[str, str]):
    """A stack's outputs by key; a missing one raises SystemExit and says what to do."""

    def __init__(self, stack: Mapping[str, Any]) -> None:
        super().__init__((o["OutputKey"], o["OutputValue"]) for o in stack.get("Outputs", []))
        self._stack = stack["StackName"]

    def __missing__(self, key: str) -> str:
        raise SystemExit(
            f"stack {self._stack} has no output {key}: it was deployed before this verb needed"
            " it, so deploy it again"
        )


@dataclass(frozen=True)
class Environment:
    """One environment: `name` as in stacks/environments.py, `client` makes its AWS clients."""

    name: str
    client: Callable[..., Client] = client

    def stack_name(self, stack: str) -> str:
        """Return the name that CloudFormation knows one of the environment's stacks by."""
        return f"{self.name.capitalize()}-{stack}"

    def describe(self, stack: str) -> dict[str, Any]:
        """Return the description of a stack; raises SystemExit if it is not deployed."""
        name = self.stack_name(stack)
        cloudformation = self.client("cloudformation")
        try:
            found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            raise SystemExit(self._not_deployed(name)) from error
        return found

    def outputs(self, stack: str) -> Outputs:
        """Return the outputs of a stack; raises SystemExit if it is not deployed."""
        return Outputs(self.describe(stack))

    def _not_deployed(self, stack: str) -> str:
        if self.name == "local":
            return f"stack {stack} is not deployed: `make up` deploys it"
        declared = policy_files()
        if self.name not in declared:
            return f"ENV must be one of {', '.join(declared)}, got {self.name!r}"
        return (
            f"stack {stack} is not deployed in this account and region: set the environment's"
            f" credentials and AWS_REGION, or run cdk deploy '{self.name.capitalize()}/*'"
        )
