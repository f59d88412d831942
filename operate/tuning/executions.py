"""An execution of the fine-tuning pipeline, shown as it runs."""

import sys
from datetime import datetime
from functools import partial
from typing import Any

from operate.environment import Client
from operate.polling import polled

_POLL_SECONDS = 1.0
_RUNNING = ("Executing", "Stopping")
_WIDTHS = (16, 11, 9, 60)

Row = tuple[str, str, str, str]


def follow(sagemaker: Client, execution_arn: str, every: float = _POLL_SECONDS) -> dict[str, Any]:
    """Show the steps until the execution ends, and return its description."""
    show = _draw if sys.stdout.isatty() else _tell
    shown: list[Row] = []
    describe = partial(sagemaker.describe_pipeline_execution, PipelineExecutionArn=execution_arn)
    execution: dict[str, Any] = {}
    for execution in polled(describe, every=every):
        found = rows(steps(sagemaker, execution_arn), datetime.now().astimezone())
        show(found, shown)
        shown = found
        if execution["PipelineExecutionStatus"] not in _RUNNING:
            break
    return execution


def steps(sagemaker: Client, execution_arn: str) -> list[dict[str, Any]]:
    """Return the steps that have started, oldest first."""
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=execution_arn, SortOrder="Ascending"
    )
    return [step for page in pages for step in page["PipelineExecutionSteps"]]


def rows(found: list[dict[str, Any]], now: datetime) -> list[Row]:
    """Return a row for each step: its name, its status, its duration and what it made."""
    table: list[Row] = [("step", "status", "seconds", "")]
    for step in found:
        began = step.get("StartTime", now)
        seconds = (step.get("EndTime", now) - began).total_seconds()
        status = "Cached" if "CacheHitResult" in step else step["StepStatus"]
        table.append((step["StepName"], status, f"{max(seconds, 0):.0f}", _made(step)))
    return table


def _made(step: dict[str, Any]) -> str:
    if reason := step.get("FailureReason"):
        return str(reason)
    for kind, facts in step.get("Metadata", {}).items():
        if kind == "Condition":
            return str(facts.get("Outcome", ""))
        if "Arn" in facts:
            return str(facts["Arn"]).partition("/")[2]
    return ""


def _draw(found: list[Row], shown: list[Row]) -> None:
    """Draw the table over the previous one, in a terminal."""
    up = f"\x1b[{len(shown)}A\x1b[J" if shown else ""
    print(up + "\n".join(map(_line, found)), flush=True)


def _tell(found: list[Row], shown: list[Row]) -> None:
    """Print each step whose status is new."""
    known = {row[:2] for row in shown}
    for row in found:
        if row[:2] not in known:
            print(_line(row), flush=True)


def _line(row: Row) -> str:
    columns = zip(row, _WIDTHS, strict=True)
    return "  ".join(text.ljust(width) for text, width in columns).rstrip()
