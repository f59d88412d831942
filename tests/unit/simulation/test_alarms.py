"""When the alarms of a plan ring on a simulated day."""

import numpy as np

from simulation.alarms import ringing
from simulation.day import Day
from simulation.engine.events import ARRIVED, COLUMNS, IN_FLIGHT, SERVING, TURNED_AWAY
from simulation.scenarios import sizing_for

_THREE = sizing_for(3)


def _day(minutes: int, serving: int, in_flight: float, asked: float, turned_away: float) -> Day:
    series = np.zeros((6 * minutes, COLUMNS))
    series[:, SERVING], series[:, IN_FLIGHT] = serving, serving * in_flight
    series[:, ARRIVED], series[:, TURNED_AWAY] = asked, turned_away
    return Day(series)


def _rings(day: Day) -> dict[str, list[int]]:
    return {name: minutes.tolist() for name, minutes in ringing(day, _THREE).items()}


def test_alarms_ring_after_their_minutes_in_a_row() -> None:
    above = _THREE.concurrency_alarm + 0.1
    day = _day(16, _THREE.max_instances, above, asked=100, turned_away=1.1)
    found = _rings(day)
    assert found == {"InFlight": [*range(4, 16)], "Refused": [*range(4, 16)], "AtMaximum": [14, 15]}
    day.series[6 * 4 : 6 * 5, [IN_FLIGHT, TURNED_AWAY]] = 0  # one better minute
    found = _rings(day)
    assert found == {"InFlight": [*range(9, 16)], "Refused": [*range(9, 16)], "AtMaximum": []}


def test_alarms_are_silent_where_the_promise_is_kept() -> None:
    promised = _THREE.in_flight(_THREE.max_load)
    quiet = _day(20, _THREE.max_instances - 1, promised, asked=100, turned_away=0.9)
    assert _rings(quiet) == {"InFlight": [], "Refused": [], "AtMaximum": []}
    assert _rings(_day(3, 1, 99, asked=1, turned_away=1)) == {
        "InFlight": [],
        "Refused": [],
        "AtMaximum": [],
    }
