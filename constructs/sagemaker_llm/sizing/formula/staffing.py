"""The closed formula: square-root staffing for continuous batching.

An instance is an M/G/1 queue of prefills, and a request a delay busy period: its own steps, which
the prefills that arrive meanwhile stretch. The cumulants of that are exact, and no
constant is fitted. Balanced instances pool
the noise of the number of requests; prompts of unequal length inside one instance do not pool.
"""

import math
from functools import lru_cache
from statistics import NormalDist

from .bisection import last_true
from .demand import Demand
from .workload import Objective, RequestShape

MAX_INSTANCES = 1000
_MIN_LOAD, _MAX_LOAD = 1e-4, 0.97
_NORMAL = NormalDist()


@lru_cache(maxsize=65536)
def max_load(demand: Demand, objective: Objective, instances: int) -> float:
    """Return the highest load at which instances keep the objective; 0 if they never do."""

    def keeps(load: float) -> bool:
        return _keeps(demand, objective, load, instances)

    return last_true(_MIN_LOAD, _MAX_LOAD, keeps) if keeps(_MIN_LOAD) else 0.0


def _keeps(demand: Demand, objective: Objective, load: float, instances: int) -> bool:
    """Return whether as few miss as may, and there is room for them: else some are refused."""
    in_flight = demand.in_flight(load, instances) + demand.noise(load, instances)
    has_room = in_flight + 1 <= demand.limit
    return has_room and missed(demand, objective, load, instances) <= 1 - objective.share


def missed(demand: Demand, objective: Objective, load: float, instances: int) -> float:
    """Return the share of the requests that miss the objective at a load."""
    return sum(
        shape.share
        * min(
            _slow_tokens(demand, objective, shape, load, instances)
            + _late_first_token(demand, objective, shape, load, instances),
            1.0,
        )
        for shape in demand.shapes
    )


def capacity(demand: Demand, objective: Objective, instances: int) -> float:
    """Return the requests a second that instances serve within the objective."""
    load = max_load(demand, objective, instances)
    return instances * demand.requests_per_second(load)


def is_kept(demand: Demand, objective: Objective, requests_per_second: float) -> bool:
    """Return whether the largest fleet serves a rate within the objective.

    As `fleet` would say, in one evaluation: fewer miss at a lower load, and in a larger fleet.
    """
    load = max(requests_per_second / MAX_INSTANCES * demand.work[0] / 1000, _MIN_LOAD)
    return load <= _MAX_LOAD and _keeps(demand, objective, load, MAX_INSTANCES)


def fleet(demand: Demand, objective: Objective, requests_per_second: float) -> int:
    """Return the fewest instances that serve a rate; above `MAX_INSTANCES` if none do."""
    high = 1
    while high <= MAX_INSTANCES and capacity(demand, objective, high) < requests_per_second:
        high *= 2
    low, high = high // 2 + 1, min(high, MAX_INSTANCES + 1)
    while low < high:
        middle = (low + high) // 2
        if capacity(demand, objective, middle) >= requests_per_second:
            high = middle
        else:
            low = middle + 1
    return low


def _slow_tokens(
    demand: Demand, objective: Objective, shape: RequestShape, load: float, instances: int
) -> float:
    service, tokens, rest = demand.service, shape.output_tokens, 1 - load
    first, second, third = demand.work
    arrivals = load / first
    of_whole = objective.time_to_first_token_seconds is None
    # A balanced fleet is never empty where a request arrives: it sees less of its own prefill.
    before = 1 + load / rest / instances
    mean = (service.step + demand.slope / instances) / rest
    mean -= demand.mean_prefill / demand.output_tokens * before
    if of_whole:
        mean += service.prefill(shape.prompt_words) / tokens * before
    decoding = arrivals * (tokens * service.step + (first if of_whole else 0.0))
    unequal = (1 - 1 / instances) * demand.in_flight(load, instances) * demand.prefill_variance
    variance = (decoding * second / rest**3 / instances + unequal) / tokens**2
    skew = decoding * (third / rest**4 + 3 * arrivals * second**2 / rest**5)
    skew /= tokens**3 * instances**2 * variance**1.5
    return _tail((objective.milliseconds_per_token - mean) / math.sqrt(variance), skew)


def _tail(distance: float, skew: float) -> float:
    """Return the share beyond so many deviations: Cornish and Fisher's quantile, inverted."""
    a = skew / 6
    inside = 1 + 4 * a * (distance + a)
    if inside <= 0:
        return 1.0
    return 1 - _NORMAL.cdf((math.sqrt(inside) - 1) / (2 * a))


def _late_first_token(
    demand: Demand, objective: Objective, shape: RequestShape, load: float, instances: int
) -> float:
    if objective.time_to_first_token_seconds is None:
        return 0.0
    service = demand.service
    step = service.step + service.per_request * demand.in_flight(load, instances)
    left = 1000 * objective.time_to_first_token_seconds
    left -= service.prefill(shape.prompt_words) + service.admission_steps * step
    return demand.wait_tail(load, left)
