"""Who may call an API, and what is refused before synth."""

from typing import Any

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import ApiSettings, Authentication, Client, Firewall, Limit

_CLIENT = Client(name="Demo", rate_limit=1, burst_limit=1, daily_quota=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"clients must be one or more, each named once, got \[\]"),
        ({"clients": (_CLIENT, _CLIENT)}, r"each named once, got \['Demo', 'Demo'\]"),
        ({"clients": (_CLIENT,), "reserved_concurrency": 0}, "must be positive, got 0"),
        (
            {"authentication": Authentication.IAM, "clients": (_CLIENT,)},
            "which IAM authentication takes none of",
        ),
        ({"authentication": Authentication.IAM, "playground": True}, "playground needs keys"),
    ],
)
def test_settings_are_refused_when_they_contradict_each_other(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ApiSettings(**settings)


def test_a_limit_is_refused_when_it_lets_nobody_in() -> None:
    with pytest.raises(ValueError, match="limit must be positive, got rate 0, burst 40"):
        Limit(rate=0)


@pytest.mark.parametrize("limit", [9, 2_000_000_001])
def test_firewall_is_refused_outside_of_wafs_bounds(limit: int) -> None:
    with pytest.raises(ValueError, match="requests_per_address must be from 10"):
        Firewall(requests_per_address=limit)
