"""The declared day, simulated under the plan and under what else one might do, and its cost."""

from collections.abc import Mapping, Sequence

from operate.plan.rows import PlanRow
from sagemaker_llm.sizing import prices
from sagemaker_llm.sizing.cost import MonthlyCost, monthly_cost
from sagemaker_llm.sizing.hosting import Hosting
from sagemaker_llm.sizing.sizing import Sizing
from simulation import days, policies
from simulation.day import Day, Situation
from simulation.scenarios import Scenario

PLAN = "this plan"


def simulated(sizing: Sizing) -> Mapping[str, Day]:
    """Return the declared day under the plan, a customary target, and a fixed fleet."""
    load = sizing.load
    situation = Situation(
        rate=days.declared(load.workload),
        demand=sizing.demand,
        objective=load.objective,
        declared=sizing.demand,
    )
    ways = {
        PLAN: policies.plan(sizing),
        "8 requests in flight": policies.tracking_concurrency(sizing, 8.0),
        f"fixed fleet of {sizing.peak_instances}": policies.fixed(sizing, sizing.peak_instances),
    }
    declared = Scenario(sizing=sizing, situation=situation)
    return {name: declared.by_events(way) for name, way in ways.items()}


def costs(sizing: Sizing, hosting: Hosting, simulated_days: Mapping[str, Day]) -> Sequence[PlanRow]:
    """Return a row for each way, and the parts of the plan's cost; raises RefusedValueError."""
    rows = [
        PlanRow(
            name,
            f"{_cost(sizing, hosting, day).total:,.0f} USD a month",
            f"{day.hours:.0f} instance-hours a day, {day.missed:.2%} of {day.requests:,.0f}"
            " requests missed the promise",
        )
        for name, day in simulated_days.items()
    ]
    plan = _cost(sizing, hosting, simulated_days[PLAN])
    parts = {
        "instances": plan.instances,
        "proxy (Lambda)": plan.proxy,
        "API Gateway": plan.gateway,
        "logs": plan.logs,
    }
    rows += [
        PlanRow(
            f"- {name}",
            f"{dollars:,.0f} USD a month",
            f"{plan.per_million_tokens(dollars):.2f} USD for a million generated tokens,"
            f" {dollars / plan.total:.0%}",
        )
        for name, dollars in parts.items()
    ]
    per_million = plan.per_million_tokens(plan.total)
    priced = f"by public price lists of us-east-1 as collected on {prices.COLLECTED_ON}"
    return [*rows, PlanRow("a million tokens", f"{per_million:.2f} USD", priced)]


def _cost(sizing: Sizing, hosting: Hosting, day: Day) -> MonthlyCost:
    return monthly_cost(sizing, day.hours, hosting)
