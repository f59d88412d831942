"""The Lambda concurrency that each function of the API reserves, and why so much.

A reservation is a share that no other function can use up, and a limit: Lambda throttles calls
beyond it at once. An account has 1,000 executions as a rule, and must leave 100 of them unreserved;
a new one may have as few as 10, and AWS refuses any reservation there: that is what
`Reservation.NONE` is for.
"""

import math
from dataclasses import dataclass

from allowed_values.rules import RefusedValueError
from sagemaker_llm.sizing.hosting import ManagedInstances

from .settings import OPEN_ROUTE_LIMIT, ApiSettings, Authentication, Reservation

_HEADROOM = 0.1
_MIN_AUTHORIZATIONS = 10


@dataclass(frozen=True, kw_only=True)
class ReservedConcurrency:
    """The executions that each function reserves; None shares the account's."""

    proxy: int | None
    authorizer: int | None


def reserved_concurrency(settings: ApiSettings, endpoint_requests: int) -> ReservedConcurrency:
    """Return the reservations for an endpoint that admits `endpoint_requests` at once.

    Raise ValueError where one caller's burst alone would take the proxy's whole share.
    """
    wanted = settings.reserved_concurrency
    if wanted is Reservation.NONE:
        return ReservedConcurrency(proxy=None, authorizer=None)
    if isinstance(settings.hosting, ManagedInstances):  # Lambda bounds it by its environments.
        return ReservedConcurrency(proxy=None, authorizer=_authorizer(settings))
    proxy = wanted if isinstance(wanted, int) else _proxy(settings, endpoint_requests)
    for name, limit in settings.limits.items():
        if limit.burst > proxy:
            raise RefusedValueError(
                f"burst of {name} must be at most the {proxy} executions that the proxy reserves,"
                f" got {limit.burst}: lower it, or raise reserved_concurrency"
            )
    return ReservedConcurrency(proxy=proxy, authorizer=_authorizer(settings))


def _proxy(settings: ApiSettings, endpoint_requests: int) -> int:
    """Return as many executions as the endpoint admits requests at its largest, and headroom.

    A stream holds an execution for as long as it lasts: with fewer, instances that are paid for
    would stand idle. More would be of no use: TGI refuses what it does not admit, and what vLLM and
    llama.cpp queue beyond the headroom would only wait longer. The headroom is for requests that
    are over at once, so that they get through while the endpoint is full: what TGI refuses
    (`model_overloaded`), what the proxy refuses, /v1/models, and the open routes: it covers at
    least a burst of each, and one of preflights. Of requests that take less than a second, as many
    as a client may send in one can come at once.
    """
    open_routes = 1 + settings.playground + bool(settings.cors_origins)
    headroom = max(math.ceil(endpoint_requests * _HEADROOM), open_routes * OPEN_ROUTE_LIMIT.burst)
    a_second = math.ceil(max(limit.rate for limit in settings.limits.values()))
    return max(endpoint_requests + headroom, a_second)


def _authorizer(settings: ApiSettings) -> int | None:
    """Return a small share of its own, which streams cannot use up.

    Answers are cached for an hour by token: it is asked all at once when a client begins with a
    burst, by as many requests as the burst has. A flood of invented tokens finds no more than this:
    at some 5 ms a call 10 executions answer 2,000 a second.
    """
    if settings.authentication is Authentication.IAM:
        return None
    return max(_MIN_AUTHORIZATIONS, *(limit.burst for limit in settings.limits.values()))
