"""A day by events, whatever the fleet's size: of a busy one, each so many ticks stand for others.

The pooled model then decides the fleet, as scaling needs the whole day. The events of the sampled
ticks follow one another as if the day were shorter, which is still long beside an answer.
"""

import math
from dataclasses import replace

import numpy as np

from simulation.day import Day, Situation
from simulation.engine.control import TICK_SECONDS
from simulation.engine.events import INSTANCES, SERVING
from simulation.policies import Way

_REQUESTS = 5_000_000  # a day of some 45 instances: six seconds


def simulated_by_events(
    situation: Situation, way: Way, first: int, *, requests: int = _REQUESTS
) -> Day:
    """Return the day under a way to scale, from `first` instances, by about so many requests."""
    every = math.ceil(situation.rate.sum() / requests)
    if every <= 1:
        return _run(situation, way, first)
    pooled = _run(situation, way, first, pooled=True).series
    rate = situation.rate.reshape(-1, TICK_SECONDS)[::every].ravel()
    fleet = pooled[::every, SERVING].astype(np.int64)
    found = replace(situation, rate=rate).run(way.policy, int(fleet[0]), given=fleet).series
    series = np.repeat(found, every, axis=0)[: len(pooled)]
    series[:, INSTANCES] = pooled[:, INSTANCES]
    return Day(series)


def _run(situation: Situation, way: Way, first: int, *, pooled: bool = False) -> Day:
    return situation.run(
        way.policy, first, minimums=way.minimums, counts_work=way.counts_work, pooled=pooled
    )
