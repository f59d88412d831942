"""A pipeline's callback step: whether it still waits, and the answer that ends it."""

import logging
from typing import Any

from botocore.exceptions import ClientError

_MAX_REASON_LENGTH = 256  # SageMaker's limit
_log = logging.getLogger(__name__)


class CallbackSteps:
    """The callback steps of the account's pipelines."""

    def __init__(self, sagemaker: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self._sagemaker = sagemaker

    def is_executing(self, execution_arn: str) -> bool:
        """Return whether the execution still runs, so that its step waits for a release."""
        execution = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
        return bool(execution["PipelineExecutionStatus"] == "Executing")

    def succeed(self, token: str) -> None:
        """End the step as succeeded."""
        self._answer("send_pipeline_execution_step_success", CallbackToken=token)

    def fail(self, token: str, reason: str) -> None:
        """End the step as failed, for a reason."""
        self._answer(
            "send_pipeline_execution_step_failure",
            CallbackToken=token,
            FailureReason=reason[:_MAX_REASON_LENGTH],
        )

    def _answer(self, operation: str, **arguments: str) -> None:
        try:
            getattr(self._sagemaker, operation)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
                raise
            # Answered before: the queue may deliver a message or an event twice.
            _log.warning("no step waits with token %s: %s", arguments["CallbackToken"], error)
