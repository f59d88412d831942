"""An oracle: it knows the rates to come, and has each instance ready in time, its start paid.

Its fleet is the formula's for each 10 seconds; one factor is tuned so that 1 % misses. A freer one
may save a percent or two more.
"""

from dataclasses import dataclass

import numpy as np

from sagemaker_llm.sizing.formula.staffing import capacity
from simulation.day import Situation
from simulation.engine.inputs import Policy

_TRIES = 6
_LOOK_TICKS = 6  # a minute
_START_HOURS = 390 / 3600
_LEAST_FACTOR, _GREATEST_FACTOR = 0.9, 1.45


@dataclass(frozen=True)
class Best:
    """What the oracle pays, and misses."""

    hours: float
    missed: float


def oracle(situation: Situation, *, pooled: bool) -> Best:
    """Return the cheapest of its fleets that misses at most 1 %; raises ValueError if none does."""
    rates = situation.rate.reshape(-1, 10).max(axis=1)
    padded = np.concatenate([rates, np.full(_LOOK_TICKS, rates[-1])])
    ahead = np.max([padded[i : i + len(rates)] for i in range(_LOOK_TICKS + 1)], axis=0)
    capacities = _capacities(situation, float(ahead.max()) / _LEAST_FACTOR)
    low, high, best = _LEAST_FACTOR, _GREATEST_FACTOR, None
    for _ in range(_TRIES):
        factor = (low + high) / 2
        fleets = np.searchsorted(capacities, ahead / factor) + 1
        most = Policy(maximum=float(fleets.max() + 1))
        day = situation.run(most, int(fleets[0]), given=fleets, pooled=pooled)
        if day.missed <= 1 - situation.objective.share:
            started = np.maximum(np.diff(fleets), 0).sum() * _START_HOURS
            best, low = Best(day.hours + float(started), day.missed), factor
        else:
            high = factor
    if best is None:
        raise ValueError("no fleet of the oracle's kept the objective")
    return best


def _capacities(
    situation: Situation, greatest: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = [0.0]
    while found[-1] < greatest:
        found.append(capacity(situation.demand, situation.objective, len(found)))
    return np.array(found[1:])
