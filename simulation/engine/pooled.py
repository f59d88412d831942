"""The day of a large fleet: its instances as one, in steps of 0.2 seconds.

It decides how the fleet grows as the events do, at any size in a tenth of a second: refusals,
retries and the clients' rates included. Of what is missed it knows only promises for the whole
answer, and takes all answers to be as long as the mean: `simulation.sampled` is for others.
"""

import math
from typing import NamedTuple

import numpy as np

from simulation.engine.compiled import compiled
from simulation.engine.control import decide, new_control, observe, scaled_in, scaled_out
from simulation.engine.events import (
    ARRIVED,
    COLUMNS,
    ENDED,
    IN_FLIGHT,
    INSTANCES,
    MILLISECONDS,
    MISSED,
    REFUSED,
    SERVING,
    THROTTLED,
    THROTTLED_MILLISECONDS,
    TURNED_AWAY,
    Scaling,
    minimum_at_tick,
)
from simulation.engine.fleet import start_seconds
from simulation.engine.inputs import Floats, Policy

_STEP = 200.0
_STEPS_A_TICK = 50
_STEPS_A_SECOND = 5


class Pool(NamedTuple):
    """Equal requests at a fleet that is balanced; times in milliseconds."""

    rate: Floats
    tokens: float
    step: float
    slope: float
    spread: float  # the variance of a prefill a token
    slow_token: float
    weight: float  # of a request in the metric
    in_step: bool  # all answers are of one length: those of balanced instances end in bunches


class _Cohorts(NamedTuple):
    """Requests by the step in which they come or enter, and by how often they were sent before."""

    pool: Pool
    policy: Policy
    due: Floats
    due_since: Floats  # the sum of when they were first sent
    inside: Floats
    inside_since: Floats
    entered: Floats  # by the tokens that the fleet had gained


@compiled
def _send_back(
    cohorts: _Cohorts, at: tuple[int, int], count: float, milliseconds: float, row: Floats
) -> None:
    """Let requests come again, or refuse them for good."""
    tries, x = at
    if count <= 0:
        return
    if tries + 1 == cohorts.due.shape[1]:
        row[REFUSED] += count
        return
    later = x + max(int(milliseconds / _STEP), 1)
    if later < len(cohorts.due):
        cohorts.due[later, tries + 1] += count
        since = cohorts.due_since[x, tries] / cohorts.due[x, tries]
        cohorts.due_since[later, tries + 1] += count * since


@compiled
def _enter(
    cohorts: _Cohorts, x: int, room: float, bucket: float, row: Floats
) -> tuple[float, float]:
    """Admit what has room of all that comes in a step; return how many, and what passed the rates.

    Those that come again have no better chance than the others.
    """
    policy, asked = cohorts.policy, cohorts.due[x].sum()
    passing = asked if policy.client_rate <= 0 else min(asked, bucket)
    entering = min(passing, max(room, 0.0))
    if asked <= 0:
        return 0.0, 0.0
    for tries in range(cohorts.due.shape[1]):
        count = cohorts.due[x, tries]
        if count <= 0:
            continue
        # All of them where the shares are 1, to the last digit.
        passed, entered = count * (passing / asked), count * (entering / asked)
        row[THROTTLED] += count - passed
        row[TURNED_AWAY] += passed - entered
        _send_back(cohorts, (tries, x), count - passed, THROTTLED_MILLISECONDS, row)
        _send_back(cohorts, (tries, x), passed - entered, 1000.0 * policy.retry_after, row)
        cohorts.inside[x, tries] = entered
        cohorts.inside_since[x, tries] = cohorts.due_since[x, tries] / count
    return entering, passing


@compiled
def _leave(cohorts: _Cohorts, head: int, ended: float, deviation: float, row: Floats) -> float:
    """Count the requests of a cohort that ends; return how many they are."""
    pool, total = cohorts.pool, 0.0
    for tries in range(cohorts.inside.shape[1]):
        count = cohorts.inside[head, tries]
        if count <= 0:
            continue
        latency = (ended - cohorts.inside_since[head, tries]) / pool.tokens
        row[ENDED] += count
        row[MISSED] += count * 0.5 * math.erfc((pool.slow_token - latency) / deviation)
        row[MILLISECONDS] += count * latency
        total += count
    return total


@compiled
def _busiest(pool: Pool, in_flight: float, active: int) -> float:
    """Return the most requests of an instance, as the events have them with 35 to 1,000."""
    mean, above = in_flight / active, 0.15
    if pool.in_step:
        above = max((0.076 - 0.021 * math.log10(active)) * mean, above)
    return float(math.ceil(mean + above))


@compiled
def simulate_pooled(pool: Pool, scaling: Scaling, first: int, seed: int) -> Floats:
    """Return the day's series, as the events do."""
    np.random.seed(seed)
    policy, steps = scaling.policy, len(pool.rate) * _STEPS_A_SECOND
    series = np.zeros((steps // _STEPS_A_TICK, COLUMNS))
    sent = (steps, int(policy.retries) + 1)
    due, inside = (np.zeros(sent), np.zeros(sent)), (np.zeros(sent), np.zeros(sent))
    cohorts = _Cohorts(pool, policy, *due, *inside, np.zeros(steps))
    control, ready, bucket = new_control(), np.zeros(8192), policy.client_burst
    active, starting, in_flight, gained, head = first, 0, 0.0, 0.0, 0
    for x in range(steps):
        now, tick = x * _STEP, x // _STEPS_A_TICK
        row = series[tick]
        if x % _STEPS_A_TICK == 0:
            left = ready[:starting][ready[:starting] > now]
            active, starting = active + starting - len(left), len(left)
            ready[:starting] = left
            if tick > 0:
                busiest = min(_busiest(pool, in_flight, active), policy.limit)
                observe(control, tick - 1, active, busiest, series[tick - 1, ARRIVED])
            minimum = minimum_at_tick(scaling, tick)
            wanted = decide(control, tick, active, starting, minimum, policy)
            if len(scaling.given) > 0:
                active = scaling.given[tick]
            elif wanted > active + starting:
                last = now
                for _ in range(wanted - active - starting):
                    ready[starting] = now + 1000.0 * start_seconds(policy)
                    last = max(last, ready[starting])
                    starting += 1
                scaled_out(control, last, policy)
            elif wanted < active + starting:
                active = max(wanted - starting, 1)
                scaled_in(control, now, policy)
            row[INSTANCES], row[SERVING], row[IN_FLIGHT] = active + starting, active, in_flight
        # A cohort arrives in the middle of its step.
        middle = (x + 0.5) * _STEP
        arrived = float(np.random.poisson(pool.rate[x // _STEPS_A_SECOND] * _STEP / 1000.0))
        cohorts.due[x, 0], cohorts.due_since[x, 0] = arrived, arrived * middle
        each = pool.step + pool.slope * in_flight / active
        cohorts.entered[x] = gained + 0.5 * _STEP / each
        bucket = min(bucket + policy.client_rate * _STEP / 1000.0, policy.client_burst)
        room = policy.limit * active - in_flight
        entering, passing = _enter(cohorts, x, room, bucket, row)
        bucket, in_flight = bucket - passing, in_flight + entering
        row[ARRIVED] += passing * pool.weight
        after = gained + _STEP / each
        while head <= x and cohorts.entered[head] + pool.tokens <= after:
            ended = (cohorts.entered[head] + pool.tokens - gained) * each + now
            deviation = math.sqrt(2 * (1 + in_flight / active) * pool.spread) + 1e-9
            in_flight -= _leave(cohorts, head, ended, deviation, row)
            head += 1
        gained = after
    return series
