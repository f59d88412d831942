"""The serving stack: whether it can be updated, its update, and why an update failed."""

import os
from typing import Any

from botocore.exceptions import ClientError

from model_release.clients import cloudformation
from model_release.release import ReleaseRefusedError

_PARAMETER = "ModelPackageArn"
_UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_FINAL = ("ValidationError", "AccessDenied", "AccessDeniedException")  # no wait mends them
_CANCELLED = ("Resource update cancelled", "Resource creation cancelled")


class StackBusyError(Exception):
    """The stack is being changed: ask again later."""


def release(stack: str, package_arn: str, token: str) -> bool:
    """Begin to serve a package; return False where the stack serves it already."""
    try:
        found = cloudformation().describe_stacks(StackName=stack)["Stacks"][0]
        if _is_busy(stack, found["StackStatus"]):
            if began(stack, token):
                return True  # the same message once more
            raise StackBusyError(f"stack {stack} is in {found['StackStatus']}")
        cloudformation().update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Parameters=[_parameter(p["ParameterKey"], package_arn) for p in found["Parameters"]],
            Capabilities=["CAPABILITY_IAM"],
            RoleARN=os.environ["SERVICE_ROLE"],
            ClientRequestToken=token,
        )
    except ClientError as error:
        return _began(stack, error)
    return True


def began(stack: str, token: str) -> bool:
    """Return whether an update with this token was begun."""
    return any(event.get("ClientRequestToken") == token for event in _events(stack))


def why_failed(stack_id: str, token: str) -> str:
    """Return what CloudFormation says of the first resource that could not be updated."""
    causes = [
        f"{event['LogicalResourceId']}: {reason}"
        for event in _events(stack_id)
        if event.get("ClientRequestToken") == token
        and event["ResourceStatus"].endswith("_FAILED")
        and (reason := event.get("ResourceStatusReason", ""))
        and not reason.startswith(_CANCELLED)
    ]
    return causes[-1] if causes else ""  # events come newest first


def _is_busy(stack: str, status: str) -> bool:
    if status.endswith("_IN_PROGRESS"):
        return True
    if status not in _UPDATABLE:
        raise ReleaseRefusedError(
            f"stack {stack} must be repaired before a release, it is {status}"
        )
    return False


def _parameter(name: str, package_arn: str) -> dict[str, Any]:
    if name == _PARAMETER:
        return {"ParameterKey": name, "ParameterValue": package_arn}
    return {"ParameterKey": name, "UsePreviousValue": True}


def _began(stack: str, error: ClientError) -> bool:
    """Tell the refusals apart that CloudFormation words, and does not number."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code == "TokenAlreadyExistsException":
        return True  # the same message once more
    if "No updates are to be performed" in message:
        return False
    if "_IN_PROGRESS state" in message:
        raise StackBusyError(f"stack {stack}: {message}") from error
    if code in _FINAL:
        raise ReleaseRefusedError(f"stack {stack}: {message}") from error
    raise error


def _events(stack: str) -> list[dict[str, Any]]:
    """Return the newest page of events, which is more than one update of this stack has."""
    answer = cloudformation().describe_stack_events(StackName=stack)
    events: list[dict[str, Any]] = answer["StackEvents"]
    return events
