"""The picture: the latency curve with the operating point, and the simulated day."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from operate.plan.days import PLAN
from sagemaker_llm.sizing.sizing import Sizing
from simulation.day import Day
from simulation.engine.events import ARRIVED, ENDED, INSTANCES, MISSED, REFUSED

_LOAD, _FLEET, _LATENCY, _GREY = "#0f8b8d", "#5c6b8a", "#c8553d", "#7b8494"
_ROWS_IN_FIVE_MINUTES = 30


def draw(sizing: Sizing, days: Mapping[str, Day], path: Path) -> None:
    """Write the picture as SVG."""
    # The salt makes the same bytes for the same plan.
    with rc_context({"svg.hashsalt": "plan", "font.size": 9, "axes.spines.top": False}):
        figure = Figure(figsize=(8, 9), layout="constrained")
        curve, load, fleet, latency = figure.subplots(4, 1)
        _curve(curve, sizing)
        _day(load, fleet, latency, sizing, days)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _curve(axes: Axes, sizing: Sizing) -> None:
    demand, objective = sizing.demand, sizing.load.objective
    loads = np.linspace(0.02, min(1.25 * sizing.max_load, 0.95), 100)
    rates = [demand.requests_per_second(load) for load in loads]
    axes.plot(rates, [demand.service.step / (1 - load) for load in loads], color=_LATENCY)
    axes.axhline(objective.milliseconds_per_token, color=_GREY, linestyle=":")
    points = {"target": sizing.target_load, "all that keeps the promise": sizing.max_load}
    for (name, load), marker in zip(points.items(), "os", strict=True):
        at = demand.requests_per_second(load)
        axes.plot([at], [demand.service.step / (1 - load)], marker, color=_LOAD, label=name)
    axes.set_xlabel("requests/s of an instance")
    axes.set_ylabel("mean ms a token")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _day(load: Axes, fleet: Axes, latency: Axes, sizing: Sizing, days: Mapping[str, Day]) -> None:
    day = days[PLAN]
    hours = np.arange(len(day.series) // _ROWS_IN_FIVE_MINUTES) / 12
    five = {
        column: _gathered(day, column) for column in (ARRIVED, INSTANCES, ENDED, MISSED, REFUSED)
    }
    load.plot(hours, five[ARRIVED] / 300, color=_LOAD)
    load.set_ylabel("requests/s")
    for name, each in days.items():
        count = _gathered(each, INSTANCES) / _ROWS_IN_FIVE_MINUTES
        fleet.step(hours, count, label=name, linewidth=1.8 if name == PLAN else 0.8, where="post")
    fleet.set_ylabel("instances")
    fleet.legend(frameon=False, ncols=3)
    lost = five[MISSED] + five[REFUSED]
    ended = np.maximum(five[ENDED] + five[REFUSED], 1)
    latency.plot(hours, 100 * lost / ended, color=_LATENCY)
    allowed = 100 * (1 - sizing.load.objective.share)
    latency.axhline(allowed, color=_GREY, linestyle=":")
    latency.set_ylabel("missed the promise, %")
    latency.set_xlabel("hour of the day")
    for axes in (load, fleet, latency):
        axes.set_ylim(bottom=0)
        axes.set_xlim(0, 24)


def _gathered(day: Day, column: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = day.series[:, column]
    return np.asarray(values.reshape(-1, _ROWS_IN_FIVE_MINUTES).sum(axis=1))
