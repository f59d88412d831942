"""The picture: the latency curve with the operating point, and the simulated day."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from operate.plan.days import PLAN
from sagemaker_llm.sizing.formula.workload import Objective
from sagemaker_llm.sizing.sizing import Sizing
from simulation.day import Day
from simulation.engine.events import ARRIVED, ENDED, INSTANCES, MISSED, REFUSED
from simulation.engine.inputs import Floats

_LOAD, _FLEET, _TOKENS, _FIRST, _GREY = "#0f8b8d", "#2b3a55", "#c8553d", "#8e6bbf", "#7b8494"
_OTHERS = ("#e0a030", "#9aa5b8")
_ROWS, _ROWS_AN_HOUR = 60, 360  # ten minutes: fewer requests have no percentile
_HOURS = range(0, 25, 3)


def draw(sizing: Sizing, days: Mapping[str, Day], path: Path) -> None:
    """Write the picture as SVG."""
    # The salt makes the same bytes for the same plan.
    with rc_context({"svg.hashsalt": "plan", "font.size": 9, "axes.spines.top": False}):
        figure = Figure(figsize=(8, 10.5), layout="constrained")
        curve, load, fleet, latency, missed = figure.subplots(
            5, 1, height_ratios=(1, 0.8, 1, 1.2, 0.7)
        )
        _curve(curve, sizing)
        day, objective = days[PLAN], sizing.load.objective
        load.plot(_hours(day), _gathered(day, ARRIVED) / (10 * _ROWS), color=_LOAD)
        load.set_ylabel("requests/s")
        _fleet(fleet, days)
        _latency(latency, objective, day)
        _missed(missed, objective, day)
        for axes in (load, fleet):
            axes.set_ylim(bottom=0)
        for axes in (load, fleet, latency, missed):
            axes.set_xlim(0, 24)
            axes.set_xticks(_HOURS, [f"{hour:02}:00" for hour in _HOURS])
        for axes in (curve, load, fleet, missed):
            axes.spines.right.set_visible(False)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _curve(axes: Axes, sizing: Sizing) -> None:
    demand, objective = sizing.demand, sizing.load.objective
    loads = np.linspace(0.02, min(1.25 * sizing.max_load, 0.95), 100)
    rates = [demand.requests_per_second(load) for load in loads]
    axes.plot(rates, [demand.service.step / (1 - load) for load in loads], color=_TOKENS)
    _promise(axes, objective.milliseconds_per_token)
    points = {"target": sizing.target_load, "all that keeps the promise": sizing.max_load}
    for (name, load), marker in zip(points.items(), "os", strict=True):
        at = demand.requests_per_second(load)
        axes.plot([at], [demand.service.step / (1 - load)], marker, color=_LOAD, label=name)
    axes.set_xlabel("requests/s of an instance")
    axes.set_ylabel("mean ms a token")
    axes.set_ylim(0, 1.2 * objective.milliseconds_per_token)
    axes.legend(frameon=False, loc="lower right")


def _fleet(axes: Axes, days: Mapping[str, Day]) -> None:
    colors = iter(_OTHERS)
    for name, day in days.items():
        is_plan = name == PLAN
        axes.step(
            _hours(day),
            _gathered(day, INSTANCES) / _ROWS,
            label=name,
            color=_FLEET if is_plan else next(colors),
            linewidth=2 if is_plan else 1,
            zorder=3 if is_plan else 2,
            where="post",
        )
    axes.set_ylabel("instances")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, ncols=len(days), loc="lower center")


def _latency(axes: Axes, objective: Objective, day: Day) -> None:
    """Draw both promises at one height: each axis is a scale of the same parts of its promise."""
    share, first = objective.share, objective.time_to_first_token_seconds
    tokens = day.token_percentile(share, _ROWS)
    drawn = [tokens]
    axes.plot(_hours(day), objective.milliseconds_per_token * tokens, color=_TOKENS)
    axes.set_ylabel(f"ms a token, p{100 * share:g}", color=_TOKENS)
    _promise(axes, objective.milliseconds_per_token)
    beside = axes.twinx()
    if first is not None:
        drawn.append(firsts := day.first_token_percentile(share, _ROWS))
        beside.plot(_hours(day), first * firsts, color=_FIRST)
        beside.set_ylabel(f"s to first token, p{100 * share:g}", color=_FIRST)
    top = max(1.2, 1.05 * float(np.nanmax(drawn)))
    axes.set_ylim(0, top * objective.milliseconds_per_token)
    beside.set_ylim(0, top * (first or 1))
    beside.set_visible(first is not None)


def _missed(axes: Axes, objective: Objective, day: Day) -> None:
    refused = _gathered(day, REFUSED)
    ended = np.maximum(_gathered(day, ENDED) + refused, 1)
    missed, allowed = 100 * (_gathered(day, MISSED) + refused) / ended, 100 * (1 - objective.share)
    axes.plot(_hours(day), missed, color=_GREY)
    _promise(axes, allowed)
    axes.set_ylim(0, max(1.4 * allowed, 1.05 * float(missed.max())))
    axes.set_ylabel("missed, %")
    axes.set_xlabel("time of the day")


def _promise(axes: Axes, value: float) -> None:
    axes.axhline(value, color=_GREY, linestyle=":")
    axes.annotate(
        "promise", (0.01, value), xycoords=("axes fraction", "data"), color=_GREY, va="bottom"
    )


def _hours(day: Day) -> Floats:
    return np.asarray(np.arange(len(day.series) // _ROWS) * _ROWS / _ROWS_AN_HOUR)


def _gathered(day: Day, column: int) -> Floats:
    values = day.series[:, column]
    return np.asarray(values.reshape(-1, _ROWS).sum(axis=1))
