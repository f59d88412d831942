"""How an update replaces an endpoint's instances, and what is watched while it does."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from allowed_values.rules import Range, RefusedValueError
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.sizing.formula.nearest import MAX_STREAM_SECONDS
from sagemaker_llm.sizing.sizing import Sizing

from .tracking import Instances, TargetTracking

# Of the whole deployment: above all its waits, and what a fleet needs to load its model.
MAX_DEPLOYMENT_SECONDS = 10_800


class UpdateStrategy(StrEnum):
    """How traffic goes to the new instances."""

    ALL_AT_ONCE = "all-at-once"  # to a second fleet, once all of it is healthy
    CANARY = "canary"  # to a second fleet: some of its instances first
    ROLLING = "rolling"  # in batches, each of which replaces as many old instances


@dataclass(frozen=True, kw_only=True)
class GuardedUpdates(Checked):
    """The steps of an update, the waits in which alarms can undo it, and their thresholds.

    By default an update rolls where there are always instances enough, else it goes all at once.
    """

    strategy: UpdateStrategy | None = None
    step_instances: Instances = 1  # a canary's size, or a rolling batch
    # The wait after each step, while the alarms are watched; then the old instances stop, and half
    # a minute later cut the answers that still run: none after a wait as long as a stream can last.
    baking_seconds: Annotated[int, Range(at_least=1, at_most=3600)] = MAX_STREAM_SECONDS
    # Of the requests that reach the endpoint.
    max_error_share: Annotated[float, Range(above=0, below=1)] = 0.1
    # Of nine requests in ten.
    max_time_to_first_token_seconds: Annotated[float, Range(above=0, below=MAX_STREAM_SECONDS)] = 30

    @classmethod
    def sized(cls, sizing: Sizing) -> "GuardedUpdates":
        """Return updates that go back where they break what a declared load promises."""
        first = sizing.max_time_to_first_token_seconds
        return cls() if first is None else cls(max_time_to_first_token_seconds=first)

    def chosen(self, scaling: TargetTracking) -> UpdateStrategy:
        """Return the strategy; raise ValueError for one that SageMaker would not follow."""
        unfit = self._unfit(scaling)
        if self.strategy is None:
            return UpdateStrategy.ALL_AT_ONCE if unfit else UpdateStrategy.ROLLING
        if self.strategy is not UpdateStrategy.ALL_AT_ONCE and unfit:
            # SageMaker would not fail: it would update all at once, without any wait.
            raise RefusedValueError(
                f"updates by {self.strategy} need {unfit}, or strategy all-at-once"
            )
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
