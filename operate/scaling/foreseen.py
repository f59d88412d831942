"""The same ramp, simulated."""

import numpy as np

from operate.scaling import ramp
from operate.scaling.rehearsal import first_instances
from sagemaker_llm.sizing.formula.demand import Demand
from sagemaker_llm.sizing.sizing import Sizing
from simulation import policies
from simulation.day import Day, Situation


def simulated(sizing: Sizing, seed: int = 1) -> Day:
    """Return what the simulation foresees of the ramp under the plan."""
    demand, load = sizing.demand, sizing.load
    situation = Situation(
        rate=ramp.rates(load.workload),
        demand=demand,
        objective=load.objective,
        declared=demand,
        others=Demand(demand.service, (ramp.others(load.workload),)),
        comes_other=ramp.are_others(),
    )
    way = policies.plan(sizing)
    minimums = np.roll(way.minimums, -ramp.START_MINUTE)
    return situation.run(
        way.policy,
        first_instances(sizing),
        minimums=minimums,
        counts_work=way.counts_work,
        seed=seed,
    )
