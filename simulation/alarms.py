"""When the alarms of a plan ring on a simulated day, by the rules that CloudWatch goes by."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sagemaker_llm.sizing.sizing import ALARM_MINUTES, ALARM_MINUTES_AT_MAXIMUM, Sizing
from simulation.day import Day
from simulation.engine.events import ARRIVED, COLUMNS, IN_FLIGHT, SERVING, TURNED_AWAY
from simulation.engine.inputs import Integers

_ROWS_A_MINUTE = 6


def ringing(day: Day, sizing: Sizing) -> Mapping[str, Integers]:
    """Return the minutes after which each alarm is in the state ALARM."""
    rows = day.series.reshape(-1, _ROWS_A_MINUTE, COLUMNS)
    asked, refused = rows[..., ARRIVED].sum(axis=1), rows[..., TURNED_AWAY].sum(axis=1)
    in_flight = (rows[..., IN_FLIGHT] / rows[..., SERVING]).mean(axis=1)
    serves_all = rows[..., SERVING].mean(axis=1) > sizing.max_instances - 0.5
    above = serves_all & (in_flight > sizing.in_flight_at_maximum)
    return {
        "InFlight": _after(in_flight > sizing.concurrency_alarm, ALARM_MINUTES),
        "Refused": _after(refused > sizing.max_refused_share * asked, ALARM_MINUTES),
        "AtMaximum": _after(above, ALARM_MINUTES_AT_MAXIMUM),
    }


def _after(breaching: NDArray[np.bool_], minutes: int) -> Integers:
    """Return the minutes that end as many breaching ones."""
    if len(breaching) < minutes:
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(breaching, minutes)
    return np.flatnonzero(windows.all(axis=1)) + minutes - 1
