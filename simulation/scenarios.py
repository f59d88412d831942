"""The scenarios: days that are as declared, and days that are not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sagemaker_llm.sizing.formula.demand import Demand
from sagemaker_llm.sizing.formula.profile import published_profile
from sagemaker_llm.sizing.formula.service import fit
from sagemaker_llm.sizing.formula.staffing import capacity
from sagemaker_llm.sizing.formula.workload import (
    FLAT_DAY,
    OFFICE_DAY,
    SINE_DAY,
    Objective,
    RequestShape,
    Workload,
)
from sagemaker_llm.sizing.load import Load
from sagemaker_llm.sizing.sizing import Sizing
from simulation import days
from simulation.day import POOLED_FROM, Day, Situation
from simulation.engine.inputs import Floats
from simulation.oracle import Best, oracle
from simulation.policies import Way, ways
from simulation.sampled import simulated_by_events

# As SIZING's study: the whole answer within 60 ms a token, of 99 % of the requests.
OBJECTIVE = Objective(milliseconds_per_token=60)
_FULL = 0.985  # of what the peak's fleet holds


def mix(short: float) -> tuple[RequestShape, ...]:
    """Return short and long prompts, a share of them short."""
    return (
        RequestShape(prompt_words=128, output_tokens=128, share=short),
        RequestShape(prompt_words=512, output_tokens=128, share=1 - short),
    )


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A declared load, and the day that comes."""

    sizing: Sizing
    situation: Situation

    @property
    def pooled(self) -> bool:
        """Whether the fleet is so large that its noise is pooled."""
        return self.sizing.peak_instances >= POOLED_FROM

    def run(self, way: Way) -> Day:
        """Simulate the day under a way to scale, from the fleet that its first second needs."""
        return self.situation.run(
            way.policy,
            self._first(way),
            minimums=way.minimums,
            counts_work=way.counts_work,
            pooled=self.pooled,
        )

    def by_events(self, way: Way) -> Day:
        """Simulate the day by events at every size, as promises and answers of all kinds need."""
        return simulated_by_events(self.situation, way, self._first(way))

    def _first(self, way: Way) -> int:
        first = self.sizing.fleet(float(self.situation.rate[0]))
        return int(min(max(first, way.policy.minimum), way.policy.maximum))


def sizing_for(instances: int, curve: tuple[float, ...] = SINE_DAY) -> Sizing:
    """Return the plan of a load whose peak needs so many instances."""
    shapes = mix(0.5)
    demand = Demand(fit(published_profile()), shapes)
    peak = _FULL * capacity(demand, OBJECTIVE, instances)
    mean = sum(days.curved(peak, curve)) / days.DAY_SECONDS if curve != FLAT_DAY else peak
    workload = Workload(
        shapes=shapes,
        peak_requests_per_second=peak,
        mean_requests_per_second=min(mean, peak),
        daily_curve=curve,
    )
    return Sizing(Load(workload=workload, objective=OBJECTIVE, profile=published_profile()))


def scenarios(instances: int) -> Mapping[str, Scenario]:
    """Return all scenarios of a size, by their names in the tables."""
    sine = sizing_for(instances)
    peak, demand = sine.load.workload.peak_requests_per_second, sine.demand
    daily = days.daily(peak)
    longer = replace(demand, shapes=mix(0.3))

    def of(sizing: Sizing, rate: Floats, asked: Demand = demand) -> Scenario:
        situation = Situation(rate=rate, demand=asked, objective=OBJECTIVE, declared=sizing.demand)
        return Scenario(sizing=sizing, situation=situation)

    return {
        "steady": of(sizing_for(instances, FLAT_DAY), days.steady(peak)),
        "daily": of(sine, daily),
        "office": of(sizing_for(instances, OFFICE_DAY), days.office(peak)),
        "+20 %": of(sine, 1.2 * daily),
        "mix 30/70": of(sine, daily, longer),
        "bursts": of(sine, days.bursty(daily)),
        "flash": of(sine, days.flash(daily)),
    }


def row(scenario: Scenario) -> Iterator[tuple[str, float, float, float]]:
    """Yield each way's name, its missed share, its hours, and those hours over the oracle's."""
    best: Best = oracle(scenario.situation, pooled=scenario.pooled)
    yield "oracle", best.missed, best.hours, 1.0
    for name, way in ways(scenario.sizing).items():
        day = scenario.run(way)
        yield name, day.missed, day.hours, day.hours / best.hours
