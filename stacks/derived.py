"""What follows from a declared load, held against an environment's numbers."""

from typing import TYPE_CHECKING

from sagemaker_llm import GuardedUpdates, ManagedInstances, Sizing, TargetTracking
from sagemaker_llm.api.concurrency import reserved_concurrency
from sagemaker_llm.api.settings import Authentication
from sagemaker_llm.models.checked import RefusedValueError

if TYPE_CHECKING:
    from .environment import Environment


def check_derived(environment: "Environment", sizing: Sizing) -> None:
    """Raise RefusedValueError for numbers that neither follow from the load nor are fixed in it."""
    _check_profile(environment, sizing)
    scaling = environment.scaling
    derived = TargetTracking.sized(sizing, initial_instances=scaling.initial_instances)
    if scaling != derived:
        raise RefusedValueError(
            f"scaling must be what follows from the load, {derived}, or fixed there with a"
            f" reason, got {scaling}"
        )
    admitted = environment.model.limits.max_concurrent_requests
    if admitted != sizing.max_concurrent_requests:
        raise RefusedValueError(
            f"max_concurrent_requests must be {sizing.max_concurrent_requests}, as follows from"
            f" the load, or fixed there with a reason, got {admitted}"
        )
    first = GuardedUpdates.sized(sizing).max_time_to_first_token_seconds
    given = environment.updates.max_time_to_first_token_seconds
    if given != first:
        raise RefusedValueError(
            f"max_time_to_first_token_seconds of updates must be {first:g}, as follows from the"
            f" load, got {given:g}"
        )
    _check_callers(environment, sizing)
    _check_proxy(environment)


def _check_profile(environment: "Environment", sizing: Sizing) -> None:
    profile, server = sizing.load.profile, environment.model.server
    if profile.instance_type != environment.instance_type:
        raise RefusedValueError(
            f"instance_type must be {profile.instance_type}, which the profile {profile.name}"
            f" was measured on, got {environment.instance_type!r}: measure it with `make bench`"
        )
    if profile.server != server.name:
        raise RefusedValueError(
            f"sizing must be from a profile of {server.title}, or None, got"
            f" {profile.name}, which was measured under {profile.server}"
        )


def _check_callers(environment: "Environment", sizing: Sizing) -> None:
    api = environment.api
    rates = sum(each.rate for each in api.limits.values())
    if rates > sizing.requests_per_second:
        raise RefusedValueError(
            "the rates of all clients must add up to at most the"
            f" {sizing.requests_per_second:.2f} requests/s that the largest fleet serves"
            f" as it is promised, got {rates:g}"
        )
    for name, limit in api.limits.items():
        if limit.burst > sizing.burst_requests:
            raise RefusedValueError(
                f"burst of {name} must be at most the {sizing.burst_requests} requests that the"
                f" smallest fleet admits, got {limit.burst}"
            )
    if api.authentication is Authentication.IAM:  # which has no quotas
        return
    a_day = max(sizing.daily_requests, sizing.burst_requests)
    for client in api.clients:
        if client.daily_quota > a_day:
            raise RefusedValueError(
                f"daily_quota of client {client.name} must be at most the {a_day} requests that a"
                f" day of the declared load may bring, got {client.daily_quota}"
            )


def _check_proxy(environment: "Environment") -> None:
    """Raise RefusedValueError if streams that instances admit find no room in the proxy."""
    api, admitted = environment.api, environment.max_concurrent_requests
    if isinstance(api.hosting, ManagedInstances):
        held: int | None = api.hosting.streams
    else:
        held = reserved_concurrency(api, admitted).proxy
    if held is not None and held < admitted:
        raise RefusedValueError(
            f"the proxy must hold the {admitted} requests that the largest fleet admits, got room"
            f" for {held}: raise reserved_concurrency, or max_environments of ManagedInstances"
        )
