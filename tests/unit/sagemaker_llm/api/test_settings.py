"""Who may call an API, and what is refused before synth."""

import re
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
        ({"clients": (_CLIENT,), "reserved_concurrency": 0}, "must be from 1 to 100000, got 0"),
        (
            {"authentication": Authentication.IAM, "clients": (_CLIENT,)},
            "clients must be empty with IAM authentication",
        ),
        ({"authentication": Authentication.IAM, "playground": True}, "playground needs keys"),
        *(
            ({"clients": (_CLIENT,), "cors_origins": (origin,)}, f"got '{re.escape(origin)}'")
            for origin in (
                "*",
                "app.example.com",
                "https://app.example.com/",
                "https://a,https://b",
            )
        ),
        (
            {"clients": (_CLIENT,), "cors_origins": ("https://a.example",) * 2},
            "cors_origins must be named once",
        ),
    ],
)
def test_settings_are_refused_when_they_contradict_each_other(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ApiSettings(**settings)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"rate": 0}, "rate must be above 0 and at most 5000, got 0"),
        ({"rate": 50}, "burst must be at least rate 50, got 40"),
    ],
)
def test_a_limit_is_refused_when_it_lets_nobody_in_or_wastes_its_rate(
    limit: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Limit(**limit)


@pytest.mark.parametrize("limit", [9, 2_000_000_001])
def test_firewall_is_refused_outside_of_wafs_bounds(limit: int) -> None:
    with pytest.raises(ValueError, match="requests_per_address must be from 10"):
        Firewall(requests_per_address=limit)


def _client(name: str, rate_limit: float, burst_limit: int) -> Client:
    return Client(name=name, rate_limit=rate_limit, burst_limit=burst_limit, daily_quota=10_000)


def test_firewall_lets_an_address_send_twice_what_the_fastest_client_may() -> None:
    clients = (_client("Slow", 2, 4), _client("Fast", 20, 40))
    settings = ApiSettings(clients=clients, firewall=Firewall())
    assert settings.requests_per_address == 2 * (20 * 300 + 40)


def test_firewall_keeps_to_what_waf_takes_when_nobody_sends_much() -> None:
    slow = Client(name="Slow", rate_limit=0.01, burst_limit=1, daily_quota=1)
    settings = ApiSettings(clients=(slow,), firewall=Firewall())
    assert settings.requests_per_address == 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"clients": (_client("Slow", 2, 4), _client("Fast", 20, 40))},
            r"at least the 6040 requests that client Fast may send in 300 s \(rate 20, burst 40\),"
            " got 2000: raise it, leave it out, or lower that limit",
        ),
        (
            {"authentication": Authentication.IAM, "iam_limit": Limit(rate=7, burst=9)},
            "at least the 2109 requests that iam_limit may send in 300 s",
        ),
    ],
)
def test_firewall_is_refused_when_it_would_stop_who_keeps_to_the_limits(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ApiSettings(firewall=Firewall(requests_per_address=2000), **settings)


def test_firewall_takes_a_limit_that_just_lets_the_fastest_caller_through() -> None:
    settings = ApiSettings(
        clients=(_client("Demo", 20, 40),), firewall=Firewall(requests_per_address=6040)
    )
    assert settings.requests_per_address == 6040
