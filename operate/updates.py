"""Updates of an environment's serving stack: one at a time, watched to their end."""

import time
from typing import Any

from botocore.exceptions import ClientError

from operate.stacks import client, describe, stack_name

_PARAMETER = "ModelPackageArn"
_POLL_SECONDS = 2.0


def served_package(environment: str) -> str:
    """The ARN of the package that the stack says is served, or nothing for the base weights."""
    parameters = describe(environment, "Serving")["Parameters"]
    return next(str(p["ParameterValue"]) for p in parameters if p["ParameterKey"] == _PARAMETER)


def serve_package(environment: str, package_arn: str) -> None:
    """Update the stack to serve a package and wait; raises SystemExit when it cannot, or fails."""
    found = describe(environment, "Serving")
    parameters: list[dict[str, Any]] = [
        {"ParameterKey": _PARAMETER, "ParameterValue": package_arn}
        if parameter["ParameterKey"] == _PARAMETER
        else {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
        for parameter in found["Parameters"]
    ]
    try:
        client("cloudformation").update_stack(
            StackName=found["StackName"],
            UsePreviousTemplate=True,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM"],
        )
    except ClientError as error:
        raise SystemExit(f"{found['StackName']} takes no update: {error}") from error
    _watch(environment)


def _watch(environment: str) -> None:
    status = ""
    while True:
        stack = describe(environment, "Serving")
        if stack["StackStatus"] != status:
            status = stack["StackStatus"]
            print(f"{time.strftime('%H:%M:%S')} {stack_name(environment, 'Serving')} {status}")
        if not status.endswith("_IN_PROGRESS"):
            break
        time.sleep(_POLL_SECONDS)
    if status != "UPDATE_COMPLETE":
        reason = stack.get("StackStatusReason", "see the stack's events")
        raise SystemExit(f"the model was not changed, {status}: {reason}")
