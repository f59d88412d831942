"""How an update replaces an endpoint's instances, and what is watched while it does."""

from dataclasses import dataclass
from enum import StrEnum

from .scaling import TargetTracking

_MAX_WAIT_SECONDS = 3600  # SageMaker's, for one wait
# Of the whole deployment: above all its waits, and what a fleet needs to load its model.
MAX_DEPLOYMENT_SECONDS = 10_800


class UpdateStrategy(StrEnum):
    """How traffic goes to the new instances."""

    ALL_AT_ONCE = "all-at-once"  # to a second fleet, once all of it is healthy
    CANARY = "canary"  # to a second fleet: some of its instances first
    ROLLING = "rolling"  # in batches, each of which replaces as many old instances


@dataclass(frozen=True, kw_only=True)
class GuardedUpdates:
    """The steps of an update, the waits in which alarms can undo it, and their thresholds.

    By default an update rolls where there are always instances enough, else it goes all at once.
    """

    strategy: UpdateStrategy | None = None
    step_instances: int = 1  # a canary's size, or a rolling batch
    baking_seconds: int = 300  # the wait after each step, with the alarms watched
    max_error_share: float = 0.1  # of the requests that reach the endpoint
    max_time_to_first_token_seconds: float = 30  # of nine requests in ten

    def __post_init__(self) -> None:
        if self.step_instances < 1:
            raise ValueError(f"step_instances must be positive, got {self.step_instances}")
        if not 1 <= self.baking_seconds <= _MAX_WAIT_SECONDS:
            raise ValueError(
                f"baking_seconds must be from 1 to {_MAX_WAIT_SECONDS}, got {self.baking_seconds}"
            )
        if not 0 < self.max_error_share < 1:
            raise ValueError(
                f"max_error_share must be above 0 and below 1, got {self.max_error_share}"
            )
        if self.max_time_to_first_token_seconds <= 0:
            raise ValueError(
                "max_time_to_first_token_seconds must be positive,"
                f" got {self.max_time_to_first_token_seconds}"
            )

    def chosen(self, scaling: TargetTracking) -> UpdateStrategy:
        """Return the strategy; raise ValueError for one that SageMaker would not follow."""
        unfit = self._unfit(scaling)
        if self.strategy is None:
            return UpdateStrategy.ALL_AT_ONCE if unfit else UpdateStrategy.ROLLING
        if self.strategy is not UpdateStrategy.ALL_AT_ONCE and unfit:
            # SageMaker would not fail: it would update all at once, without any wait.
            raise ValueError(f"updates by {self.strategy} need {unfit}, or strategy all-at-once")
        return self.strategy

    def endpoint_quota(self, scaling: TargetTracking) -> int:
        """Return the instances that there are at once during an update of the largest fleet."""
        rolls = self.chosen(scaling) is UpdateStrategy.ROLLING
        return scaling.max_instances + (self.step_instances if rolls else scaling.max_instances)

    def _unfit(self, scaling: TargetTracking) -> str:
        """Return what the instances lack for steps of at most a half and, rolling, a twentieth."""
        fewest = min(scaling.min_instances, scaling.initial_instances)
        if 2 * self.step_instances > fewest:
            return (
                f"min_instances and initial_instances of at least {2 * self.step_instances}, twice"
                f" step_instances, got {scaling.min_instances} and {scaling.initial_instances}"
            )
        rolls = self.strategy is not UpdateStrategy.CANARY
        if rolls and 20 * self.step_instances < scaling.max_instances:
            return (
                "step_instances of at least a twentieth of max_instances"
                f" {scaling.max_instances}, got {self.step_instances}"
            )
        steps = -(-scaling.max_instances // self.step_instances) if rolls else 2
        if steps * self.baking_seconds >= MAX_DEPLOYMENT_SECONDS:
            return (
                f"waits of less than {MAX_DEPLOYMENT_SECONDS} seconds in all,"
                f" got {steps} of {self.baking_seconds}"
            )
        return ""
