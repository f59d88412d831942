"""What bounds the requests: the server, the clients' rates, the proxy, time, and the alarms."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from operate.plan.hosting import named
from operate.plan.rows import PlanRow, fixed
from sagemaker_llm import ManagedInstances, Reservation
from sagemaker_llm.api.concurrency import reserved_concurrency
from sagemaker_llm.api.proxy import FUNCTION_TIMEOUT, INTEGRATION_TIMEOUT
from sagemaker_llm.sizing.cost import cheapest_hosting
from sagemaker_llm.sizing.formula.nearest import MAX_STREAM_SECONDS
from sagemaker_llm.sizing.sizing import ALARM_MINUTES, ALARM_MINUTES_AT_MAXIMUM, Sizing

if TYPE_CHECKING:
    from stacks.environment import Environment


def limits(environment: "Environment", sizing: Sizing) -> Iterator[PlanRow]:
    """Yield what an instance admits, the clients' limits, the proxy's, and the timeouts."""
    yield from _admission(environment, sizing)
    for name, limit in environment.api.limits.items():
        yield PlanRow(
            f"limit of {name}",
            f"{limit.rate:g}/s, burst {limit.burst}",
            "rates add up to what the largest fleet serves; a burst is what the smallest admits",
        )
    yield PlanRow(
        "proxy's hosting",
        named(environment.api.hosting),
        "the cheapest at the declared load"
        if environment.api.hosting == cheapest_hosting(sizing)
        else f"fixed: {named(cheapest_hosting(sizing))} would cost less",
    )
    yield executions(environment)
    yield from _times(sizing)


def _admission(environment: "Environment", sizing: Sizing) -> Iterator[PlanRow]:
    server = environment.model.server
    yield PlanRow(
        "MAX_CONCURRENT_REQUESTS",
        str(sizing.max_concurrent_requests),
        fixed(sizing, "max_concurrent_requests")
        or "with more in flight the average request misses the promise; the memory was measured to"
        f" hold {sizing.demand.memory_limit:.0f}",
    )
    if server.refuses_overload:
        yield PlanRow(
            "Retry-After",
            f"{sizing.retry_after_seconds} s",
            "by then all the requests that fill the endpoint now have ended; a new instance takes"
            " longer",
        )
    else:
        yield PlanRow(
            "beyond them",
            "requests wait",
            f"{server.title} queues them and refuses none, so that no 429 tells a client to come"
            " back later: the clients' rates and the scaling keep the queue short",
        )


def executions(environment: "Environment") -> PlanRow:
    """Return how many requests the proxy holds at once."""
    admitted, hosting = environment.max_concurrent_requests, environment.api.hosting
    wanted, server = environment.api.reserved_concurrency, environment.model.server
    holds = f"{admitted} that the largest fleet admits"
    if isinstance(hosting, ManagedInstances):
        return PlanRow(
            "proxy's streams",
            f"at most {hosting.streams}",
            f"{hosting.max_environments} environments, {hosting.max_streams} each, beside the"
            f" {holds}: Lambda adds environments as they fill",
        )
    reserved = reserved_concurrency(environment.api, admitted).proxy
    if reserved is None:
        return PlanRow(
            "proxy's executions",
            "the account's",
            f"none are reserved; each stream holds one, of the {holds}",
        )
    beyond = "refused requests" if server.refuses_overload else "requests that wait"
    return PlanRow(
        "proxy's executions",
        str(reserved),
        f"{holds}, plus headroom for {beyond}"
        if wanted is Reservation.DERIVED
        else f"chosen, beside the {holds}",
    )


def _times(sizing: Sizing) -> Iterator[PlanRow]:
    objective = sizing.load.objective
    yield PlanRow(
        "clients' time limit",
        f"above {sizing.load.answer_seconds:.0f} s",
        "what the longest declared answer takes within the promise; one that is longer takes"
        f" {objective.milliseconds_per_token:g} ms more for each token",
    )
    walls = (MAX_STREAM_SECONDS, FUNCTION_TIMEOUT.to_seconds(), INTEGRATION_TIMEOUT.to_seconds())
    yield PlanRow(
        "timeouts",
        f"{', '.join(f'{seconds:g}' for seconds in walls)} s",
        "of SageMaker's stream, the proxy and the gateway: SageMaker's wall decides, not the load,"
        " as clients may ask for longer answers than are declared",
    )


def alarms(environment: "Environment", sizing: Sizing) -> Iterator[PlanRow]:
    """Yield the thresholds."""
    first, server = sizing.max_time_to_first_token_seconds, environment.model.server
    waiting = "" if server.refuses_overload else "; it counts what waits, too"
    yield PlanRow(
        "alarm: in flight",
        f"{sizing.concurrency_alarm:g} for {ALARM_MINUTES} minutes",
        "on average on an instance: 3 above what keeps the promise, but at most a third of the way"
        f" to what is admitted{waiting}",
    )
    yield PlanRow(
        "alarm: refused",
        f"{sizing.max_refused_share:.1%} for {ALARM_MINUTES} minutes",
        "the share that may miss the promise"
        if server.refuses_overload
        else f"silent: {server.title} refuses nothing; the alarm on requests in flight rings",
    )
    yield PlanRow(
        "alarm: at maximum",
        f"{sizing.in_flight_at_maximum:g} for {ALARM_MINUTES_AT_MAXIMUM} minutes",
        f"on average on an instance while all {sizing.max_instances} run: the fleet cannot grow",
    )
    if first is not None:
        yield PlanRow(
            "update is undone at",
            f"{first:g} s to first token",
            "for one request in ten: five times the promise, as the first requests are slow",
        )
