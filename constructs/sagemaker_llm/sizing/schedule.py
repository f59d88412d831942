"""The minimums of a day: a ramp that is foreseen is not met by instances that start too late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from allowed_values.rules import Range
from sagemaker_llm.models.checked import Checked

_MINUTES = 1440
_SLOT = 10
# An instance starts in 5 to 8 minutes, after the endpoint ended what it did before.
_LEAD = 10
# Of what a slot's peak needs: scaling does the rest, so that a lower load is not paid for.
_SHARE = 0.9


@dataclass(frozen=True)
class ScheduledMinimum(Checked):
    """The minimum from a minute of the day on."""

    minute: Annotated[int, Range(at_least=0, below=_MINUTES)]
    instances: Annotated[int, Range(at_least=1, at_most=1000)]


def scheduled_minimums(
    rates: Sequence[float], fleet: Callable[[float], int], at_least: int, at_most: int
) -> tuple[ScheduledMinimum, ...]:
    """Return the minimums that follow from a rate for each minute; none where one holds all day."""
    minimums = [0] * _MINUTES
    for start in range(0, _MINUTES, _SLOT):
        need = fleet(_SHARE * max(rates[start : start + _SLOT]))
        for minute in range(start - _LEAD, start + _SLOT):
            minimums[minute % _MINUTES] = max(minimums[minute % _MINUTES], need)
    bounded = [min(max(each, at_least), at_most) for each in minimums]
    return tuple(
        ScheduledMinimum(minute, each)
        for minute, each in enumerate(bounded)
        if each != bounded[minute - 1]
    )


def minimum_at(schedule: Sequence[ScheduledMinimum], minute: int, otherwise: int) -> int:
    """Return the minimum at a minute of the day."""
    before = [each for each in schedule if each.minute <= minute]
    if before:
        return before[-1].instances
    return schedule[-1].instances if schedule else otherwise
