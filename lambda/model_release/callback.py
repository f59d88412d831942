"""A pipeline's step that waits for its release: asked for by a message, ended by its token."""

import logging

from botocore.exceptions import ClientError

from model_release.clients import sagemaker

_LONGEST_REASON = 256  # SageMaker's limit
_log = logging.getLogger(__name__)


def succeed(token: str) -> None:
    """End the step well."""
    _answer("send_pipeline_execution_step_success", CallbackToken=token)


def fail(token: str, reason: str) -> None:
    """End the step with a reason."""
    _answer(
        "send_pipeline_execution_step_failure",
        CallbackToken=token,
        FailureReason=reason[:_LONGEST_REASON],
    )


def is_wanted(execution_arn: str) -> bool:
    """Return whether the execution still waits for its release."""
    execution = sagemaker().describe_pipeline_execution(PipelineExecutionArn=execution_arn)
    return bool(execution["PipelineExecutionStatus"] == "Executing")


def _answer(operation: str, **arguments: str) -> None:
    try:
        getattr(sagemaker(), operation)(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
            raise
        # Answered before: messages and events may come twice.
        _log.warning("no step waits with token %s: %s", arguments["CallbackToken"], error)
