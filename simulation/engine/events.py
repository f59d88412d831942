"""The day, event by event: arrivals, ends, refusals with their retries, and the scaling's ticks."""

import heapq
import math
from typing import NamedTuple

import numpy as np

from simulation.engine.batch import enter, leave
from simulation.engine.compiled import compiled
from simulation.engine.control import (
    TICK,
    Control,
    decide,
    new_control,
    observe,
    scaled_in,
    scaled_out,
)
from simulation.engine.fleet import (
    Fleet,
    activate_at_once,
    admit_ready,
    in_flight_of,
    new_fleet,
    remove,
    start,
)
from simulation.engine.inputs import Floats, Integers, Policy, Requests
from simulation.engine.latencies import PLACES, place_of
from simulation.engine.tournament import NEVER, least_leaf

# The columns of the series: one row each 10 seconds. A request that is turned away comes back, or
# is refused for good; what is throttled does not arrive.
ARRIVED, INSTANCES, SERVING, IN_FLIGHT, ENDED, MISSED, TURNED_AWAY, THROTTLED = range(8)
REFUSED, MILLISECONDS = 8, 9
# Where the counts of the latencies begin: of the tokens, and of the first token if one is promised.
TOKENS_TAKE = 10
FIRSTS_TAKE = TOKENS_TAKE + PLACES
COLUMNS = FIRSTS_TAKE + PLACES
THROTTLED_MILLISECONDS = 1000.0  # until a client retries: the gateway's answer says so


class Scaling(NamedTuple):
    """What decides the fleet: a policy, with a minimum for each minute or a given fleet a tick."""

    policy: Policy
    minimums: Floats
    given: Integers


@compiled
def simulate(requests: Requests, scaling: Scaling, first: int, seed: int) -> Floats:
    """Return the day's series, from a fleet of so many instances that are ready."""
    np.random.seed(seed)
    ticks = len(requests.rate) // 10
    series = np.zeros((ticks, COLUMNS))
    fleet, control = new_fleet(scaling.policy), new_control()
    activate_at_once(fleet, first)
    retries = [(NEVER, 0.0, 0, 0)]
    bucket = np.array([scaling.policy.client_burst, 0.0])
    arrival, tick = _next_arrival(0.0, requests.rate), 0
    while True:
        due = tick * TICK
        now = min(arrival, fleet.departures[1], retries[0][0], due)
        if now == due:
            if tick == ticks:
                return series
            _tick(fleet, control, scaling, tick, series)
            tick += 1
            continue
        x = tick - 1
        if now == fleet.departures[1]:
            each, first_token, missed = leave(fleet, least_leaf(fleet.departures), now, requests)
            series[x, ENDED] += 1
            series[x, MISSED] += missed
            series[x, MILLISECONDS] += each
            series[x, TOKENS_TAKE + place_of(each / requests.slow_token)] += 1
            if requests.late_first_token > 0:
                place = place_of(first_token / requests.late_first_token)
                series[x, FIRSTS_TAKE + place] += 1
            continue
        if now == arrival:
            began, tries, q = now, 0, _shape_at(now, requests)
            arrival = _next_arrival(now, requests.rate)
        else:
            _, began, q, tries = heapq.heappop(retries)
        i, back = least_leaf(fleet.loads), now
        if _is_throttled(bucket, now, scaling.policy):
            series[x, THROTTLED] += 1
            back += THROTTLED_MILLISECONDS
        else:
            series[x, ARRIVED] += requests.weight[q]
            if fleet.in_flight[i] < int(scaling.policy.limit):
                enter(fleet, i, now, began, q, requests)
                continue
            series[x, TURNED_AWAY] += 1
            back += 1000.0 * scaling.policy.retry_after
        if tries < int(scaling.policy.retries):
            heapq.heappush(retries, (back, began, q, tries + 1))
        else:
            series[x, REFUSED] += 1


@compiled
def _shape_at(now: float, requests: Requests) -> int:
    """Return a shape of the mix that comes then, at random."""
    mix, draw, q = requests.mix[int(now // 1000.0)], np.random.random(), 0
    while draw > requests.cumulative[mix, q]:
        q += 1
    return q


@compiled
def _is_throttled(bucket: Floats, now: float, policy: Policy) -> bool:
    """Return whether the clients' rates keep a request out; the bucket's are since when it says."""
    if policy.client_rate <= 0:
        return False
    bucket[0] += policy.client_rate * (now - bucket[1]) / 1000.0
    bucket[0], bucket[1] = min(bucket[0], policy.client_burst), now
    if bucket[0] < 1:
        return True
    bucket[0] -= 1
    return False


@compiled
def minimum_at_tick(scaling: Scaling, tick: int) -> float:
    """Return the fewest instances that scaling may ask for at a tick."""
    minimum = scaling.policy.minimum
    if len(scaling.minimums) > 0:
        minimum = max(minimum, scaling.minimums[tick // 6 % len(scaling.minimums)])
    return minimum


@compiled
def _tick(fleet: Fleet, control: Control, scaling: Scaling, tick: int, series: Floats) -> None:
    now, policy = tick * TICK, scaling.policy
    admit_ready(fleet, now)
    busiest, total = in_flight_of(fleet)
    if tick > 0:
        observe(control, tick - 1, fleet.counts[0], busiest, series[tick - 1, ARRIVED])
    minimum = minimum_at_tick(scaling, tick)
    active, starting = fleet.counts
    if len(scaling.given) > 0:
        wanted = scaling.given[tick]
        activate_at_once(fleet, wanted - active)
    else:
        wanted = decide(control, tick, active, starting, minimum, policy)
        if wanted > active + starting:
            scaled_out(control, start(fleet, wanted - active - starting, now, policy), policy)
    if wanted < active + starting:
        remove(fleet, active + starting - wanted)
        scaled_in(control, now, policy)
    # Paid from the order on.
    series[tick, INSTANCES], series[tick, SERVING] = fleet.counts.sum(), fleet.counts[0]
    series[tick, IN_FLIGHT] = total


@compiled
def _next_arrival(now: float, rate: Floats) -> float:
    """Return when the next request comes, by a rate that changes each second; NEVER at the end."""
    left, second = -math.log(1.0 - np.random.random()), int(now // 1000.0)
    while second < len(rate):
        each, remaining = rate[second] / 1000.0, (second + 1) * 1000.0 - now
        if each * remaining >= left:
            return float(now + left / each)
        left -= each * remaining
        second += 1
        now = second * 1000.0
    return NEVER
