"""A line of the plan's tables, and how they are printed."""

from collections.abc import Sequence
from typing import NamedTuple

from sagemaker_llm.sizing.sizing import Sizing


class PlanRow(NamedTuple):
    """A setting, its value, and why it is that."""

    subject: str
    value: str
    reason: str


def shown(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def fixed(sizing: Sizing, name: str) -> str:
    """Return the reason for a number that a person decided; empty for one that is derived."""
    given = sizing.load.fixed.get(name)
    derived = {
        "min_instances": sizing.derived_min,
        "max_instances": sizing.derived_max,
        "target_concurrent_requests": sizing.derived_target,
        "max_concurrent_requests": sizing.derived_limit,
    }[name]
    return "" if given is None else f"fixed: {given.reason} (derived: {derived:g})"
