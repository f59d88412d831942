"""The day, event by event: arrivals, ends, refusals with their retries, and the scaling's ticks."""

import heapq
from typing import NamedTuple

import numpy as np

from simulation.compiled import compiled
from simulation.control import TICK, Control, decide, new_control, observe, scaled_in, scaled_out
from simulation.fleet import (
    Fleet,
    activate_at_once,
    admit_ready,
    enter,
    in_flight_of,
    leave,
    new_fleet,
    next_arrival,
    remove,
    start,
)
from simulation.inputs import Floats, Integers, Policy, Requests
from simulation.tournament import NEVER, least_leaf

# The columns of the series: one row each 10 seconds.
ARRIVED, INSTANCES, IN_FLIGHT, ENDED, MISSED, REFUSED, MILLISECONDS = range(7)
COLUMNS = 7


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
    arrival, tick = next_arrival(0.0, requests.rate), 0
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
            each, missed = leave(fleet, least_leaf(fleet.departures), now, requests)
            series[x, ENDED] += 1
            series[x, MISSED] += missed
            series[x, MILLISECONDS] += each
            continue
        if now == arrival:
            began, tries = now, 0
            q, draw = 0, np.random.random()
            while draw > requests.cumulative[q]:
                q += 1
            arrival = next_arrival(now, requests.rate)
        else:
            _, began, q, tries = heapq.heappop(retries)
        series[x, ARRIVED] += requests.weight[q]
        i = least_leaf(fleet.loads)
        if fleet.in_flight[i] < int(scaling.policy.limit):
            enter(fleet, i, now, began, q, requests)
        elif tries < int(scaling.policy.retries):
            pause = (
                1000.0 * scaling.policy.back_off * 2.0**tries * (0.75 + 0.5 * np.random.random())
            )
            heapq.heappush(retries, (now + pause, began, q, tries + 1))
        else:
            series[x, REFUSED] += 1


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
    series[tick, INSTANCES], series[tick, IN_FLIGHT] = fleet.counts.sum(), total
