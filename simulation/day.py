"""A day's run: the series of a simulation, and what they come to."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sagemaker_llm.sizing.formula.demand import Demand
from sagemaker_llm.sizing.formula.workload import Objective
from simulation.engine.events import (
    ENDED,
    FIRSTS_TAKE,
    INSTANCES,
    MILLISECONDS,
    MISSED,
    REFUSED,
    TOKENS_TAKE,
    Scaling,
    simulate,
)
from simulation.engine.inputs import NO_OTHERS, Booleans, Floats, Integers, Policy, requests_of
from simulation.engine.latencies import PLACES, percentile
from simulation.engine.pooled import Pool, simulate_pooled

# From as many instances on, the pooled model is right and the events are slow.
POOLED_FROM = 30
_NO_FLOATS = np.zeros(0)
_NO_INTEGERS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Day:
    """What happened: a row each 10 seconds."""

    series: Floats

    @cached_property
    def requests(self) -> float:
        """The requests that ended, or were refused for good."""
        return float(self.series[:, ENDED].sum() + self.series[:, REFUSED].sum())

    @cached_property
    def missed(self) -> float:
        """The share that missed the objective: too slow, or refused."""
        lost = self.series[:, MISSED].sum() + self.series[:, REFUSED].sum()
        return float(lost) / max(self.requests, 1.0)

    @cached_property
    def hours(self) -> float:
        """The instance-hours that are paid for."""
        return float(self.series[:, INSTANCES].sum()) / 360

    @cached_property
    def milliseconds(self) -> Floats:
        """The mean milliseconds a token in each row; not a number where nothing ended."""
        ended = self.series[:, ENDED]
        with np.errstate(invalid="ignore"):
            return np.asarray(self.series[:, MILLISECONDS] / ended)

    def token_percentile(self, share: float, rows: int) -> Floats:
        """Return what a share of each so many rows took for a token, as a part of the promise.

        Not a number where nothing ended; 2 stands for more as well. The pooled model counts none.
        """
        return self._percentile(TOKENS_TAKE, share, rows)

    def first_token_percentile(self, share: float, rows: int) -> Floats:
        """Return the same of the first token."""
        return self._percentile(FIRSTS_TAKE, share, rows)

    def _percentile(self, begin: int, share: float, rows: int) -> Floats:
        counts = self.series[:, begin : begin + PLACES].reshape(-1, rows, PLACES).sum(axis=1)
        return percentile(counts, share)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A day's load, and the promise."""

    rate: Floats
    demand: Demand
    objective: Objective
    declared: Demand  # by which work is counted
    # Answers of exactly one length keep in step where a fleet is balanced: their prompts come in
    # bunches, which no real traffic does.
    spread: float = 0.0
    # What comes instead, and in which seconds; the pooled model knows none.
    others: Demand | None = None
    comes_other: Booleans = field(default_factory=lambda: NO_OTHERS)

    def run(
        self,
        policy: Policy,
        first: int,
        *,
        minimums: Floats = _NO_FLOATS,
        given: Integers = _NO_INTEGERS,
        counts_work: bool = False,
        pooled: bool = False,
        seed: int = 1,
    ) -> Day:
        """Simulate the day from a fleet of `first` instances."""
        scaling = Scaling(policy, minimums, given)
        if pooled:
            return Day(simulate_pooled(self._pool(counts_work=counts_work), scaling, first, seed))
        declared = self.declared if counts_work else None
        requests = requests_of(
            self.rate,
            self.demand,
            self.objective,
            spread=self.spread,
            declared=declared,
            others=self.others,
            comes_other=self.comes_other,
        )
        return Day(simulate(requests, scaling, first, seed))

    def _pool(self, *, counts_work: bool) -> Pool:
        demand = self.demand
        return Pool(
            rate=self.rate,
            tokens=demand.output_tokens,
            step=demand.service.step,
            slope=demand.slope,
            spread=demand.prefill_variance / demand.output_tokens**2,
            slow_token=self.objective.milliseconds_per_token,
            weight=demand.work[0] / self.declared.work[0] if counts_work else 1.0,
            in_step=len({shape.output_tokens for shape in demand.shapes}) == 1,
        )
