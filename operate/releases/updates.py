"""Updates of an environment's serving stack: one at a time, watched to their end."""

import time
import uuid
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from operate.environment import Client, Environment
from operate.failures import watching
from operate.polling import polled

_PARAMETER = "ModelPackageArn"
POLL_SECONDS = 2.0


def served_package(environment: Environment) -> str:
    """Return the ARN of the package that the stack serves, empty for the base weights."""
    parameters = environment.describe("Serving")["Parameters"]
    return next(str(p["ParameterValue"]) for p in parameters if p["ParameterKey"] == _PARAMETER)


def serve_package(environment: Environment, package_arn: str, every: float = POLL_SECONDS) -> None:
    """Update the stack to serve a package, and wait; raises SystemExit if that fails."""
    found = environment.describe("Serving")
    role = environment.outputs("Training")["ReleaseRoleArn"]
    parameters: list[dict[str, Any]] = [
        {"ParameterKey": _PARAMETER, "ParameterValue": package_arn}
        if parameter["ParameterKey"] == _PARAMETER
        else {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
        for parameter in found["Parameters"]
    ]
    token = f"operate-{uuid.uuid4().hex}"
    try:
        environment.client("cloudformation").update_stack(
            StackName=found["StackName"],
            UsePreviousTemplate=True,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM"],
            RoleARN=role,
            ClientRequestToken=token,
        )
    except ClientError as error:
        raise SystemExit(f"{found['StackName']} cannot be updated: {error}") from error
    with watching(
        f"the update of {found['StackName']}",
        f"`make drift ENV={environment.name}` says what is served when it has ended",
    ):
        status, events = watch_update(
            environment.client("cloudformation"), str(found["StackName"]), token, every
        )
    if status != "UPDATE_COMPLETE":
        raise SystemExit(f"the model was not changed, {status}: {_first_failure(events)}")


def watch_update(
    cloudformation: Client, stack: str, token: str, every: float
) -> tuple[str, list[dict[str, Any]]]:
    """Print the progress of one operation; return the status that it ends with, and its events.

    The stack's own status may still be that of an older one.
    """
    status, shown = "", ""
    events: list[dict[str, Any]] = []
    for events in polled(partial(_events, cloudformation, stack, token), every=every):
        status = next((e["ResourceStatus"] for e in events if _is_of_stack(e)), "")
        if status != shown:
            print(f"{time.strftime('%H:%M:%S')} {stack} {status}", flush=True)
            shown = status
        if status and not status.endswith("_IN_PROGRESS"):
            break
    return status, events


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
