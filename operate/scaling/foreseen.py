"""The same ramp, simulated."""

import numpy as np

from operate.scaling import ramp
from operate.scaling.rehearsal import first_instances
from sagemaker_llm.sizing.sizing import Sizing
from simulation import policies
from simulation.day import Day, Situation


def simulated(sizing: Sizing) -> Day:
    """Return what the simulation foresees of the ramp under the plan."""
    demand, load = sizing.demand, sizing.load
    situation = Situation(
        rate=ramp.rates(load.workload), demand=demand, objective=load.objective, declared=demand
    )
    way = policies.plan(sizing)
    minimums = np.roll(way.minimums, -ramp.START_MINUTE)
    return situation.run(way.policy, first_instances(sizing), minimums=minimums)
