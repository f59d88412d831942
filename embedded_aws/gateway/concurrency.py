"""Lambda's concurrency where ministack lacks it: what templates reserve, and streams that count.

ministack itself holds the functions that are no web servers to what is reserved for them.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from embedded_aws.cloudformation.provisioning import after_provisioning, before_provisioning
from embedded_aws.core.emulator import Json, Response, functions
from embedded_aws.quotas.catalog import EXECUTIONS

# What AWS keeps for functions without a reservation.
_MIN_UNRESERVED = 100

_REFUSAL = (
    "Specified ReservedConcurrentExecutions for function decreases account's"
    f" UnreservedConcurrentExecution below its minimum value of [{_MIN_UNRESERVED}]."
)

_executions: Counter[str] = Counter()  # of web functions, by the ARN of what they are taken from


class ThrottledError(Exception):
    """All executions of a function are taken."""


def install() -> None:
    """Keep the reservations that templates and callers make, and refuse what AWS refuses."""
    before_provisioning("AWS::Lambda::Function", _check)
    after_provisioning("AWS::Lambda::Function", _keep)
    put = functions._put_function_concurrency

    def checked_put(name: str, data: Json) -> Response:
        if _exceeds(name, data.get("ReservedConcurrentExecutions", 0)):
            code = "InvalidParameterValueException"
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
            return 400, headers, json.dumps({"Type": "User", "message": _REFUSAL}).encode()
        answer: Response = put(name, data)
        return answer

    functions._put_function_concurrency = checked_put
    settings = functions._get_account_settings

    def account_settings() -> Response:
        functions._ACCOUNT_CONCURRENCY_CAP = int(EXECUTIONS.applied())
        answer: Response = settings()
        return answer

    functions._get_account_settings = account_settings


@contextmanager
def execution(function_arn: str, reserved: int | None) -> Iterator[None]:
    """Take one execution of a web function for a while; raises ThrottledError when none is free."""
    limit = int(EXECUTIONS.applied()) - _reserved() if reserved is None else reserved
    # Functions without a reservation share what is left of their account and region's executions.
    pool = function_arn.rpartition(":")[0] if reserved is None else function_arn
    if _executions[pool] >= limit:
        raise ThrottledError(f"{function_arn}: all {limit} executions are in use")
    _executions[pool] += 1
    try:
        yield
    finally:
        _executions[pool] -= 1


def _check(name: str | None, props: Json) -> None:
    if _exceeds(name, int(props.get("ReservedConcurrentExecutions", 0))):
        raise ValueError(_REFUSAL)


def _keep(name: str, props: Json) -> None:
    wanted = props.get("ReservedConcurrentExecutions")
    functions._functions[name]["concurrency"] = None if wanted is None else int(wanted)


def _exceeds(name: str | None, wanted: int) -> bool:
    allowed = int(EXECUTIONS.applied()) - _MIN_UNRESERVED
    return wanted > 0 and _reserved(besides=name) + wanted > allowed


def _reserved(besides: str | None = None) -> int:
    """Return what the functions of the current request's account and region reserve together."""
    others = (record for name, record in functions._functions.items() if name != besides)
    return sum(record["concurrency"] or 0 for record in others)
