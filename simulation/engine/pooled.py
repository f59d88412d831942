"""The day of a large fleet: its instances as one, in steps of 0.2 seconds.

Where the noise of single instances is pooled, as from thirty on, it gives what the events give, at
any size in a tenth of a second. It knows no limit of an instance and no retries.
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
    SERVING,
    TOKENS_TAKE,
    Scaling,
    minimum_at_tick,
)
from simulation.engine.fleet import start_seconds
from simulation.engine.inputs import Floats
from simulation.engine.latencies import PLACES, put_normal

_STEP = 200.0
_STEPS_A_TICK = 50
_STEPS_A_SECOND = 5


class Pool(NamedTuple):
    """Equal requests at a fleet that is balanced; times in milliseconds."""

    rate: Floats
    tokens: float
    step: float
    slope: float
    own: float  # of the mean request's own prefill a token, which the promise leaves out
    spread: float  # the variance of a prefill a token
    slow_token: float
    weight: float  # of a request in the metric


@compiled
def simulate_pooled(pool: Pool, scaling: Scaling, first: int, seed: int) -> Floats:
    """Return the day's series, as the events do."""
    np.random.seed(seed)
    steps = len(pool.rate) * _STEPS_A_SECOND
    series = np.zeros((steps // _STEPS_A_TICK, COLUMNS))
    entered, cohort = np.zeros(steps), np.zeros(steps)
    control, ready = new_control(), np.zeros(8192)
    active, starting, in_flight, gained, head = first, 0, 0.0, 0.0, 0
    for x in range(steps):
        now, tick = x * _STEP, x // _STEPS_A_TICK
        if x % _STEPS_A_TICK == 0:
            left = ready[:starting][ready[:starting] > now]
            active, starting = active + starting - len(left), len(left)
            ready[:starting] = left
            mean = in_flight / active
            if tick > 0:
                busiest = mean + 0.4 + 0.4 * math.log10(active)
                observe(control, tick - 1, active, busiest, series[tick - 1, ARRIVED])
            minimum = minimum_at_tick(scaling, tick)
            wanted = decide(control, tick, active, starting, minimum, scaling.policy)
            if len(scaling.given) > 0:
                active = scaling.given[tick]
            elif wanted > active + starting:
                policy, last = scaling.policy, now
                for _ in range(wanted - active - starting):
                    ready[starting] = now + 1000.0 * start_seconds(policy)
                    last = max(last, ready[starting])
                    starting += 1
                scaled_out(control, last, policy)
            elif wanted < active + starting:
                active = max(wanted - starting, 1)
                scaled_in(control, now, scaling.policy)
            series[tick, INSTANCES], series[tick, SERVING] = active + starting, active
            series[tick, IN_FLIGHT] = in_flight
        arrived = float(np.random.poisson(pool.rate[x // _STEPS_A_SECOND] * _STEP / 1000.0))
        each = pool.step + pool.slope * in_flight / active
        # A cohort arrives in the middle of its step.
        cohort[x], entered[x] = arrived, gained + 0.5 * _STEP / each
        in_flight += arrived
        series[tick, ARRIVED] += arrived * pool.weight
        after = gained + _STEP / each
        while head <= x and entered[head] + pool.tokens <= after:
            ended = (entered[head] + pool.tokens - gained) * each + now
            latency = (ended - (head + 0.5) * _STEP) / pool.tokens - pool.own
            late = (pool.slow_token - latency) / _deviation(pool, in_flight / active)
            share = 0.5 * math.erfc(late / math.sqrt(2.0))
            series[tick, ENDED] += cohort[head]
            series[tick, MISSED] += cohort[head] * share
            series[tick, MILLISECONDS] += cohort[head] * latency
            in_flight, head = in_flight - cohort[head], head + 1
        gained = after
    _count_latencies(pool, series)
    return series


@compiled
def _deviation(pool: Pool, in_flight: float) -> float:
    """Return by how much requests of one moment differ in their milliseconds a token."""
    return math.sqrt((1 + in_flight) * pool.spread) + 1e-9


@compiled
def _count_latencies(pool: Pool, series: Floats) -> None:
    for row in series:
        if row[ENDED] > 0:
            deviation = _deviation(pool, row[IN_FLIGHT] / row[SERVING])
            counts = row[TOKENS_TAKE : TOKENS_TAKE + PLACES]
            mean = row[MILLISECONDS] / row[ENDED] / pool.slow_token
            put_normal(counts, row[ENDED], mean, deviation / pool.slow_token)
