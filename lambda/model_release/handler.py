"""The Lambda function: each message of the queue is a wish for a release, or news of one."""

import json
import logging
import os
from typing import Any

from model_release import callback, serving_stack
from model_release.clients import sagemaker
from model_release.serving_stack import ReleaseRefusedError, StackBusyError

_STACK_EVENT = "CloudFormation Stack Status Change"
_PACKAGE_EVENT = "SageMaker Model Package State Change"
_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Handle the messages; those of releases that must wait go back to the queue."""
    del context
    waiting = []
    for record in event["Records"]:
        try:
            _handle(json.loads(record["body"]), _attempt(record))
        except StackBusyError as error:
            _log.info("waiting: %s", error)
            waiting.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": waiting}


def _attempt(record: dict[str, Any]) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _handle(message: dict[str, Any], attempt: int) -> None:
    if "token" in message:
        _call_back(message, attempt)
    elif message["detail-type"] == _STACK_EVENT:
        _report(message["detail"])
    elif message["detail-type"] == _PACKAGE_EVENT:
        _release_approved(message["detail"], attempt)


def _call_back(message: dict[str, Any], attempt: int) -> None:
    token, package_arn = message["token"], message["arguments"]["model_package_arn"]
    stack = os.environ["SERVING_STACK"]
    if message.get("status") == "Stopping":
        if not serving_stack.began(stack, token):
            callback.fail(token, "the execution was stopped before its release began")
        return  # otherwise the end of the update is the answer
    if not callback.is_wanted(message["pipelineExecutionArn"]):
        return
    try:
        if not _release(package_arn, token, attempt):
            callback.succeed(token)
    except ReleaseRefusedError as error:
        callback.fail(token, str(error))


def _report(detail: dict[str, Any]) -> None:
    token, status = detail.get("client-request-token") or "", detail["status-details"]["status"]
    if not callback.is_token(token):
        return  # another's update: a deployment's, or a person's approval
    if status == "UPDATE_COMPLETE":
        callback.succeed(token)
        return
    reason = serving_stack.why_failed(detail["stack-id"], token)
    callback.fail(token, f"{status}: {reason or detail['status-details'].get('status-reason', '')}")


def _release_approved(detail: dict[str, Any], attempt: int) -> None:
    package_arn = detail["ModelPackageArn"]
    package = sagemaker().describe_model_package(ModelPackageName=package_arn)
    if package["ModelApprovalStatus"] != "Approved" or _is_released_by_pipeline(package):
        return
    version = package["ModelPackageVersion"]
    changed = int(package.get("LastModifiedTime", package["CreationTime"]).timestamp())
    try:
        # Not a callback's token, and the same when the event comes twice.
        begun = _release(package_arn, f"approval-{version}-{changed}", attempt)
        _log.info("release of version %s: %s", version, "begun" if begun else "served already")
    except ReleaseRefusedError:
        _log.exception("version %s is approved and not released", version)


def _is_released_by_pipeline(package: dict[str, Any]) -> bool:
    """Return whether the approval came with the registration, whose pipeline releases it itself."""
    metadata = package.get("CustomerMetadataProperties", {})
    registered_approved = metadata.get("approval_at_registration") == "Approved"
    return registered_approved and "LastModifiedTime" not in package


def _release(package_arn: str, token: str, attempt: int) -> bool:
    stack, most = os.environ["SERVING_STACK"], int(os.environ["ATTEMPTS"])
    try:
        return serving_stack.release(stack, package_arn, token)
    except StackBusyError as error:
        if attempt < most:
            raise
        raise ReleaseRefusedError(f"{error} and stayed busy for {attempt} attempts") from error
