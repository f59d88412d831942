"""What an environment's instances cost a month."""

import _paths  # noqa: F401  # isort: skip  # first: it makes the imports below find their packages

from operate.preflight.plan import Fleet, Plan
from operate.preflight.row import Row, Verdict
from sagemaker_llm.sizing.prices import COLLECTED_ON, HOURS_A_MONTH, INSTANCE_HOUR


def cost(plan: Plan) -> Row:
    """Tell what the instances that always run cost a month."""
    subject, fleet = "cost a month", plan.fleet
    if fleet.instance_type not in INSTANCE_HOUR:
        found = f"the price of {fleet.instance_type} is unknown"
        return Row(subject, Verdict.UNKNOWN, found, "see aws.amazon.com/sagemaker/ai/pricing")
    where = "us-east-1" if plan.region == "us-east-1" else f"us-east-1; {plan.region}'s is unknown"
    return Row(
        subject,
        Verdict.OK,
        f"{_dollars(fleet)} in {where}",
        f"always on: {_count(fleet)} {fleet.instance_type}, by price lists as collected on"
        f" {COLLECTED_ON}; keys, requests, storage and logs come on top",
    )


def month(fleet: Fleet) -> tuple[float, float]:
    """Return what the smallest and the largest fleet cost a month."""
    price = INSTANCE_HOUR[fleet.instance_type] * HOURS_A_MONTH
    return fleet.smallest * price, fleet.largest * price


def _dollars(fleet: Fleet) -> str:
    least, most = month(fleet)
    return f"{least:,.0f} USD" if least == most else f"{least:,.0f} to {most:,.0f} USD"


def _count(fleet: Fleet) -> str:
    same = fleet.smallest == fleet.largest
    return str(fleet.smallest) if same else f"{fleet.smallest} to {fleet.largest}"
