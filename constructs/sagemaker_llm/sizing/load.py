"""A declared load: the workload, the objective, and the measurement that decides between them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from allowed_values.rules import Pattern, Range, RefusedValueError
from sagemaker_llm.models.checked import Checked

from .formula.demand import Demand
from .formula.nearest import MAX_STREAM_SECONDS, answer_seconds, nearest
from .formula.profile import Profile
from .formula.service import fit
from .formula.staffing import MAX_INSTANCES, is_kept
from .formula.workload import Objective, Workload

# What may be decided otherwise than it is derived.
FIXABLE = (
    "min_instances",
    "max_instances",
    "max_concurrent_requests",
    "target_concurrent_requests",
)
_WHOLE = FIXABLE[:3]
# Past the longest prompt that was measured, the service model is a guess.
_EXTRAPOLATION = 1.25


class Tracked(StrEnum):
    """What scaling follows."""

    # AWS's predefined metric, at high resolution.
    CONCURRENCY = "concurrency"
    # The prefill and decoding that the proxy counts, by metric math, with a concurrency target as a
    # guard. It notices a mix that differs from the declared one; no real account has shown it yet.
    WORK = "work"


@dataclass(frozen=True, kw_only=True)
class Fixed(Checked):
    """A number that a person decided, and why."""

    value: Annotated[float, Range(above=0, at_most=10_000)]
    reason: Annotated[str, Pattern(r"\S.{9,199}", "a reason of 10 to 200 characters")]


@dataclass(frozen=True, kw_only=True)
class Load(Checked):
    """The load of an environment; one whose objective no fleet keeps is refused.

    `fixed` holds what is decided otherwise than the formula would, by the setting's name::

        Load(
            workload=workload,
            objective=Objective(milliseconds_per_token=60, time_to_first_token_seconds=2),
            profile=published_profile(),
            fixed={"min_instances": Fixed(value=2, reason="one instance may fail")},
        )
    """

    workload: Workload
    objective: Objective
    profile: Profile
    fixed: Mapping[str, Fixed] = field(default_factory=dict)
    tracked: Tracked = Tracked.CONCURRENCY

    def __post_init__(self) -> None:
        super().__post_init__()
        if unknown := sorted(self.fixed.keys() - set(FIXABLE)):
            raise RefusedValueError(
                f"fixed must name only {', '.join(FIXABLE)}, got {', '.join(unknown)}"
            )
        for name in _WHOLE:
            if (given := self.fixed.get(name)) and not float(given.value).is_integer():
                raise RefusedValueError(
                    f"{name} in fixed must be a whole number, got {given.value:g}"
                )
        longest = max(shape.prompt_words for shape in self.workload.shapes)
        if longest > _EXTRAPOLATION * self.profile.max_words:
            raise RefusedValueError(
                f"prompt_words must be at most {_EXTRAPOLATION * self.profile.max_words:g}, as the"
                f" profile {self.profile.name} was measured up to {self.profile.max_words:g},"
                f" got {longest}: measure longer prompts"
            )
        self._check_objective()
        if self.answer_seconds > MAX_STREAM_SECONDS:
            raise RefusedValueError(
                f"an answer must end within the {MAX_STREAM_SECONDS} seconds of SageMaker's"
                f" streams, got {self.answer_seconds:.0f} for the longest at milliseconds_per_token"
                f" {self.objective.milliseconds_per_token:g}"
            )

    @cached_property
    def demand(self) -> Demand:
        """The requests as the measured service sees them."""
        limit = self.fixed.get("max_concurrent_requests")
        admitted = limit.value if limit else math.inf
        return Demand(fit(self.profile), self.workload.shapes, max_in_flight=admitted)

    @property
    def answer_seconds(self) -> float:
        """What the longest declared answer takes at the objective."""
        return answer_seconds(self.objective, self._longest_answer)

    @property
    def _longest_answer(self) -> int:
        return max(shape.output_tokens for shape in self.workload.shapes)

    def _check_objective(self) -> None:
        given = self.objective
        if self._is_kept(given):
            return
        self._check_fixed_limit()
        found = nearest(given, self._longest_answer, self._is_kept)
        can = _words(found) if found else "none: shorten the requests, or measure a larger instance"
        raise RefusedValueError(
            f"the profile {self.profile.name} cannot keep {_words(given)} for {given.share:.1%} of"
            f" {self.workload.peak_requests_per_second:g} requests/s with {MAX_INSTANCES}"
            f" instances; the nearest that it can: {can}"
        )

    def _check_fixed_limit(self) -> None:
        """Raise RefusedValueError if a higher limit would keep the objective."""
        fixed, memory = self.demand.max_in_flight, self.demand.memory_limit
        if fixed >= memory:
            return
        for limit in range(int(fixed) + 1, math.ceil(memory) + 1):
            if self._is_kept(self.objective, replace(self.demand, max_in_flight=limit)):
                raise RefusedValueError(
                    f"max_concurrent_requests in fixed must be at least {limit}, with which"
                    f" {MAX_INSTANCES} instances serve"
                    f" {self.workload.peak_requests_per_second:g} requests/s, got {fixed:g}"
                )

    def _is_kept(self, objective: Objective, demand: Demand | None = None) -> bool:
        peak = self.workload.peak_requests_per_second
        return is_kept(demand or self.demand, objective, peak)


def _words(objective: Objective) -> str:
    first = objective.time_to_first_token_seconds
    tokens = f"{objective.milliseconds_per_token:g} ms a token"
    return tokens if first is None else f"{first:g} s to the first token and {tokens}"
