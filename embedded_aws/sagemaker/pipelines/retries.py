"""Which failed steps a pipeline runs again, and when."""

import time

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.core.emulator import Json

_DEFAULT_INTERVAL_SECONDS, _DEFAULT_BACKOFF = 1, 2.0
_THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException")
_BY_REASON = {
    "InternalServerError": "SageMaker.JOB_INTERNAL_ERROR",
    "CapacityError": "SageMaker.CAPACITY_ERROR",
    "ResourceLimitExceeded": "SageMaker.RESOURCE_LIMIT",
}
_SERVER_ERROR = 500


class StepFailed(Exception):  # noqa: N818 - what it says: no error of this program
    """A step's failure: its reason, and its exception type in the words of retry policies."""

    def __init__(self, reason: str, exception_type: str = "") -> None:
        super().__init__(reason)
        self.exception_type = exception_type


def failed_call(operation: str, error: BotoCoreError | ClientError) -> StepFailed:
    """Return the failure of a step whose API call was refused."""
    reason = f"ClientError: Failed to invoke {operation}. Error Details: {error}"
    if not isinstance(error, ClientError):
        return StepFailed(reason)
    code = error.response["Error"]["Code"]
    if code in _THROTTLED:
        return StepFailed(reason, "Step.THROTTLING")
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR:
        return StepFailed(reason, "Step.SERVICE_FAULT")
    return StepFailed(reason, _BY_REASON.get(code, ""))


def failed_job(reason: str) -> StepFailed:
    """Return the failure of a step whose job failed for a reason that starts with a code."""
    return StepFailed(reason, _BY_REASON.get(reason.partition(":")[0], ""))


class Retries:
    """One step's retry policies, and how often each was used."""

    def __init__(self, policies: list[Json]) -> None:
        self._policies = policies
        self._used = [0] * len(policies)
        self._begun = time.monotonic()

    def delay(self, failure: StepFailed) -> float | None:
        """Return the seconds to wait before the next attempt, or None when there is none."""
        for index, policy in enumerate(self._policies):
            types = policy["ExceptionType"]
            if failure.exception_type not in ([types] if isinstance(types, str) else types):
                continue
            used = self._used[index]
            expires = policy.get("ExpireAfterMin", float("inf")) * 60
            if used >= policy.get("MaxAttempts", float("inf")):
                return None
            if time.monotonic() - self._begun > expires:
                return None
            self._used[index] += 1
            interval = policy.get("IntervalSeconds", _DEFAULT_INTERVAL_SECONDS)
            return float(interval * policy.get("BackoffRate", _DEFAULT_BACKOFF) ** used)
        return None
