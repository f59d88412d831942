"""A deployed environment, read through its stacks with the caller's credentials."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, TypeAlias

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stacks.accounts import Accounts, Place, read_accounts

Client: TypeAlias = Any  # boto3 has no types


@cache
def client(service: str, region: str | None = None) -> Client:
    """Return a client with the shell's credentials; raises SystemExit if they cannot be read."""
    try:
        return boto3.client(service, region_name=region)
    except (BotoCoreError, ClientError):
        raise
    except Exception as error:
        # botocore checks few of its settings, and its own errors are for few of them.
        raise SystemExit(
            f"AWS's settings on this machine cannot be used, {type(error).__name__}: {error}\n"
            "fix the AWS_ variables of this shell, or the files in ~/.aws"
        ) from error


def assumed_client(service: str, region: str, credentials: Mapping[str, str]) -> Client:
    """Return a client with the credentials of a role that was assumed."""
    return boto3.client(
        service,
        region_name=region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def find_stack(cloudformation: Client, name: str) -> dict[str, Any] | None:
    """Return the description of a stack; None if it is not deployed."""
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    return found


def stack_status(cloudformation: Client, name: str) -> str | None:
    """Return the status of a stack; None if it is not deployed."""
    found = find_stack(cloudformation, name)
    return None if found is None else str(found["StackStatus"])


class _Values(dict[str, str]):
    """Values of a stack by key; a missing one raises SystemExit and says what to do."""

    _kind: ClassVar[str]

    def __init__(self, stack: Mapping[str, Any]) -> None:
        found, kind = stack.get(f"{self._kind}s", []), self._kind
        super().__init__((each[f"{kind}Key"], each[f"{kind}Value"]) for each in found)
        self._stack = stack["StackName"]

    def __missing__(self, key: str) -> str:
        raise SystemExit(
            f"stack {self._stack} has no {self._kind.lower()} {key}: it was deployed by an earlier"
            " version, so deploy it again"
        )


class Outputs(_Values):
    """A stack's outputs."""

    _kind = "Output"


class Parameters(_Values):
    """The values of a stack's parameters."""

    _kind = "Parameter"


@dataclass(frozen=True)
class Environment:
    """One environment: `name` is its stage's, in lower case, and `client` makes AWS clients.

    `endpoint_url` is where an emulator answers instead of AWS.
    """

    name: str
    client: Callable[..., Client] = client
    endpoint_url: str | None = None

    def stack_name(self, stack: str) -> str:
        """Return the name that CloudFormation knows one of the environment's stacks by."""
        return f"{self.name.capitalize()}-{stack}"

    def describe(self, stack: str) -> dict[str, Any]:
        """Return the description of a stack; raises SystemExit if it is not deployed."""
        name = self.stack_name(stack)
        found = find_stack(self.client("cloudformation"), name)
        if found is None:
            raise SystemExit(self._not_deployed(name))
        return found

    def outputs(self, stack: str) -> Outputs:
        """Return the outputs of a stack; raises SystemExit if it is not deployed."""
        return Outputs(self.describe(stack))

    def parameter(self, name: str) -> str:
        """Return the value of a parameter of the serving stack; raises SystemExit without one."""
        return Parameters(self.describe("Serving"))[name]

    def is_deployed(self, stack: str) -> bool:
        """Return whether one of the environment's stacks is deployed."""
        return find_stack(self.client("cloudformation"), self.stack_name(stack)) is not None

    def _not_deployed(self, stack: str) -> str:
        if stack.endswith("-Weights"):
            return f"stack {stack} is not deployed: an environment with staged weights has it"
        if stack == "Local-Training" and self.is_deployed("Serving"):
            return (
                f"stack {stack} is not deployed: a MODEL of your own is served as it is; `make up`"
                " without it serves the packaged model, which can be tuned"
            )
        if self.name == "local":
            return f"stack {stack} is not deployed: `make up` deploys it"
        return (
            f"stack {stack} is not deployed in this account and region: set the environment's"
            f" credentials, and its region in accounts.toml or {self.name.upper()}_REGION, or run"
            f" `make deploy ENV={self.name}`"
        )


def placed(name: str) -> Place:
    """Return where accounts.toml and the shell place an environment; raises SystemExit."""
    return accounts().place(name)


def accounts() -> Accounts:
    """Return what accounts.toml says; raises SystemExit."""
    try:
        return read_accounts(os.environ)
    except ValueError as error:
        raise SystemExit(str(error)) from error


def shell_environment(name: str) -> Environment:
    """Return the environment in its own region, with the shell's credentials and endpoint."""
    # Synth reads the same; the CDK CLI reads AWS_REGION, which boto3 itself does not.
    own = placed(name).region or os.environ.get("AWS_REGION") or None
    return Environment(
        name,
        client=lambda service, region=None: client(service, region or own),
        endpoint_url=os.environ.get("AWS_ENDPOINT_URL"),
    )
