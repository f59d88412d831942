"""Updates of an environment's serving stack: one at a time, watched to their end."""

import time
import uuid
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from operate.environment import Client, Environment, stack_status
from operate.failures import watching
from operate.polling import polled

PACKAGE, INSTANCE_TYPE, SCALING = "ModelPackageArn", "InstanceType", "Scaling"
UNGUARDED = "Unguarded"
POLL_SECONDS = 2.0
_SETTLED_LOOKS = 2  # without a new event: the last one may come after the status


class Ended(NamedTuple):
    """The status that an update ended with, and its events, newest first."""

    status: str
    events: list[dict[str, Any]]

    def check(self, what: str) -> None:
        """Raise SystemExit, which begins with `what`, unless the update was made."""
        if self.status != "UPDATE_COMPLETE":
            raise SystemExit(f"{what}, {self.status}: {_first_failure(self.events)}")


def served_package(environment: Environment) -> str:
    """Return the ARN of the package that the stack serves, empty for the base weights."""
    return environment.parameter(PACKAGE)


def serve_package(
    environment: Environment,
    package_arn: str,
    every: float = POLL_SECONDS,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Update the stack to serve a package, and wait; raises SystemExit if that fails.

    `beside` has what other parameters get with it.
    """
    ended = update(
        environment,
        environment.client("cloudformation"),
        role_arn=environment.outputs("Training")["ReleaseRoleArn"],
        values={PACKAGE: package_arn, **beside},
        rejoin=f"`make drift ENV={environment.name}` says what is served when it has ended",
        every=every,
    )
    ended.check("the model was not changed")


def update(
    environment: Environment,
    cloudformation: Client,
    *,
    role_arn: str,
    values: Mapping[str, str],
    rejoin: str,
    every: float,
) -> Ended:
    """Give the deployed template other values under a role, and watch the update to its end."""
    found = environment.describe("Serving")
    stack, token = str(found["StackName"]), f"operate-{uuid.uuid4().hex}"
    try:
        cloudformation.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Parameters=[_value(p["ParameterKey"], values) for p in found["Parameters"]],
            Capabilities=["CAPABILITY_IAM"],
            RoleARN=role_arn,
            ClientRequestToken=token,
        )
    except ClientError as error:
        raise SystemExit(f"{stack} cannot be updated: {error}") from error
    with watching(f"the update of {stack}", rejoin):
        return watch_update(cloudformation, stack, token, every)


def _value(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    if name in values:
        return {"ParameterKey": name, "ParameterValue": values[name]}
    return {"ParameterKey": name, "UsePreviousValue": True}


def watch_update(cloudformation: Client, stack: str, token: str, every: float) -> Ended:
    """Print the progress of one operation, and return how it ended.

    The stack's own status may still be that of an older one.
    """
    status, shown, settled_looks = "", "", 0
    events: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    for events in polled(partial(_events, cloudformation, stack, token), every=every):
        status = next((e["ResourceStatus"] for e in events if _is_of_stack(e)), "")
        if status != shown:
            print(f"{time.strftime('%H:%M:%S')} {stack} {status}", flush=True)
            shown = status
        if status and not status.endswith("_IN_PROGRESS"):
            break
        # An embedded AWS that is stopped meanwhile settles the stack, and tells it by no event.
        found = stack_status(cloudformation, stack) if status and events == seen else None
        settled_looks = settled_looks + 1 if found and not found.endswith("_IN_PROGRESS") else 0
        if found and settled_looks == _SETTLED_LOOKS:
            status = found
            break
        seen = events
    return Ended(status, events)


def _events(cloudformation: Client, stack: str, token: str) -> list[dict[str, Any]]:
    """Return the update's own events, newest first: one page holds more than an update has."""
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [event for event in events if event.get("ClientRequestToken") == token]


def _is_of_stack(event: dict[str, Any]) -> bool:
    return bool(event["ResourceType"] == "AWS::CloudFormation::Stack")


def _first_failure(events: list[dict[str, Any]]) -> str:
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    if not failed:
        return "see the stack's events"
    return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason', '')}"
