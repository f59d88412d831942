"""The Lambda function: each message of the queue is a wish for a release, or news of one."""

import json
import logging
import os
from typing import Any

from model_release import callback, gate, registry, serving_stack
from model_release.checks import check_package
from model_release.release import Release, ReleaseRefusedError
from model_release.serving_stack import StackBusyError

_STACK_EVENT = "CloudFormation Stack Status Change"
_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Handle the messages; those of releases that must wait go back to the queue."""
    del context
    waiting = []
    for record in event["Records"]:
        message = json.loads(record["body"])
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        if message.get("detail-type") == _STACK_EVENT:
            _report(message["detail"])
        elif not _fulfil(message, is_last=attempt >= int(os.environ["ATTEMPTS"])):
            waiting.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": waiting}


def _fulfil(message: dict[str, Any], *, is_last: bool) -> bool:
    """Begin what a message asks for, or give it up; return False where it must wait."""
    is_callback = "token" in message
    release = Release.of_callback(message) if is_callback else Release.of_approval(message)
    try:
        (_call_back if is_callback else _release_approved)(message, release)
    except ReleaseRefusedError as error:
        _give_up(release, str(error))
    except StackBusyError as error:
        if not is_last:
            _log.info("%s waits: %s", release.token, error)
            return False
        _give_up(release, f"{error} and stayed busy: release it again later")
    except Exception as error:
        if not is_last:
            raise  # the queue delivers the message again
        _log.exception("%s", release.token)
        _give_up(release, f"the release could not begin: {error}")
    return True


def _call_back(message: dict[str, Any], release: Release) -> None:
    token = message["token"]
    package = registry.describe(release.package_arn)
    is_approved = package["ModelApprovalStatus"] == "Approved"
    if is_approved and message.get("status") == "Stopping":
        # An update that began is ended by its own news.
        if not serving_stack.began(_stack(), release.token):
            raise ReleaseRefusedError("the execution was stopped before its release began")
    elif is_approved and not callback.is_wanted(message["pipelineExecutionArn"]):
        return
    elif lowered := _newly_lowered(package):
        registry.hold(package, lowered)
        callback.succeed(token)
    elif is_approved:
        _begin(release, package)
    else:
        callback.succeed(token)  # the pipeline's work is done: a person's approval releases it


def _newly_lowered(package: dict[str, Any]) -> str:
    """Return what of the package's gate was lowered, if nobody was told and it is not rejected."""
    metadata = package.get("CustomerMetadataProperties", {})
    if gate.LOWERED in metadata or package["ModelApprovalStatus"] == "Rejected":
        return ""
    return gate.lowered(metadata)


def _release_approved(event: dict[str, Any], release: Release) -> None:
    changed = event["detail"].get("UpdatedModelPackageFields")
    if changed and "ModelApprovalStatus" not in changed:
        return  # its description or the like was edited
    package = registry.describe(release.package_arn)
    if package["ModelApprovalStatus"] != "Approved":
        return  # not any more
    if not changed and _is_released_by_pipeline(package):
        return
    _begin(release, package)


def _is_released_by_pipeline(package: dict[str, Any]) -> bool:
    """Return whether the package was approved by its registration."""
    metadata = package.get("CustomerMetadataProperties", {})
    return bool(metadata.get("approval_at_registration") == "Approved")


def _begin(release: Release, package: dict[str, Any]) -> None:
    check_package(package)
    begun = serving_stack.release(_stack(), release.package_arn, release.token)
    _log.info("%s: %s", release.token, "begun" if begun else "served already")
    if not begun and release.callback:
        callback.succeed(release.callback)


def _report(detail: dict[str, Any]) -> None:
    release = Release.of_token(detail.get("client-request-token") or "")
    if release is None:
        return  # another's update: a deployment's, or an operator's
    status = detail["status-details"]["status"]
    if status == "UPDATE_COMPLETE":
        if release.callback:
            callback.succeed(release.callback)
        return
    reason = serving_stack.why_failed(detail["stack-id"], release.token)
    _give_up(release, f"{status}: {reason or detail['status-details'].get('status-reason', '')}")


def _give_up(release: Release, reason: str) -> None:
    _log.warning("%s: %s", release.token, reason)
    if release.callback:
        callback.fail(release.callback, reason)
    registry.reject(release.package_arn, reason)


def _stack() -> str:
    return os.environ["SERVING_STACK"]
