"""What the functions reserve: enough for the endpoint, and no more than one caller can take."""

from typing import Any

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import (
    ApiSettings,
    Authentication,
    Client,
    Limit,
    ManagedInstances,
    Reservation,
)
from sagemaker_llm.api.concurrency import ReservedConcurrency, reserved_concurrency


def _client(name: str = "Demo", burst_limit: int = 40) -> Client:
    return Client(name=name, rate_limit=1, burst_limit=burst_limit, daily_quota=1000)


@pytest.mark.parametrize(
    ("endpoint_requests", "playground", "proxy"),
    [
        (512, False, 512 + 52),  # a tenth more
        (128, False, 128 + 20),  # the burst of /health
        (128, True, 128 + 40),  # and that of the playground
    ],
)
def test_the_proxy_reserves_what_the_endpoint_admits_and_headroom(
    endpoint_requests: int, proxy: int, *, playground: bool
) -> None:
    settings = ApiSettings(clients=(_client(),), playground=playground)
    assert reserved_concurrency(settings, endpoint_requests).proxy == proxy


@pytest.mark.parametrize(("bursts", "authorizer"), [((1, 2), 10), ((40, 100), 100)])
def test_the_authorizer_reserves_the_largest_burst_of_a_client(
    bursts: tuple[int, int], authorizer: int
) -> None:
    clients = tuple(_client(name, burst) for name, burst in zip("AB", bursts, strict=True))
    assert reserved_concurrency(ApiSettings(clients=clients), 128).authorizer == authorizer


def test_nothing_is_reserved_in_an_account_that_has_nothing_to_reserve() -> None:
    settings = ApiSettings(clients=(_client(),), reserved_concurrency=Reservation.NONE)
    nothing = ReservedConcurrency(proxy=None, authorizer=None)
    assert reserved_concurrency(settings, 512) == nothing


def test_managed_instances_are_bounded_by_their_environments_and_reserve_nothing() -> None:
    settings = ApiSettings(clients=(_client(burst_limit=1000),), hosting=ManagedInstances())
    assert reserved_concurrency(settings, 512) == ReservedConcurrency(proxy=None, authorizer=1000)


def test_a_number_is_the_proxys_own_reservation() -> None:
    settings = ApiSettings(clients=(_client(),), reserved_concurrency=64)
    assert reserved_concurrency(settings, 512) == ReservedConcurrency(proxy=64, authorizer=40)


def test_iam_authentication_has_no_authorizer_to_reserve_for() -> None:
    settings = ApiSettings(authentication=Authentication.IAM)
    assert reserved_concurrency(settings, 128) == ReservedConcurrency(proxy=148, authorizer=None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"clients": (_client("Small"), _client("Large", 149))},
            "burst of client Large must be at most the 148 executions that the proxy reserves,"
            " got 149: lower it, or raise reserved_concurrency",
        ),
        (
            {"authentication": Authentication.IAM, "iam_limit": Limit(rate=1, burst=200)},
            "burst of iam_limit must be at most the 148 executions",
        ),
    ],
)
def test_a_burst_is_refused_when_it_could_take_the_whole_reservation(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        reserved_concurrency(ApiSettings(**settings), 128)
