"""An environment that declares a load takes only what follows from it."""

import dataclasses
from typing import Any

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import (
    ApiSettings,
    Client,
    GuardedUpdates,
    ManagedInstances,
    OnDemand,
    TargetTracking,
    UpdateStrategy,
    find_model,
)
from stacks import environments, loads
from stacks.environment import Environment

_PROD = environments.prod(account=None, region=None)
_CLIENT = _PROD.api.clients[0]


def _with(**changes: Any) -> Environment:
    return dataclasses.replace(_PROD, **changes)


def _with_api(**changes: Any) -> ApiSettings:
    return dataclasses.replace(_PROD.api, **changes)


def _client(**changes: Any) -> ApiSettings:
    return _with_api(clients=(dataclasses.replace(_CLIENT, **changes),))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scaling": TargetTracking(min_instances=2, max_instances=3)}, "scaling must be what"),
        (
            {"model": find_model("mistral-7b-instruct").admitting(26)},
            "max_concurrent_requests must be 25, as follows from the load, or .*, got 26",
        ),
        (
            {"updates": GuardedUpdates()},
            "max_time_to_first_token_seconds of updates must be 10, as follows .*, got 30",
        ),
        ({"api": _client(rate_limit=8)}, "must add up to at most the 7.57 .*, got 8"),
        (
            {"api": _client(rate_limit=1, burst_limit=100, daily_quota=86_500)},
            "burst of client Demo must be at most the 50 requests .*, got 100",
        ),
        (
            {"api": _client(daily_quota=400_000)},
            "daily_quota of client Demo must be at most the 388800 requests .*, got 400000",
        ),
        (
            {"api": _with_api(reserved_concurrency=60)},
            "proxy must hold the 100 requests that the largest fleet admits, got room for 60",
        ),
        (
            {"api": _with_api(hosting=ManagedInstances(max_streams=16, max_environments=6))},
            "proxy must hold the 100 requests that the largest fleet admits, got room for 96",
        ),
    ],
)
def test_number_that_does_not_follow_from_the_load_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _with(**changes)


def test_what_no_load_decides_is_chosen_freely() -> None:
    guarded = GuardedUpdates.sized(loads.prod())
    _with(updates=dataclasses.replace(guarded, strategy=UpdateStrategy.ALL_AT_ONCE))
    _with(api=_with_api(hosting=OnDemand(memory_mib=10_240)))
    _with(api=_with_api(hosting=ManagedInstances()))
    _with(api=_with_api(reserved_concurrency=100))


def test_many_clients_may_share_what_follows() -> None:
    shares = {"One": 0.6, "Two": 0.3, "Three": 0.1}
    clients = tuple(
        Client.sized(loads.prod(), name=name, share=share) for name, share in shares.items()
    )
    assert _with(api=_with_api(clients=clients)).api.clients == clients
