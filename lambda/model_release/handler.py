"""The release function: handles SQS messages that request a release or report a stack update."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3

from model_release.errors import ReleaseBlockedError, ReleaseRefusedError, ReleaseWaitsError
from model_release.packages.checks import PackageChecks
from model_release.packages.registry import LOWERED, Package, Registry
from model_release.queue.callback import CallbackSteps
from model_release.queue.messages import Approval, PipelineRequest, Release, StackNews, read_message
from model_release.serving.endpoint import ServingEndpoint
from model_release.serving.failures import advice
from model_release.serving.stack import BROKEN, ServingStack
from model_release.settings import Settings

# An approval of what is approved already is no change that SageMaker must report.
_RETRY = "to retry, set the package to PendingManualApproval and approve it again"
_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Handle a batch of messages; Lambda returns those that wait to the queue."""
    del context
    return _releases().handle(event["Records"])


@cache
def _releases() -> "Releases":
    clients = (boto3.client(service) for service in ("cloudformation", "sagemaker", "s3"))
    return Releases(Settings.from_environment(os.environ), *clients)


class Releases:
    """The releases to one endpoint, from their request to the end of the stack update."""

    def __init__(self, settings: Settings, cloudformation: Any, sagemaker: Any, s3: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self._max_attempts = settings.max_attempts
        self._stack = ServingStack(cloudformation, settings)
        self._endpoint = ServingEndpoint(sagemaker, settings.endpoint_name)
        self._registry = Registry(sagemaker, settings.package_arn_prefix)
        self._steps = CallbackSteps(sagemaker)
        self._checks = PackageChecks(settings, s3)

    def handle(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Handle each message, and name those that must wait for the stack or the endpoint."""
        waiting = []
        for record in records:
            attempt = int(record["attributes"]["ApproximateReceiveCount"])
            try:
                self._handle(record["body"], is_last=attempt >= self._max_attempts)
            except ReleaseWaitsError:
                waiting.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": waiting}

    def _handle(self, body: str, *, is_last: bool) -> None:
        match read_message(body):
            case PipelineRequest() as request:
                with self._giving_up(request.release, is_last=is_last):
                    self._answer(request)
            case Approval() as approval:
                with self._giving_up(approval.release, is_last=is_last):
                    self._release_approved(approval)
            case StackNews(release=Release() as release) as news:
                with self._giving_up(release, is_last=is_last):
                    self._report(release, news)
            case StackNews():
                pass  # somebody else's update: a deployment's, or an operator's

    def _answer(self, request: PipelineRequest) -> None:
        """Release a pipeline's package, or tell its step why not now."""
        release, package = request.release, self._registry.package(request.release.version)
        is_approved = package.status == "Approved"
        if is_approved and request.is_stopping:
            # The end of an update that was started comes as its own news.
            if not self._stack.has_begun(release.token):
                raise ReleaseRefusedError("the execution was stopped before its release began")
        elif is_approved and not self._steps.is_executing(request.execution_arn):
            return
        elif lowered := _newly_lowered(package):
            self._registry.hold(package, lowered)
            self._succeed(release)
        elif is_approved:
            self._begin(release, package)
        else:
            self._succeed(release)  # the pipeline is done: a person's approval releases it

    def _release_approved(self, approval: Approval) -> None:
        if approval.is_edit:
            return
        package = self._registry.package(approval.release.version)
        if package.status != "Approved":
            return  # withdrawn since
        if not approval.changed_fields and package.was_registered_as_approved:
            return  # the pipeline requests this one itself
        self._begin(approval.release, package)

    def _begin(self, release: Release, package: Package) -> None:
        self._checks.check(package)
        if self._stack.has_begun(release.token):
            return  # the same message once more: the end of the update comes as its own news
        self._endpoint.check_settled()
        begun = self._stack.release(package.arn, release.token)
        _log.info(
            "%s: %s", release.token, "begun" if begun else "the stack has this package already"
        )
        if not begun:
            self._confirm(release)

    def _report(self, release: Release, news: StackNews) -> None:
        """Tell the pipeline, or the registry, how a release ended."""
        if news.status == "UPDATE_COMPLETE":
            self._confirm(release)
            return
        cause = self._stack.failure_reason(news.stack_id, release.token) or news.reason
        if news.status == BROKEN:
            raise ReleaseBlockedError(f"{self._stack.repair}; the update failed with {cause}")
        reason = f"{news.status}: {cause}"
        if help_ := advice(cause):
            raise ReleaseBlockedError(f"{help_}; {reason}")
        raise ReleaseRefusedError(reason)

    def _confirm(self, release: Release) -> None:
        """Report success if the endpoint serves what the stack says: SageMaker may roll back."""
        wanted, served = self._registry.arn(release.version), self._endpoint.served_package()
        if served == wanted:
            self._registry.mark_served(release.version)
            self._succeed(release)
            return
        self._endpoint.check_settled()
        if (said := self._stack.package()) != wanted:
            raise ReleaseBlockedError(f"the stack was updated to {_named(said)} meanwhile")
        raise ReleaseRefusedError(
            f"the stack says {wanted}, but the endpoint serves {_named(served)}: SageMaker"
            " rolled the update back"
        )

    @contextmanager
    def _giving_up(self, release: Release, *, is_last: bool) -> Iterator[None]:
        """Give a release up when it cannot go on, and on any error of the last attempt."""
        try:
            yield
        except ReleaseRefusedError as error:
            self._give_up(release, str(error))
        except ReleaseBlockedError as error:
            self._leave_approved(release, str(error))
        except ReleaseWaitsError as error:
            if not is_last:
                _log.info("%s waits: %s", release.token, error)
                raise
            self._leave_approved(release, f"{error} and stayed busy: release the model again later")
        except Exception as error:
            if not is_last:
                raise  # the queue delivers the message again
            _log.exception("%s", release.token)
            self._give_up(release, f"the release did not work: {error}")

    def _give_up(self, release: Release, reason: str) -> None:
        self._fail(release, reason)
        self._registry.reject(release.version, reason)

    def _leave_approved(self, release: Release, reason: str) -> None:
        """Fail a release that is not its package's fault."""
        self._fail(release, reason)
        self._registry.note(release.version, f"{reason}; {_RETRY}")

    def _fail(self, release: Release, reason: str) -> None:
        _log.warning("%s: %s", release.token, reason)
        if release.callback:
            self._steps.fail(release.callback, reason)

    def _succeed(self, release: Release) -> None:
        if release.callback:
            self._steps.succeed(release.callback)


def _named(package_arn: str | None) -> str:
    return "what the update replaced" if package_arn is None else package_arn or "the base weights"


def _newly_lowered(package: Package) -> str:
    """Return what of the gate was lowered, unless it is recorded or the package is rejected."""
    if LOWERED in package.metadata or package.status == "Rejected":
        return ""
    return package.lowered_gate
