"""A pipeline step written as the API request that SageMaker makes for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from .sdk import (
    CacheConfig,
    ConfigurableRetryStep,
    Properties,
    PropertyFile,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
    StepTypeEnum,
)

Request = dict[str, Any]

# The response that a step's properties are read from.
_RESPONSES = {
    StepTypeEnum.PROCESSING: "DescribeProcessingJobResponse",
    StepTypeEnum.TRAINING: "DescribeTrainingJobResponse",
    StepTypeEnum.REGISTER_MODEL: "DescribeModelPackageOutput",
}

_CACHED = CacheConfig(enable_caching=True, expire_after="P30D")

_THROTTLED = StepRetryPolicy(
    exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
    interval_seconds=5,
    backoff_rate=2.0,
    max_attempts=5,
)
# GPU capacity is short for minutes to hours: an execution retries for a day, with growing pauses.
_NO_CAPACITY = SageMakerJobStepRetryPolicy(
    exception_types=[SageMakerJobExceptionTypeEnum.CAPACITY_ERROR],
    interval_seconds=60,
    backoff_rate=1.5,
    expire_after_mins=24 * 60,
)
# Another job may be about to end; a quota of zero does not change, so it must fail within minutes.
_OVER_QUOTA = SageMakerJobStepRetryPolicy(
    exception_types=[SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
    interval_seconds=60,
    backoff_rate=2.0,
    max_attempts=3,
)
_BROKEN_INSTANCE = SageMakerJobStepRetryPolicy(
    failure_reason_types=[SageMakerJobExceptionTypeEnum.INTERNAL_ERROR],
    interval_seconds=30,
    backoff_rate=2.0,
    max_attempts=2,
)


class RequestStep(ConfigurableRetryStep):  # type: ignore[misc] # the SDK has no types
    """A job, which is cached and retried, or a registration, which is only retried."""

    def __init__(
        self,
        name: str,
        step_type: StepTypeEnum,
        request: Mapping[str, Any],
        *,
        property_files: Sequence[PropertyFile] = (),
    ) -> None:
        is_job = step_type is not StepTypeEnum.REGISTER_MODEL
        job_policies = [_NO_CAPACITY, _OVER_QUOTA, _BROKEN_INSTANCE] if is_job else []
        super().__init__(name, step_type, retry_policies=[_THROTTLED, *job_policies])
        self._request = dict(request)
        self._cached = is_job
        self.property_files = list(property_files)
        self._properties = Properties(step_name=name, step=self, shape_name=_RESPONSES[step_type])

    @property
    def arguments(self) -> Request:
        """The request's members."""
        return self._request

    @property
    def properties(self) -> Properties:
        """The response of the operation that describes the result, for later steps to read."""
        return self._properties

    def to_request(self) -> Request:
        """Return the step as it stands in the definition."""
        files = [file.expr for file in self.property_files]
        return {
            **super().to_request(),
            **(_CACHED.config if self._cached else {}),
            **({"PropertyFiles": files} if files else {}),
        }
