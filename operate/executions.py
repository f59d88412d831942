"""An execution of the fine-tuning pipeline, shown as it runs."""

import sys
import time
from datetime import datetime
from typing import Any

from operate.stacks import client

_POLL_SECONDS = 1.0
_RUNNING = ("Executing", "Stopping")
_WIDTHS = (16, 11, 9, 60)


def watch(execution_arn: str) -> dict[str, Any]:
    """Show the steps until the execution ends; returns its description."""
    shown: list[str] = []
    while True:
        execution: dict[str, Any] = client("sagemaker").describe_pipeline_execution(
            PipelineExecutionArn=execution_arn
        )
        lines = table(steps(execution_arn), datetime.now().astimezone())
        shown = _show(lines, shown)
        if execution["PipelineExecutionStatus"] not in _RUNNING:
            return execution
        time.sleep(_POLL_SECONDS)


def steps(execution_arn: str) -> list[dict[str, Any]]:
    """The steps that have begun, oldest first."""
    pages = (
        client("sagemaker")
        .get_paginator("list_pipeline_execution_steps")
        .paginate(PipelineExecutionArn=execution_arn, SortOrder="Ascending")
    )
    return [step for page in pages for step in page["PipelineExecutionSteps"]]


def table(found: list[dict[str, Any]], now: datetime) -> list[str]:
    """One line for each step: its name, its status, how long it has taken and what it made."""
    rows = [("step", "status", "seconds", "")]
    for step in found:
        began = step.get("StartTime", now)
        seconds = (step.get("EndTime", now) - began).total_seconds()
        status = "Cached" if "CacheHitResult" in step else step["StepStatus"]
        rows.append((step["StepName"], status, f"{max(seconds, 0):.0f}", _made(step)))
    widths = _WIDTHS
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _made(step: dict[str, Any]) -> str:
    if reason := step.get("FailureReason"):
        return str(reason)
    for kind, facts in step.get("Metadata", {}).items():
        if kind == "Condition":
            return str(facts.get("Outcome", ""))
        if "Arn" in facts:
            return str(facts["Arn"]).partition("/")[2]
    return ""


def _show(lines: list[str], shown: list[str]) -> list[str]:
    """Draw the table over the last one in a terminal; elsewhere print what is new of it."""
    if sys.stdout.isatty():
        up = f"\x1b[{len(shown)}A\x1b[J" if shown else ""
        print(up + "\n".join(lines), flush=True)
        return lines
    ended = [line for line in lines if "Executing" not in line]
    for line in ended[len(shown) :]:
        print(line, flush=True)
    return [*shown, *ended[len(shown) :]]
