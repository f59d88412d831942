"""What the scaling of an endpoint aims at, and between which bounds."""

from dataclasses import dataclass
from typing import Annotated

from allowed_values.rules import Range, RefusedValueError
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.models.limits import MAX_CONCURRENT_REQUESTS, RequestLimits
from sagemaker_llm.sizing.formula.workload import TIMEZONE
from sagemaker_llm.sizing.schedule import ScheduledMinimum
from sagemaker_llm.sizing.sizing import Sizing

# Zero instances need inference components, and then fail requests for minutes. SageMaker names no
# upper bound but the account's quota: this one is ours.
Instances = Annotated[int, Range(at_least=1, at_most=1000)]
_Cooldown = Annotated[int, Range(at_least=0, at_most=86_400)]


@dataclass(frozen=True, kw_only=True)
class TargetTracking(Checked):
    """Bounds and target of the scaling: the requests that one instance should have in flight."""

    min_instances: Instances = 1
    max_instances: Instances = 1
    # What a new endpoint starts with. A change replaces the configuration and rolls every instance,
    # so it does not follow min_instances, which scaling applies without a replacement.
    initial_instances: Instances = 1
    # 512-word prompts begin to wait for each other at 16 users on one ml.g5.2xlarge (JumpStart's
    # measurement of Mistral 7B Instruct): half of that leaves time to load the model.
    target_concurrent_requests: Annotated[
        float, Range(above=0, below=MAX_CONCURRENT_REQUESTS.at_most)
    ] = 8
    # The milliseconds of work of an instance in each minute, as the proxy counts it: with it, the
    # concurrency target is a guard. None: only concurrent requests are tracked.
    target_work_milliseconds: Annotated[float, Range(above=0, at_most=60_000)] | None = None
    scale_out_cooldown_seconds: _Cooldown = 60
    # A new instance takes minutes to load the model: removing one too early costs most.
    scale_in_cooldown_seconds: _Cooldown = 300
    # The min_instances from a minute of each day on; empty: the same all day.
    scheduled_minimums: tuple[ScheduledMinimum, ...] = ()
    timezone: Annotated[str, TIMEZONE] = "Etc/UTC"  # of the schedule

    @classmethod
    def sized(cls, sizing: Sizing, *, initial_instances: int = 1) -> "TargetTracking":
        """Return the scaling that follows from a declared load."""
        return cls(
            min_instances=sizing.min_instances,
            max_instances=sizing.max_instances,
            initial_instances=initial_instances,
            target_concurrent_requests=sizing.target_concurrent_requests,
            target_work_milliseconds=sizing.target_work_milliseconds,
            scheduled_minimums=sizing.schedule,
            timezone=sizing.load.workload.timezone,
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        for minimum in self.scheduled_minimums:
            if not self.min_instances <= minimum.instances <= self.max_instances:
                raise RefusedValueError(
                    f"scheduled_minimums must be from min_instances {self.min_instances} to"
                    f" max_instances {self.max_instances}, got {minimum.instances}"
                )
        for name in ("min_instances", "initial_instances"):
            if getattr(self, name) > self.max_instances:
                raise RefusedValueError(
                    f"{name} must be from 1 to max_instances {self.max_instances},"
                    f" got {getattr(self, name)}"
                )

    def check_limits(self, limits: RequestLimits) -> None:
        """Raise ValueError for a target that the server's limits keep from being exceeded."""
        # What TGI refuses is not in flight.
        if self.target_concurrent_requests >= limits.max_concurrent_requests:
            raise RefusedValueError(
                "target_concurrent_requests must be below the max_concurrent_requests of the model,"
                f" {limits.max_concurrent_requests}, got {self.target_concurrent_requests}"
            )
