"""The guarded updates: what SageMaker would quietly do without any wait is refused."""

from typing import Any

import pytest

from sagemaker_llm.serving.tracking import TargetTracking
from sagemaker_llm.serving.updates import GuardedUpdates, UpdateStrategy


def _scaling(least: int, most: int, first: int | None = None) -> TargetTracking:
    return TargetTracking(min_instances=least, max_instances=most, initial_instances=first or least)


@pytest.mark.parametrize(
    ("scaling", "strategy", "quota"),
    [
        (_scaling(1, 1), UpdateStrategy.ALL_AT_ONCE, 2),
        (_scaling(1, 4), UpdateStrategy.ALL_AT_ONCE, 8),  # it may be at one instance
        (_scaling(2, 4, first=1), UpdateStrategy.ALL_AT_ONCE, 8),
        (_scaling(2, 4), UpdateStrategy.ROLLING, 5),
        (_scaling(2, 21), UpdateStrategy.ALL_AT_ONCE, 42),  # one of 21 is below 5 %
        (_scaling(2, 20), UpdateStrategy.ROLLING, 21),
    ],
)
def test_update_rolls_where_the_count_allows_it(
    scaling: TargetTracking, strategy: UpdateStrategy, quota: int
) -> None:
    assert GuardedUpdates().chosen(scaling) is strategy
    assert GuardedUpdates().endpoint_quota(scaling) == quota


def test_canary_needs_both_fleets() -> None:
    updates = GuardedUpdates(strategy=UpdateStrategy.CANARY)
    assert updates.endpoint_quota(_scaling(2, 30)) == 60


@pytest.mark.parametrize(
    ("changes", "scaling", "message"),
    [
        ({"strategy": UpdateStrategy.CANARY}, _scaling(1, 4), "updates by canary need min_inst"),
        ({"strategy": UpdateStrategy.ROLLING}, _scaling(2, 4, first=1), "got 2 and 1, or strategy"),
        (
            {"strategy": UpdateStrategy.ROLLING, "step_instances": 2},
            _scaling(3, 4),
            "of at least 4, twice step_instances, got 3 and 3",
        ),
        ({"strategy": UpdateStrategy.ROLLING}, _scaling(2, 21), "a twentieth of max_instances 21"),
        (
            {"strategy": UpdateStrategy.ROLLING, "baking_seconds": 3600},
            _scaling(2, 4),
            "waits of less than 10800 seconds in all, got 4 of 3600",
        ),
    ],
)
def test_strategy_is_refused_when_sagemaker_would_update_all_at_once_instead(
    changes: dict[str, Any], scaling: TargetTracking, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        GuardedUpdates(**changes).chosen(scaling)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step_instances": 0}, "step_instances must be from 1 to 1000, got 0"),
        ({"baking_seconds": 0}, "baking_seconds must be from 1 to 3600, got 0"),
        ({"baking_seconds": 3601}, "baking_seconds must be from 1 to 3600, got 3601"),
        ({"max_error_share": 1}, "max_error_share must be above 0 and below 1, got 1"),
        (
            {"max_time_to_first_token_seconds": 0},
            "must be above 0 and below 480, got 0",
        ),
    ],
)
def test_updates_are_refused_when_they_guard_nothing(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GuardedUpdates(**changes)
