"""The same ramp, simulated."""

from dataclasses import replace

import numpy as np

from operate.scaling import ramp
from operate.scaling.rehearsal import first_instances
from sagemaker_llm.sizing.demand import Demand
from sagemaker_llm.sizing.sizing import Sizing
from simulation import policies
from simulation.day import Day, Situation


def simulated(sizing: Sizing) -> Day:
    """Return what the simulation foresees of the ramp under the plan."""
    demand, load = sizing.demand, sizing.load
    # It knows one mix: what is longer comes as more requests of the declared one, as much work.
    long = Demand(demand.service, (replace(ramp.longest(load.workload), share=1.0),))
    more = np.where(ramp.are_longest(), long.work[0] / demand.work[0], 1.0)
    situation = Situation(
        rate=more * ramp.rates(load.workload),
        demand=demand,
        objective=load.objective,
        declared=demand,
    )
    way = policies.plan(sizing)
    minimums = np.roll(way.minimums, -ramp.START_MINUTE)
    return situation.run(way.policy, first_instances(sizing), minimums=minimums)
