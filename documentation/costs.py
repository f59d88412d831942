"""What each environment costs a month, from its declared load and the table of prices."""

from collections.abc import Iterator

import _paths  # noqa: F401  # isort: skip  # first: it makes the imports below find their packages

from sagemaker_llm.sizing import prices
from sagemaker_llm.sizing.cost import instance_hours_a_day, monthly_cost
from stacks import environments

from .markdown import code, page, table

_HEADER = (
    "environment", "instances", "of them on average", "their USD a month", "proxy", "API Gateway",
    "logs", "in all", "a million tokens",
)  # fmt: skip
_INTRODUCTION = f"""
Computed from [`stacks/loads.py`](../../stacks/loads.py), by public price lists of us-east-1
as collected on {prices.COLLECTED_ON}; `make plan`, which simulates the day, comes within a percent.
[What it costs](../cost.md) says what is billed when, and what comes on top: the data's key and
gigabytes, `Prod`'s web firewall, fine-tunings.
"""


def costs_page() -> str:
    """Return docs/reference/costs.md."""
    return page(
        "Costs of the environments",
        _INTRODUCTION,
        table(_HEADER, _rows()),
        "`Local` costs nothing. `Cpu` declares no load, and its instance has no known price.",
        "## What an hour of an instance costs",
        table(
            ("instance type", "USD an hour", "USD a month, always on"),
            (
                (code(name), f"{price:,.3f}", f"{price * prices.HOURS_A_MONTH:,.0f}")
                for name, price in prices.INSTANCE_HOUR.items()
            ),
        ),
    )


def _rows() -> Iterator[tuple[str, ...]]:
    for name in ("dev", "staging", "prod"):
        environment = getattr(environments, name)(account=None, region=None)
        hours = instance_hours_a_day(environment.sizing)
        cost = monthly_cost(environment.sizing, hours, environment.api.hosting)
        scaling = environment.scaling
        parts = (cost.instances, cost.proxy, cost.gateway, cost.logs, cost.total)
        yield (
            code(name.capitalize()),
            f"{scaling.min_instances} to {scaling.max_instances}",
            f"{hours / 24:.2f}",
            *(f"{part:,.0f}" for part in parts),
            f"{cost.per_million_tokens(cost.total):,.2f}",
        )
