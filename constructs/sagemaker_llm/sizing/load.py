"""A declared load: the workload, the objective, and the measurement that decides between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from allowed_values.rules import Pattern, Range, RefusedValueError
from sagemaker_llm.models.checked import Checked

from .bisection import last_true
from .demand import Demand
from .profile import Profile
from .service import fit
from .staffing import MAX_INSTANCES, is_kept
from .workload import Objective, Workload

# What may be decided otherwise than it is derived.
FIXABLE = (
    "min_instances",
    "max_instances",
    "max_concurrent_requests",
    "target_concurrent_requests",
)
_MAX_STREAM_SECONDS = 480  # SageMaker ends a response stream after 8 minutes.
_Relax = Callable[[float], Objective]
# Past the longest prompt that was measured, the service model is a guess.
_EXTRAPOLATION = 1.25
_MAX_FACTOR = 10.0  # up to which another objective is looked for


class Tracked(StrEnum):
    """What scaling follows."""

    # AWS's predefined metric, at high resolution.
    CONCURRENCY = "concurrency"
    # What the proxy counts of prefill and decoding, by metric math; concurrency above it guards.
    # It sees a mix that is not as declared; no real account has shown it yet.
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
        longest = max(shape.prompt_words for shape in self.workload.shapes)
        if longest > _EXTRAPOLATION * self.profile.max_words:
            raise RefusedValueError(
                f"prompt_words must be at most {_EXTRAPOLATION * self.profile.max_words:g}, as the"
                f" profile {self.profile.name} was measured up to {self.profile.max_words:g},"
                f" got {longest}: measure longer prompts"
            )
        self._check_objective()
        if self.answer_seconds > _MAX_STREAM_SECONDS:
            raise RefusedValueError(
                f"an answer must end within the {_MAX_STREAM_SECONDS} seconds of SageMaker's"
                f" streams, got {self.answer_seconds:.0f} for the longest at milliseconds_per_token"
                f" {self.objective.milliseconds_per_token:g}"
            )

    @cached_property
    def demand(self) -> Demand:
        """The requests as the measured service sees them."""
        return Demand(fit(self.profile), self.workload.shapes)

    @property
    def answer_seconds(self) -> float:
        """What the longest declared answer takes at the objective."""
        longest = max(shape.output_tokens for shape in self.workload.shapes)
        first = self.objective.time_to_first_token_seconds or 0.0
        return first + longest * self.objective.milliseconds_per_token / 1000

    def _check_objective(self) -> None:
        if self._is_met(self.objective):
            return
        given, nearest = self.objective, self._nearest()
        raise RefusedValueError(
            f"the profile {self.profile.name} cannot keep {_words(given)} for {given.share:.1%} of"
            f" {self.workload.peak_requests_per_second:g} requests/s with {MAX_INSTANCES}"
            f" instances; the nearest that it can: {nearest}"
        )

    def _is_met(self, objective: Objective) -> bool:
        return is_kept(self.demand, objective, self.workload.peak_requests_per_second)

    def _nearest(self) -> str:
        """Return the least change of one promise that makes it one that can be kept, or of both."""
        for relax in (self._slower_tokens, self._later_first_token, self._slower_and_later):

            def is_missed(factor: float, relax: _Relax = relax) -> bool:
                return not self._is_met(relax(factor))

            found = relax(1.01 * last_true(1.0, _MAX_FACTOR, is_missed))
            if self._is_met(found):
                return _words(found)
        return "none: shorten the prompts, or measure a larger instance"

    def _slower_tokens(self, factor: float) -> Objective:
        each = self.objective.milliseconds_per_token
        return replace(self.objective, milliseconds_per_token=min(factor * each, 10_000))

    def _later_first_token(self, factor: float) -> Objective:
        first = self.objective.time_to_first_token_seconds
        later = None if first is None else min(factor * first, _MAX_STREAM_SECONDS - 1)
        return replace(self.objective, time_to_first_token_seconds=later)

    def _slower_and_later(self, factor: float) -> Objective:
        tokens, first = self._slower_tokens(factor), self._later_first_token(factor)
        return replace(tokens, time_to_first_token_seconds=first.time_to_first_token_seconds)


def _words(objective: Objective) -> str:
    first = objective.time_to_first_token_seconds
    tokens = f"{objective.milliseconds_per_token:.3g} ms a token"
    return tokens if first is None else f"{first:.3g} s to the first token and {tokens}"
