"""Days: requests a second for each second, of the loads that plans are tried with."""

import numpy as np

from sagemaker_llm.sizing.formula.workload import OFFICE_DAY, SINE_DAY, Workload
from simulation.engine.inputs import Floats

DAY_SECONDS = 86_400
_TROUGH = 0.2  # of the peak


def declared(workload: Workload) -> Floats:
    """Return the day that a workload declares."""
    return np.repeat(np.asarray(workload.rates(10)), 10)


def curved(peak: float, curve: tuple[float, ...]) -> Floats:
    """Return a day with a fifth of the peak at its trough."""
    hours = np.arange(DAY_SECONDS) / 3600
    shape = np.interp(hours, np.arange(25), (*curve, curve[0]))
    return np.asarray(peak * (_TROUGH + (1 - _TROUGH) * shape))


def steady(peak: float) -> Floats:
    """Return a day at the peak."""
    return np.full(DAY_SECONDS, peak)


def daily(peak: float) -> Floats:
    """Return a day of a sine, from its trough."""
    return curved(peak, SINE_DAY)


def office(peak: float) -> Floats:
    """Return a day that rises within the hour before nine."""
    return curved(peak, OFFICE_DAY)


def bursty(
    rate: Floats, *, factor: float = 1.5, seconds: float = 300, pause: float = 1500
) -> Floats:
    """Return a day with bursts of minutes, at random."""
    random, day, at = np.random.default_rng(5), rate.copy(), 0
    while at < len(day):
        at += int(random.exponential(pause))
        length = int(random.exponential(seconds)) + 1
        day[at : at + length] *= factor
        at += length
    return day


def flash(rate: Floats) -> Floats:
    """Return a day with a crowd that comes within a minute at three, and stays for twenty."""
    day, at, factor = rate.copy(), 15 * 3600, 3.0
    day[at : at + 60] *= np.linspace(1, factor, 60)
    day[at + 60 : at + 1200] *= factor
    day[at + 1200 : at + 1800] *= np.linspace(factor, 1, 600)
    return day
